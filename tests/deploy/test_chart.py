"""What the chart makes of its values: which objects, and a configuration that poller takes."""

import itertools
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from poller.config.settings import Settings, load
from tests.deploy.chart import CHART, EXAMPLES, Chart, Objects, with_files
from tests.deploy.tools import tool

ALWAYS = ["ConfigMap", "Service"]
FILE = {"archive": {"type": "file", "path": "events/{source}.jsonl", "rotate": {"size": 100_000_000}}}
KUBERNETES = "1.31"


def loaded(objects: Objects, folder: Path) -> Settings:
    """What poller makes of the configuration in the pod: mounted secrets are files here."""
    text = objects.config.replace("/run/secrets/", f"{folder}/")
    for mount in objects.container["volumeMounts"]:
        if mount["mountPath"].startswith("/run/secrets/"):
            made = folder / mount["mountPath"].removeprefix("/run/secrets/")
            made.mkdir()
            for name in ("client-secret", "refresh-token"):
                (made / name).write_text("made-up")
    (folder / "config.yaml").write_text(text)
    return load(folder / "config.yaml", objects.environ)


@pytest.mark.parametrize("example", ["", *EXAMPLES])
def test_helm_lint_has_nothing_to_say(chart: Chart, example: str) -> None:
    assert chart.lint(example) == ""


def test_the_chart_is_of_the_version_of_the_program() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((CHART.parents[1] / "pyproject.toml").read_text())["project"]
    assert about["appVersion"] == about["version"] == project["version"]


@pytest.mark.parametrize(
    ("state", "monitored", "walled", "replicas"),
    [
        (state, *rest)
        for state in EXAMPLES
        for rest in itertools.product((True, False), (True, False), (1, 4) if state == "kafka" else (1,))
    ],
)
def test_every_combination_is_what_kubernetes_takes(
    chart: Chart, tmp_path: Path, state: str, monitored: bool, walled: bool, replicas: int
) -> None:
    objects = chart.render(
        state, monitoring={"enabled": monitored}, networkPolicy={"enabled": walled}, replicas=replicas
    )
    expected = [*ALWAYS, "StatefulSet" if state == "sqlite" else "Deployment"]
    expected += ["NetworkPolicy"] * walled + ["PodDisruptionBudget"] * (replicas > 1)
    assert [kind for kind in objects.kinds if kind not in {"ServiceMonitor", "PrometheusRule"}] == sorted(
        expected + ["ConfigMap"] * (monitored and (CHART / "files/dashboard.json").exists())
    )
    assert ("ServiceMonitor" in objects.kinds) == monitored
    assert validated(objects, tmp_path) == []


def validated(objects: Objects, folder: Path) -> list[str]:
    """What Kubernetes' own schemas have against it; the operator's kinds have none there."""
    out = folder / "out.yaml"
    out.write_text(yaml.safe_dump_all(one for one in objects.all if "coreos.com" not in one["apiVersion"]))
    command = [tool("kubernetes-validate", "make tools"), "--strict", "-k", KUBERNETES, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return [line for line in lines if "passed for resource" not in line] or [""] * done.returncode


@pytest.mark.parametrize("example", EXAMPLES)
def test_poller_takes_the_configuration_of_the_pod(chart: Chart, tmp_path: Path, example: str) -> None:
    settings = loaded(chart.render(example), tmp_path)
    given = yaml.safe_load(EXAMPLES[example].read_text())["config"]
    assert list(settings.sources) == sorted(given["sources"])
    assert settings.state.type == example
    assert (settings.server.host, settings.server.port) == ("0.0.0.0", 9090)  # noqa: S104


def test_without_values_it_renders_and_the_pod_says_what_is_missing(chart: Chart, tmp_path: Path) -> None:
    objects = chart.render("")
    (tmp_path / "config.yaml").write_text(objects.config)
    with pytest.raises(Exception, match=r"sources.*\n.*outputs|outputs.*\n.*sources"):
        load(tmp_path / "config.yaml", {})


def test_one_port_is_listened_on_probed_and_served(chart: Chart, tmp_path: Path) -> None:
    objects = chart.render("sqlite", config={"server": {"port": 8123, "host": "127.0.0.1"}})
    server = loaded(objects, tmp_path).server
    assert (server.host, server.port) == ("0.0.0.0", 8123)  # noqa: S104
    [port], [service] = objects.container["ports"], objects["Service"]["spec"]["ports"]
    assert (port["containerPort"], service["port"], service["targetPort"]) == (8123, 8123, port["name"])
    paths = {probe: objects.container[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")}
    assert paths == {
        "startup": {"path": "/livez", "port": "http"},
        "liveness": {"path": "/livez", "port": "http"},
        "readiness": {"path": "/readyz", "port": "http"},
    }


def test_prometheus_is_given_the_token_that_the_endpoints_ask_for(chart: Chart, tmp_path: Path) -> None:
    secret = {"name": "poller-token", "key": "token"}
    server, monitoring = {"token": "${CALLCAP_API_KEY}"}, {"enabled": True, "tokenSecret": secret}
    objects = chart.render("sqlite", config={"server": server}, monitoring=monitoring)
    assert loaded(objects, tmp_path).server.token is not None
    [endpoint] = objects["ServiceMonitor"]["spec"]["endpoints"]
    assert endpoint["authorization"] == {"credentials": secret}
    [endpoint] = chart.render("sqlite", monitoring={"enabled": True})["ServiceMonitor"]["spec"]["endpoints"]
    assert "authorization" not in endpoint


def test_a_number_stays_a_number_however_large(chart: Chart, tmp_path: Path) -> None:
    source: dict[str, Any] = {"type": "flextell", "tenant": 123_456_789_012, "access_token": "${CALLCAP_API_KEY}"}
    objects = chart.render("sqlite", config={"sources": {"big": source}, "outputs": FILE})
    settings = loaded(objects, tmp_path)
    assert "123456789012" in str(settings.sources["big"].tenant_key)
    assert "100000000" in objects.config


def test_a_later_file_can_take_out_what_an_earlier_one_names(chart: Chart, tmp_path: Path) -> None:
    config = {"sources": {"crm": None}, "outputs": {"archive": None, "console": {"type": "stdout"}}}
    settings = loaded(chart.render("sqlite", config=config), tmp_path)
    assert (list(settings.sources), list(settings.outputs)) == (["acme-calls"], ["console"])


def test_a_changed_configuration_rolls_the_pods_and_an_equal_one_does_not(chart: Chart) -> None:
    def pods(**values: Any) -> Any:
        return chart.render("kafka", **values).workload["spec"]["template"]

    before = pods()
    assert pods(replicas=5) == before
    changed = pods(config={"sources": {"acme-leads": {"start": "48h"}}})
    assert changed["metadata"]["annotations"] != before["metadata"]["annotations"]
    assert changed["spec"] == before["spec"]


def test_secrets_come_in_by_reference(chart: Chart) -> None:
    objects = chart.render("sqlite")
    wanted = {"name": "poller", "key": "callcap-api-key"}
    assert {"name": "CALLCAP_API_KEY", "valueFrom": {"secretKeyRef": wanted}} in objects.container["env"]
    [volume] = [one for one in objects.pod["volumes"] if "secret" in one]
    mount = {"name": volume["name"], "mountPath": "/run/secrets/flextell", "readOnly": True}
    assert volume["secret"] == {"secretName": "flextell", "defaultMode": 0o440}
    assert mount in objects.container["volumeMounts"]
    assert "Secret" not in objects.kinds


def test_the_dashboard_and_the_rules_are_rendered_as_they_are(tmp_path: Path) -> None:
    rules = 'groups:\n- name: g\n  rules:\n  - {alert: A, expr: "up == 0", annotations: {summary: "{{ $labels.x }}"}}\n'
    dashboard = '{"title": "poller", "legendFormat": "{{source}}"}'
    chart = with_files(tmp_path, rules__yaml=rules, dashboard__json=dashboard)
    objects = chart.render("kafka")
    assert objects["PrometheusRule"]["spec"] == yaml.safe_load(rules)
    [shown] = [one for one in objects.all if "grafana_dashboard" in one["metadata"]["labels"]]
    assert shown["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert shown["data"]["poller.json"].strip() == dashboard
    assert chart.lint("kafka") == ""


def test_without_rules_and_dashboard_there_are_none(tmp_path: Path) -> None:
    kinds = with_files(tmp_path).render("kafka").kinds
    assert "PrometheusRule" not in kinds
    assert kinds.count("ConfigMap") == 1
