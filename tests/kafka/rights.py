"""What Bob is allowed: everybody else here may do everything."""

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from tests.kafka.reading import DEADLINE, Place


def allow(place: Place, who: str, topic: str, operation: str) -> None:
    """Grant an operation on a topic to anybody who logs in by this name."""
    literal, allowed = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
    grant = AclBinding(ResourceType.TOPIC, topic, literal, f"User:{who}", "*", AclOperation[operation], allowed)
    admin = place.admin()
    admin.create_acls([grant])[grant].result(DEADLINE)
