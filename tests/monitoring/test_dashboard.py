"""The dashboard is one that Grafana can load, and asks only what Prometheus understands."""

import json
from collections import Counter
from pathlib import Path

from tests.monitoring.conftest import promtool
from tests.monitoring.queries import DASHBOARD, asked, panels


def test_every_panel_says_what_it_shows() -> None:
    assert len(panels()) > 20
    for panel in panels():
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])


def test_no_number_and_no_title_is_given_twice() -> None:
    for key in ("id", "title"):
        assert [value for value, times in Counter(of[key] for of in DASHBOARD["panels"]).items() if times > 1] == []


def test_no_two_panels_overlap() -> None:
    taken: Counter[tuple[int, int]] = Counter()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        taken.update((at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"]))
    assert set(taken.values()) == {1}


def test_its_variables_are_those_that_its_panels_use() -> None:
    names = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
    assert names == ["datasource", "job", "source"]
    text = json.dumps(DASHBOARD["panels"])
    assert all(f"${name}" in text or f"${{{name}}}" in text for name in names)
    assert not [expr for _, expr in asked() if "$" in expr]


def test_prometheus_understands_every_question(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": expr} for number, (_, expr) in enumerate(asked())]
    written = tmp_path / "rules.yaml"
    written.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(written))
