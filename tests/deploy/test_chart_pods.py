"""What the pods may do, where they run, who may talk to them, and how they end."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.chart import CHART, EXAMPLES, Chart
from tests.deploy.tools import tool

BOTH = pytest.mark.parametrize("example", EXAMPLES)


@BOTH
def test_pods_keep_to_the_restricted_standard(chart: Chart, example: str) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    pod = chart.render(example).pod
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False  # a service called poller would set POLLER_PORT to tcp://...
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert {key for volume in pod["volumes"] for key in volume} <= {"name", "configMap", "secret", "emptyDir"}
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def test_with_sqlite_one_pod_keeps_its_volume_where_it_works(chart: Chart) -> None:
    objects = chart.render("sqlite")
    spec = objects["StatefulSet"]["spec"]
    assert spec["replicas"] == 1
    [claim] = spec["volumeClaimTemplates"]
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}}
    mount = {"name": claim["metadata"]["name"], "mountPath": "/var/lib/poller"}
    assert mount in objects.container["volumeMounts"]
    assert f"\nWORKDIR {mount['mountPath']}\n" in (CHART.parents[1] / "Dockerfile").read_text()


def test_the_volumes_size_and_class_can_be_chosen(chart: Chart) -> None:
    [claim] = chart.render("")["StatefulSet"]["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "1Gi"
    [claim] = chart.render("sqlite", persistence={"storageClassName": "fast"}).workload["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "fast"


def test_with_kafka_pods_have_no_volume_and_are_spread(chart: Chart) -> None:
    objects = chart.render("kafka")
    spec = objects["Deployment"]["spec"]
    assert spec["replicas"] == 3
    assert [volume for volume in objects.pod["volumes"] if "emptyDir" in volume] == [{"name": "tmp", "emptyDir": {}}]
    spread = objects.pod["topologySpreadConstraints"]
    assert {one["topologyKey"] for one in spread} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
    for one in spread:
        assert one["labelSelector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


@BOTH
def test_everything_that_selects_selects_the_pods_of_this_release(chart: Chart, example: str) -> None:
    objects = chart.render(example, monitoring={"enabled": True})
    pods = objects.workload["spec"]["template"]["metadata"]["labels"]
    chosen = {"app.kubernetes.io/name": "poller", "app.kubernetes.io/instance": "r"}
    assert chosen.items() <= pods.items()
    assert objects.workload["spec"]["selector"]["matchLabels"] == chosen
    assert objects["Service"]["spec"]["selector"] == chosen
    assert objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == chosen
    assert objects["ServiceMonitor"]["spec"]["selector"]["matchLabels"] == chosen
    assert chosen.items() <= objects["Service"]["metadata"]["labels"].items()


def test_only_several_replicas_have_a_budget(chart: Chart) -> None:
    assert chart.render("kafka")["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
    assert "PodDisruptionBudget" not in chart.render("kafka", replicas=1).kinds
    assert "PodDisruptionBudget" not in chart.render("sqlite").kinds


@BOTH
def test_it_has_the_time_to_deliver_and_save_before_it_is_killed(chart: Chart, example: str) -> None:
    assert chart.render(example).pod["terminationGracePeriodSeconds"] >= 30


def ports(rules: Any) -> list[Any]:
    return [port["port"] for rule in rules for port in rule["ports"]]


def test_it_reaches_names_vendors_and_its_brokers_and_is_reached_at_one_port(chart: Chart) -> None:
    policy = chart.render("kafka")["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert ports(policy["ingress"]) == ["http"]
    assert ports(policy["egress"]) == [53, 53, 443, 9093]
    assert ports(chart.render("sqlite")["NetworkPolicy"]["spec"]["egress"]) == [53, 53, 443]


def test_who_may_reach_it_and_what_it_may_reach_can_be_named(chart: Chart) -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]
    policy = chart.render("kafka", networkPolicy={"ingressFrom": peers, "egressPorts": [443, 8443, 9093]})
    spec = policy["NetworkPolicy"]["spec"]
    assert [rule["from"] for rule in spec["ingress"]] == [peers]
    assert ports(spec["egress"]) == [53, 53, 443, 8443, 9093]


def test_prometheus_is_told_which_port_and_path(chart: Chart) -> None:
    monitor = chart.render("kafka", monitoring={"interval": "15s"})["ServiceMonitor"]
    assert monitor["spec"]["endpoints"] == [{"port": "http", "path": "/metrics", "interval": "15s"}]
    assert monitor["spec"]["jobLabel"] in monitor["spec"]["selector"]["matchLabels"]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_the_alerts_in_the_chart_are_what_prometheus_takes(chart: Chart, tmp_path: Path) -> None:
    objects = chart.render("kafka")
    assert "PrometheusRule" in objects.kinds
    rules = tmp_path / "rules.yaml"
    rules.write_text(yaml.safe_dump({"groups": objects["PrometheusRule"]["spec"]["groups"]}))
    command = [tool("promtool", "apt-get install prometheus"), "check", "rules", str(rules)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
