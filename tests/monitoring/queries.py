"""What rules and dashboard ask Prometheus."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.commands.running import ROOT

RULES = ROOT / "helm/poller/files/rules.yaml"
DASHBOARD = json.loads((ROOT / "helm/poller/files/dashboard.json").read_text())
VARIABLES = {"$__rate_interval": "5m", "$job": ".*", "$source": ".*"}

ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
}


def panels() -> list[dict[str, Any]]:
    """Those that show something."""
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def asked() -> Iterator[tuple[str, str]]:
    """Each panel's title and expression, its variables replaced as Grafana would."""
    for panel in panels():
        for target in panel["targets"]:
            expr = target["expr"]
            for name, value in VARIABLES.items():
                expr = expr.replace(name, value)
            yield panel["title"], expr


def metrics(expr: str) -> set[str]:
    """The metrics of ours, and of the process, that an expression names."""
    return set(re.findall(r"\b(?:poller|process)_\w+", expr))
