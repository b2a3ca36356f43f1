"""The config.yaml that comes with the program, and the schema that editors check it with."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from poller.config.json_schema import config_schema
from poller.config.settings import Settings, load
from tests.config.loading import OUTPUTS, load_text

EXAMPLE = Path(__file__).parents[2] / "config.yaml"
ENVIRON = {
    "CALLCAP_API_KEY": "a",
    "FLEXTELL_TOKEN": "b",
    "TRACKDRIVE_PUBLIC_KEY": "c",
    "TRACKDRIVE_PRIVATE_KEY": "d",
    "IPSCAPE_TOKEN": "e",
    "AGENDIZE_API_KEY": "f",
    "AGENDIZE_TOKEN": "g",
}
SCHEMA = config_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def left_out(example: dict[str, Any]) -> dict[str, Any]:
    """The example without what its comments call a default."""
    kept = {
        "acme-calls": ("type", "api_key"),
        "crm": ("type", "tenant", "access_token"),
        "acme-leads": ("type", "base_url", "public_key", "private_key"),
        "support-centre": ("type", "base_url", "token"),
        "clinics": ("type", "api_key", "token"),
    }
    sources = {name: {key: example["sources"][name][key] for key in keys} for name, keys in kept.items()}
    needed = {"console": ("type",), "archive": ("type", "path"), "bus": ("type", "bootstrap_servers")}
    outputs = {name: {key: example["outputs"][name][key] for key in keys} for name, keys in needed.items()}
    return {"sources": sources, "outputs": outputs}


def test_the_example_is_a_good_configuration() -> None:
    settings = load(EXAMPLE, ENVIRON)
    vendors = [source.type for source in settings.sources.values()]
    assert vendors == ["callcap", "flextell", "trackdrive", "ipscape", "agendize"]
    assert [output.type for output in settings.outputs.values()] == ["stdout", "file", "kafka"]


def test_what_the_example_shows_are_the_defaults(tmp_path: Path) -> None:
    example = yaml.safe_load(EXAMPLE.read_text())
    shown, short = (
        load(EXAMPLE, ENVIRON),
        load_text(tmp_path, yaml.safe_dump(left_out(example), sort_keys=False), ENVIRON),
    )
    for name, source in shown.sources.items():
        assert source.retention == short.sources[name].retention
        assert source.default_region == short.sources[name].default_region
        assert source.model_copy(update={"keep": None, "region": None}) == short.sources[name]
    assert (shown.outputs, shown.state, shown.server) == (short.outputs, short.state, short.server)


def described() -> dict[str, Any]:
    """The models of the sources that are described in the configuration, and of nothing else."""
    whole, found, left = SCHEMA["$defs"], dict[str, Any](), ["Rest"]
    while left:
        name = left.pop()
        found[name] = whole[name]
        left += [other for other in re.findall(r"#/\$defs/(\w+)", str(whole[name])) if other not in found]
    return found


def keys_of(models: Iterable[dict[str, Any]]) -> set[str]:
    return {key for model in models for one in model.get("anyOf", [model]) for key in one.get("properties", {})}


def test_the_example_shows_every_key() -> None:
    others = {name: model for name, model in SCHEMA["$defs"].items() if name not in described()}
    known = keys_of([SCHEMA, *others.values()])
    shown = set(re.findall(r"(?m)^\s*(?:# )?(\w+):", EXAMPLE.read_text()))
    inline = set(re.findall(r"[{,] ?(\w+): ", EXAMPLE.read_text()))
    assert known - shown - inline == set()


def test_the_page_on_described_sources_shows_every_key_of_theirs() -> None:
    page = (EXAMPLE.with_name("docs") / "rest.md").read_text()
    keys = keys_of(described().values()) - keys_of([SCHEMA["$defs"]["Callcap"]])
    assert {key for key in keys if not re.search(rf"`{key}`|[ {{]{key}: ", page)} == set()


def test_every_key_of_the_example_is_explained_where_it_stands_first() -> None:
    clear = {
        "sources",
        "calls",
        "leads",
        "crm",
        "archive",
        "bus",
        "clinics",
        "acme-leads",
        "support-centre",
    }  # names, and what the key above explains
    met: set[str] = set()
    for line in EXAMPLE.read_text().splitlines():
        if key := re.match(r"\s*(?:# )?([\w-]+):(?!//)", line):
            assert " # " in line[key.end() :] or key[1] in met | clear, line
            met.add(key[1])


def test_the_schema_is_one_and_takes_the_example() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(yaml.safe_load(EXAMPLE.read_text()))


def test_the_schema_takes_a_placeholder_for_every_scalar() -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(child) for key, child in value.items()}
        return [filled(child) for child in value] if isinstance(value, list) else "a${NAME:-1}b"

    example = yaml.safe_load(EXAMPLE.read_text())
    example["outputs"]["archive"]["rotate"] = {"size": 1, "age": "1h"}
    example["sources"]["acme-calls"] |= {"drop": ["x"], "proxy": "x", "ca_file": "y"}
    VALIDATOR.validate(filled(example))


@pytest.mark.parametrize("change", [
    {"sources": {}}, {"outputs": {}}, {"progress": "often"}, {"server": {"port": 65536}}, {"server": {"port": "x"}},
    {"state": {"type": "kafka"}}, {"sources": {"a b": {"type": "callcap", "api_key": "x"}}},
    {"sources": {"a": {"type": "trackdrive"}}}, {"sources": {"a": {"type": "callcap"}}},
    {"sources": {"a": {"type": "callcap", "api_key": "x", "timeout": "30"}}},
    {"sources": {"a": {"type": "callcap", "api_key": "x", "timeout": 30}}},
    {"sources": {"a": {"type": "callcap", "api_key": "x", "streams": {"leads": {}}}}},
    {"sources": {"a": {"type": "flextell", "tenant": 1, "api_key": "x"}}},
])  # fmt: skip
def test_the_schema_refuses(change: dict[str, Any]) -> None:
    good = {"sources": {"a": {"type": "callcap", "api_key": "x"}}, "outputs": {"console": {"type": "stdout"}}}
    VALIDATOR.validate(good)
    assert not VALIDATOR.is_valid({**good, **change})


def test_the_schemas_defaults_are_what_a_file_may_say(tmp_path: Path) -> None:
    def defaults(model: Any) -> dict[str, Any]:
        return {
            key: default
            for key, child in model["properties"].items()
            if (default := child.get("default")) is not None and key != "token_url"
        }

    callcap = {"type": "callcap", "api_key": "x", **defaults(SCHEMA["$defs"]["Callcap"])}
    flextell = {"type": "flextell", "tenant": 1, "access_token": "x", **defaults(SCHEMA["$defs"]["Flextell"])}
    whole = {"sources": {"a": callcap, "b": flextell}, "outputs": {"c": {"type": "stdout"}}, **defaults(SCHEMA)}
    VALIDATOR.validate(whole)
    assert {"state", "server"} <= whole.keys()
    short = "sources: {a: {type: callcap, api_key: x}, b: {type: flextell, tenant: 1, access_token: x}}"
    found: Settings = load_text(tmp_path, yaml.safe_dump(whole))
    assert found == load_text(tmp_path, f"{short}\n{OUTPUTS.replace('console', 'c')}")
