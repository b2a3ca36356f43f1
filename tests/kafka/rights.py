"""What Bob is allowed: everybody else here may do everything."""

import time

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from tests.kafka.reading import DEADLINE, Place


def allow(place: Place, who: str, name: str, operation: str, kind: str = "TOPIC") -> None:
    """Grant an operation on a topic (or another `kind` of thing) to anybody who logs in by this name."""
    _say(place, who, name, operation, kind, AclPermissionType.ALLOW)


def deny(place: Place, who: str, name: str, operation: str) -> None:
    """Forbid an operation on a topic, whatever is granted."""
    _say(place, who, name, operation, "TOPIC", AclPermissionType.DENY)


def _say(place: Place, who: str, name: str, operation: str, kind: str, verdict: AclPermissionType) -> None:
    literal = ResourcePatternType.LITERAL
    words = AclBinding(ResourceType[kind], name, literal, f"User:{who}", "*", AclOperation[operation], verdict)
    admin = place.admin()
    admin.create_acls([words])[words].result(DEADLINE)
    asked = AclBindingFilter(ResourceType[kind], name, literal, f"User:{who}", "*", AclOperation[operation], verdict)
    while not admin.describe_acls(asked).result(DEADLINE):  # the broker has it a moment after the controller
        time.sleep(0.02)
