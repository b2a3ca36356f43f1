"""What the chart refuses before anything is installed: where it is wrong, and never a secret."""

from typing import Any

import pytest

from tests.ship.chart import Chart

LITERAL = "hunter2-hunter2"
NOT_A_SECRET = "Must not validate the schema"


def source(**keys: Any) -> dict[str, Any]:
    return {"config": {"sources": {"acme": {"type": "callcap", **keys}}}}


def output(**keys: Any) -> dict[str, Any]:
    return {"config": {"outputs": {"extra": keys}}}


@pytest.mark.parametrize(
    "key",
    ["api_key", "token", "access_token", "public_key", "private_key", "client_secret", "refresh_token"],
)
def test_a_sources_secret_in_the_values_is_refused_and_not_repeated(chart: Chart, key: str) -> None:
    said = chart.refusal("sqlite", **source(**{key: LITERAL}))
    assert f"config.sources.acme.{key}: {NOT_A_SECRET}" in said
    assert LITERAL not in said
    assert LITERAL not in chart.lint("sqlite", **source(**{key: LITERAL}))


@pytest.mark.parametrize("value", [LITERAL, f"${{NAME:-{LITERAL}}}", f"${{NAME}}{LITERAL}", 12345678, [LITERAL]])
def test_whatever_is_more_than_a_reference_is_refused(chart: Chart, value: Any) -> None:
    said = chart.refusal("sqlite", **source(api_key=value))
    assert f"config.sources.acme.api_key: {NOT_A_SECRET}" in said
    assert LITERAL not in said


def test_a_proxys_login_is_a_secret(chart: Chart) -> None:
    said = chart.refusal("sqlite", **source(proxy=f"http://me:{LITERAL}@proxy:3128"))
    assert f"config.sources.acme.proxy: {NOT_A_SECRET}" in said
    assert LITERAL not in said
    chart.render("sqlite", **source(proxy="http://proxy:3128"))
    chart.render("sqlite", **source(proxy="http://${CALLCAP_API_KEY}@proxy:3128"))


@pytest.mark.parametrize("key", ["sasl_password", "sasl_token"])
def test_kafkas_secrets_in_the_values_are_refused(chart: Chart, key: str) -> None:
    for place in ("outputs.bus", "state"):
        part = {"bus": {key: LITERAL}} if place == "outputs.bus" else {key: LITERAL}
        said = chart.refusal("kafka", config={place.partition(".")[0]: part})
        assert f"config.{place}.{key}: {NOT_A_SECRET}" in said
        assert LITERAL not in said


def test_the_key_of_the_tokens_is_a_secret(chart: Chart) -> None:
    said = chart.refusal("kafka", config={"state": {"token_key": LITERAL}})
    assert f"config.state.token_key: {NOT_A_SECRET}" in said


@pytest.mark.parametrize(
    ("example", "values", "words"),
    [
        ("sqlite", {"replicas": 2}, "replicas does not match: 1"),
        ("sqlite", {"replicas": 0}, "replicas: Must be greater than or equal to 1"),
        ("", {"replicas": 3}, "replicas does not match: 1"),
        ("kafka", {"persistence": {"size": "2Gi"}}, "persistence: Must have at most 0 properties"),
        ("sqlite", {"persistence": {"size": "lots"}}, "persistence.size: Does not match pattern"),
        ("sqlite", {"config": {"state": {"type": "redis"}}}, "config.state.type must be one of"),
        ("sqlite", {"config": {"state": {"path": "/state/poller.db"}}}, "config.state.path: Does not match pattern"),
        ("sqlite", output(type="file", path="/data/x"), "config.outputs.extra.path: Does not match pattern"),
        ("sqlite", output(type="webhook"), "config.outputs.extra.type must be one of"),
        ("sqlite", output(path="x"), "config.outputs.extra: type is required"),
        ("sqlite", {"config": {"server": {"port": 0}}}, "config.server.port: Must be greater than or equal to 1"),
        ("sqlite", {"config": {"server": {"port": "${PORT}"}}}, "config.server.port: Invalid type"),
        ("sqlite", {"config": {"servers": {}}}, "config: Additional property servers is not allowed"),
        ("sqlite", {"nonsense": 1}, "Additional property nonsense is not allowed"),
        ("sqlite", {"terminationGracePeriodSeconds": 5}, "terminationGracePeriodSeconds: Must be greater"),
        ("sqlite", {"secretEnv": {"A": "literal"}}, "secretEnv.A: Invalid type"),
        ("sqlite", {"secretEnv": {"A": {"secretName": "s"}}}, "secretEnv.A: key is required"),
        ("sqlite", {"secretEnv": {"A-B": {"secretName": "s", "key": "k"}}}, "secretEnv: Property name of"),
        ("sqlite", {"secretFiles": {"s": "/etc/poller"}}, "secretFiles.s: Does not match pattern"),
        ("kafka", {"monitoring": {"interval": "often"}}, "monitoring.interval: Does not match pattern"),
        ("kafka", {"networkPolicy": {"egressPorts": [70000]}}, "networkPolicy.egressPorts.0: Must be less than"),
    ],
)
def test_nonsense_is_refused_with_its_place(chart: Chart, example: str, values: dict[str, Any], words: str) -> None:
    assert words in chart.refusal(example, **values)


def test_a_placeholder_that_nothing_fills_is_refused_with_the_remedy(chart: Chart) -> None:
    said = chart.refusal("sqlite", **source(api_key="${NOBODY_SET_THIS}"))
    assert "${NOBODY_SET_THIS} has no value: set secretEnv.NOBODY_SET_THIS to {secretName: ..., key: ...}" in said
    said = chart.refusal("sqlite", **source(api_key="${file:/run/secrets/other/key}"))
    assert "${file:/run/secrets/other/key} is in no mounted secret" in said
    assert "set secretFiles.<name of the secret> to /run/secrets/other" in said


def test_a_placeholder_with_a_default_needs_no_value(chart: Chart) -> None:
    objects = chart.render("sqlite", config={"sources": {"acme-calls": {"timezone": "${ZONE:-US/Arizona}"}}})
    assert "${ZONE:-US/Arizona}" in objects.config
