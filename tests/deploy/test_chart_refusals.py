"""What the chart refuses before anything is installed: where it is wrong, and never a secret."""

from typing import Any

import pytest

from tests.deploy.chart import Chart

LITERAL = "hunter2-hunter2"


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
    assert f"config.sources.acme.{key}: " in said
    assert LITERAL not in said
    assert LITERAL not in chart.lint("sqlite", **source(**{key: LITERAL}))


@pytest.mark.parametrize("value", [LITERAL, f"${{NAME:-{LITERAL}}}", f"${{NAME}}{LITERAL}", 12345678, [LITERAL]])
def test_whatever_is_more_than_a_reference_is_refused(chart: Chart, value: Any) -> None:
    said = chart.refusal("sqlite", **source(api_key=value))
    assert "config.sources.acme.api_key: " in said
    assert LITERAL not in said


def test_a_proxys_login_is_a_secret(chart: Chart) -> None:
    said = chart.refusal("sqlite", **source(proxy=f"http://me:{LITERAL}@proxy:3128"))
    assert "config.sources.acme.proxy: " in said
    assert LITERAL not in said
    chart.render("sqlite", **source(proxy="http://proxy:3128"))
    chart.render("sqlite", **source(proxy="http://${CALLCAP_API_KEY}@proxy:3128"))


@pytest.mark.parametrize("key", ["sasl_password", "sasl_token"])
def test_kafkas_secrets_in_the_values_are_refused(chart: Chart, key: str) -> None:
    for place in ("outputs.bus", "state"):
        part = {"bus": {key: LITERAL}} if place == "outputs.bus" else {key: LITERAL}
        said = chart.refusal("kafka", config={place.partition(".")[0]: part})
        assert f"config.{place}.{key}: " in said
        assert LITERAL not in said


def test_the_key_of_the_tokens_is_a_secret(chart: Chart) -> None:
    said = chart.refusal("kafka", config={"state": {"token_key": LITERAL}})
    assert "config.state.token_key: " in said


def test_the_token_of_the_endpoints_is_a_secret_that_prometheus_needs_too(chart: Chart) -> None:
    said = chart.refusal("kafka", config={"server": {"token": LITERAL}})
    assert "config.server.token: " in said
    assert LITERAL not in said
    server = {"server": {"token": "${CALLCAP_API_KEY}"}}
    assert "monitoring.tokenSecret: " in chart.refusal("sqlite", config=server, monitoring={"enabled": True})


@pytest.mark.parametrize(
    ("example", "values", "place"),
    [
        ("sqlite", {"replicas": 2}, "replicas"),
        ("sqlite", {"replicas": 0}, "replicas"),
        ("", {"replicas": 3}, "replicas"),
        ("kafka", {"replicas": 0}, "replicas"),
        ("kafka", {"persistence": {"size": "2Gi"}}, "persistence"),
        ("sqlite", {"persistence": {"size": "lots"}}, "persistence.size"),
        ("sqlite", {"config": {"state": {"type": "redis"}}}, "config.state.type"),
        ("sqlite", {"config": {"state": {"path": "/state/poller.db"}}}, "config.state.path"),
        ("sqlite", output(type="file", path="/data/x"), "config.outputs.extra.path"),
        ("sqlite", output(type="webhook"), "config.outputs.extra.type"),
        ("sqlite", output(path="x"), "config.outputs.extra"),
        ("sqlite", {"config": {"server": {"port": 0}}}, "config.server.port"),
        ("sqlite", {"config": {"server": {"port": "${PORT}"}}}, "config.server.port"),
        ("sqlite", {"config": {"server": {"ports": 1}}}, "config.server"),
        ("sqlite", {"config": {"servers": {}}}, "config"),
        ("sqlite", {"terminationGracePeriodSeconds": 5}, "terminationGracePeriodSeconds"),
        ("sqlite", {"secretEnv": {"A": "literal"}}, "secretEnv.A"),
        ("sqlite", {"secretEnv": {"A": {"secretName": "s"}}}, "secretEnv.A"),
        ("sqlite", {"secretEnv": {"A-B": {"secretName": "s", "key": "k"}}}, "secretEnv"),
        ("sqlite", {"secretFiles": {"s": "/etc/poller"}}, "secretFiles.s"),
        ("kafka", {"monitoring": {"interval": "often"}}, "monitoring.interval"),
        ("kafka", {"monitoring": {"tokenSecret": {"name": "poller"}}}, "monitoring.tokenSecret"),
        ("kafka", {"networkPolicy": {"egressPorts": [70000]}}, "networkPolicy.egressPorts.0"),
    ],
)
def test_nonsense_is_refused_with_its_place(chart: Chart, example: str, values: dict[str, Any], place: str) -> None:
    assert f"- {place}: " in chart.refusal(example, **values)


def test_an_unknown_value_is_refused_by_its_name(chart: Chart) -> None:
    assert "nonsense" in chart.refusal("sqlite", nonsense=1)


def test_a_placeholder_that_nothing_fills_is_refused_with_the_remedy(chart: Chart) -> None:
    said = chart.refusal("sqlite", **source(api_key="${NOBODY_SET_THIS}"))
    assert "${NOBODY_SET_THIS} has no value: set secretEnv.NOBODY_SET_THIS to {secretName: ..., key: ...}" in said
    said = chart.refusal("sqlite", **source(api_key="${file:/run/secrets/other/key}"))
    assert "${file:/run/secrets/other/key} is in no mounted secret" in said
    assert "set secretFiles.<name of the secret> to /run/secrets/other" in said


def test_a_placeholder_with_a_default_needs_no_value(chart: Chart) -> None:
    objects = chart.render("sqlite", config={"sources": {"acme-calls": {"timezone": "${ZONE:-US/Arizona}"}}})
    assert "${ZONE:-US/Arizona}" in objects.config
