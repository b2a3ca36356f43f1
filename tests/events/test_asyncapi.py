"""The AsyncAPI document of a configuration: valid by the AsyncAPI project's schema, and true of what is delivered."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from outputs.kafka import records
from poller.commands.schema import asyncapi, delivered_kinds
from poller.config.settings import load
from poller.events.json_schema import event_schema
from tests.support.toy import Reader, record

SPECIFICATION = Path(__file__).parent / "asyncapi/3.0.0.json"
KAFKA = "type: kafka, bootstrap_servers: 'a:9092,b:9093'"
CONFIG = f"""
sources:
  acme: {{type: trackdrive, base_url: "https://a.example", public_key: p, private_key: q}}
  centre: {{type: ipscape, base_url: "https://c.example/platform-api", token: t}}
outputs:
  console: {{type: stdout}}
  archive: {{type: file, path: "events/{{source}}/{{stream}}/{{date}}.jsonl"}}
  bus: {{{KAFKA}}}
  safe: {{{KAFKA}, topic: "x.{{source}}.{{kind}}", rejects_topic: x.rejects, mode: binary, security_protocol: SASL_SSL,
         sasl_mechanism: SCRAM-SHA-256, sasl_username: poller, sasl_password: SECRET-1}}
progress: 1m
"""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("asyncapi") / "config.yaml"
    path.write_text(CONFIG)
    return asyncapi(load(path, {}))


def test_it_is_valid_by_the_schema_of_the_asyncapi_project(document: Mapping[str, Any]) -> None:
    jsonschema.Draft7Validator(json.loads(SPECIFICATION.read_text())).validate(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(json.loads(SPECIFICATION.read_text())).validate({**document, "channels": {"x": 1}})


def test_every_reference_leads_somewhere(document: Mapping[str, Any]) -> None:
    for reference in references(document):
        assert resolved(document, reference), reference


def test_it_has_every_topic_with_its_kinds_and_its_servers(document: Mapping[str, Any]) -> None:
    topics = {channel["address"]: sorted(channel["messages"]) for channel in document["channels"].values()}
    assert topics["poller.call"] == ["call"]
    assert topics["poller.activity"] == ["activity"], "a kind that a stream has besides"
    assert topics["poller.rejects"] == ["reject"]
    assert topics["poller.stream"] == ["stream"], "how far each stream is complete"
    assert topics["x.acme.lead"] == ["lead_binary"]
    assert topics["events/centre/activities/{date}.jsonl"] == ["activity_line", "call_line", "stream_line"]
    assert topics["stdout"][0] == "activity_line"
    hosts = {name: (server["host"], server["protocol"]) for name, server in document["servers"].items()}
    assert hosts == {
        "bus": ("a:9092", "kafka"),
        "bus-2": ("b:9093", "kafka"),
        "safe": ("a:9092", "kafka-secure"),
        "safe-2": ("b:9093", "kafka-secure"),
    }
    assert document["servers"]["safe"]["security"] == [{"type": "scramSha256"}]
    assert "SECRET" not in json.dumps(document)


@pytest.mark.parametrize("fields", [{"text": "Ann"}, {"at": "no time"}], ids=["event", "reject"])
@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_what_is_delivered_is_as_it_says(
    document: Mapping[str, Any], mode: records.Mode, fields: Mapping[str, str]
) -> None:
    reader = Reader()
    reader.read(json.dumps({**json.loads(record()), **fields}).encode())
    [message] = reader.batch.messages
    posted = records.RecordBuilder("poller.{kind}", "poller.rejects", mode)(message)
    name = "reject" if message.reject else message.kind
    told = document["components"]["messages"][name if mode == "structured" else f"{name}_binary"]
    headers = {key: value.decode() for key, value in posted.headers}
    check(document, told["headers"], headers)
    assert headers.keys() <= told["headers"]["properties"].keys()
    check(document, told["payload"], json.loads(posted.value or b""))
    assert told["contentType"] == headers["content-type"]


def test_the_schema_of_events_has_the_kinds_that_a_configuration_brings(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("""
sources:
  desk:
    type: rest
    base_url: https://d.example
    auth: {bearer: sesame}
    streams: {tickets: {kind: ticket, path: /tickets, params: {since: "{start}"}, fields: {subject: title}}}
outputs: {console: {type: stdout}}
""")
    kinds = delivered_kinds(load(path, {}))
    assert "ticket" in event_schema(kinds)["$defs"]
    assert "subject" in event_schema(kinds)["$defs"]["ticket"]["properties"]
    assert "ticket" not in event_schema()["$defs"]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def resolved(document: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step]
    return document


def check(document: Mapping[str, Any], schema: Mapping[str, Any], value: Any) -> None:
    """Validate by a schema of the document, whose references are those of the whole document."""
    whole = {"$schema": "http://json-schema.org/draft-07/schema#", "components": document["components"], **schema}
    jsonschema.Draft7Validator(whole | ({"allOf": [schema]} if "$ref" in schema else {})).validate(value)
