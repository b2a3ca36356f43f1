"""A login to Kafka that lies in a file and is changed: a running poller goes on with it, and loses and repeats nothing.

Killed: a login that is read once, at a start; a broker that is back, with the old password of a running poller.
"""

from pathlib import Path

import pytest
from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from tests.commands.running import House, callcap, until
from tests.commands.test_kafka import output
from tests.commands.test_replicas import events
from tests.commands.test_state_kafka import subjects
from tests.commands.vendors import Vendors
from tests.kafka.broker import Broker
from tests.kafka.reading import DEADLINE, Place

pytestmark = pytest.mark.slow

SOON = "from poller.config import reload as rereading; rereading.EVERY = 0.2"
SCRAM = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-256"}


def change_password(place: Place, user: str, password: str) -> None:
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
    admin = place.admin()
    change = UserScramCredentialUpsertion(user, info, password.encode())
    [done] = admin.alter_user_scram_credentials([change]).values()
    done.result(DEADLINE)


@pytest.mark.long
def test_a_password_that_is_changed_counts_for_output_and_state(tmp_path: Path, vendors: Vendors, own: Broker) -> None:
    place = Place(own.at["PLAINTEXT"])
    login = own.login("SASL_PLAINTEXT", "SCRAM-SHA-256", "alice")
    password = tmp_path / "password"
    password.write_text(login["sasl_password"])
    login["sasl_password"] = "${file:password}"
    house = House(tmp_path, {"acme": callcap(vendors.at)}, bus=output(place, **login))
    names = {"topic": f"{place.prefix}state", "group": f"{place.prefix}group", "session_timeout": "6s"}
    house.write(state={"type": "kafka", "partitions": 1, "replication": 1, **names, **login})
    with house.start("run", before=SOON) as poller:
        until(lambda: subjects(place) == sorted(vendors.holds("callcap")), "what there was")
        change_password(place, "alice", "another-SECRET")
        password.write_text("another-SECRET")
        until(lambda: len(poller.logs("secrets.reread")) == 2, "that it is read again, for output and state")
        own.stop()
        own.start()
        new = vendors.put("callcap")
        until(lambda: new in subjects(place), "what is new, by the new password")
        until(lambda: poller.get("/readyz").status_code == 200, "ready")
        assert poller.stop() == 0
        assert "SECRET" not in poller.logged
    assert set(events(place).values()) == {1}
