"""What can be configured of Kafka, and what is told where it is wrong."""

from pathlib import Path
from typing import Any

import pytest
from aiokafka import partitioner
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from outputs import OutputError
from outputs.kafka import KafkaConfig, records
from outputs.kafka.batching import compressed_size, packed, size
from outputs.kafka.records import ProducerRecord, pattern

SASL = {"security_protocol": "SASL_SSL", "sasl_username": "u", "sasl_password": "SECRET"}


def config(**changes: Any) -> KafkaConfig:
    return KafkaConfig.model_validate({"type": "kafka", "bootstrap_servers": "a:1, b:2"} | changes)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"bootstrap_servers": ""}, "one or more brokers go here"),
        ({"bootstrap_servers": "kafka"}, "such as kafka-1:9092,kafka-2:9092"),
        ({"bootstrap_servers": "kafka:0"}, "one or more brokers"),
        ({"bootstrap_servers": "kafka:9092,"}, "one or more brokers"),
        ({"bootstrap_servers": "http://kafka:9092"}, "one or more brokers"),
        ({"topic": "calls/{kind}"}, "a topic is letters, digits"),
        ({"topic": ""}, "a topic is letters, digits"),
        ({"topic": ".."}, "a topic is letters, digits"),
        ({"topic": "x" * 250}, "249 letters at most"),
        ({"topic": "{date}"}, r"\{date\} is not known here: a topic's fields are \{source\}, \{stream\}, \{kind\}"),
        ({"topic": "{kind!r}"}, "is not known here"),
        ({"topic": "{kind"}, "a topic's fields are"),
        ({"rejects_topic": "{what}"}, "is not known here"),
        ({"mode": "avro"}, "'structured' or 'binary'"),
        ({"compression": "brotli"}, "'none', 'gzip', 'snappy', 'lz4' or 'zstd'"),
        ({"partitions": 0}, "greater than or equal to 1"),
        ({"security_protocol": "SASL_SSL"}, "sasl_username: PLAIN needs this key"),
        ({"sasl_password": "SECRET"}, "sasl_password: means nothing with security_protocol PLAINTEXT"),
        (SASL | {"sasl_token": "SECRET"}, "sasl_token: means nothing with sasl_mechanism PLAIN"),
        (SASL | {"sasl_mechanism": "OAUTHBEARER"}, "sasl_username: means nothing with sasl_mechanism OAUTHBEARER"),
        (SASL | {"sasl_password": "\n"}, "a credential is one line and not empty"),
        (SASL | {"key_file": "k.pem"}, "cert_file: the certificate of this key_file is needed"),
        ({"ca_file": "ca.pem"}, "ca_file: means nothing with security_protocol PLAINTEXT"),
        ({"acks": 1}, "Extra inputs"),
    ],
)
def test_a_wrong_configuration_is_told_without_a_secret(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        config(**wrong)
    assert "SECRET" not in str(caught.value)


def test_what_is_left_out_is_sane_and_no_secret_is_shown() -> None:
    found = config(**SASL)
    assert (found.topic, found.rejects_topic, found.mode, found.compression) == (
        "poller.{kind}", "poller.rejects", "structured", "zstd",
    )  # fmt: skip
    assert "SECRET" not in repr(found)
    assert found.place == "Kafka at a:1,b:2"


def test_two_outputs_can_be_told_apart() -> None:
    assert config(topic="{source}-{kind}").destinations() == ["a:1,b:2/*-*", "a:1,b:2/poller.rejects"]
    assert config(bootstrap_servers="b:2,a:1").destinations() == config().destinations()


@pytest.mark.parametrize("key", ["ca_file", "cert_file"])
async def test_a_certificate_that_cannot_be_read_is_told(tmp_path: Path, key: str) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("SECRET")
    for path, says in ((tmp_path / "none.pem", "No such file"), (broken, "PEM that can be read is needed")):
        wrong = config(**SASL, **{key: path})
        with pytest.raises(OutputError, match=rf"{path}: .*{says}"):
            await wrong.open({}).__aenter__()
        with pytest.raises(OutputError, match=says):
            wrong.check()


def test_a_template_knows_its_topics() -> None:
    assert pattern("poller.{kind}").fullmatch("poller.call")
    assert not pattern("poller.{kind}").fullmatch("poller.")
    assert not pattern("poller.{kind}").fullmatch("pollerXcall")


@pytest.mark.parametrize("most", [1, 500, 5000, 10**9])
def test_posts_are_packed_in_order_and_no_batch_is_larger_than_it_may_be(most: int) -> None:
    all_of_them = [ProducerRecord("t", b"key", b"x" * (37 * number % 900), 0, [("a", b"b")]) for number in range(100)]
    batches = [*packed(all_of_them, most)]
    assert [post for batch in batches for post in batch] == all_of_them
    assert all(len(batch) == 1 or sum(map(size, batch)) <= most for batch in batches)
    assert len(batches) == 1 or most < 10**9


@pytest.mark.parametrize("length", [0, 1, 100, 20_000, 3_000_000])
def test_the_size_of_a_post_is_never_underestimated(length: int) -> None:
    post = ProducerRecord(
        "t", b"k" * length, b"x" * length, 2**41, [("content-type", b"application/cloudevents+json"), ("a", b"")]
    )
    assert size(post) - 200 < compressed_size(post, "none") <= size(post)
    assert compressed_size(post, "zstd") < max(size(post), 300)


@given(st.binary(max_size=70))
def test_keys_are_hashed_as_by_the_library(key: bytes) -> None:
    assert records.murmur2(key) == partitioner.murmur2(key) & 0x7FFFFFFF
