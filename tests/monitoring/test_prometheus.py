"""A real Prometheus scrapes a running poller: its rules hold, the dashboard's questions have answers, alerts fire."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from poller.server.port import listen
from tests.commands.running import HASTY, House, Poller, callcap, flextell, until
from tests.commands.vendors import Vendors, serving
from tests.monitoring.conftest import promtool
from tests.monitoring.queries import ALERTS, RULES, asked, metrics
from tests.support.loopback import NO_AUTHORITIES


class Prometheus:
    """One that runs, asked over its HTTP API."""

    def __init__(self, at: str) -> None:
        self._http = httpx.Client(base_url=at, trust_env=False, verify=NO_AUTHORITIES, timeout=20)

    def close(self) -> None:
        self._http.close()

    def ready(self) -> bool:
        try:
            return self._http.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def api(self, path: str, **params: str) -> Any:
        answer = self._http.get(f"/api/v1/{path}", params=params).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expr: str) -> list[Any]:
        return list(self.api("query", query=expr)["result"])

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.api("rules")["groups"] for rule in group["rules"]]

    def alerts(self, name: str) -> list[dict[str, Any]]:
        return [alert for alert in self.api("alerts")["alerts"] if alert["labels"]["alertname"] == name]


def hasty_rules() -> dict[str, Any]:
    """The rules as they are, but that what lasts is believed at once."""
    rules = yaml.safe_load(RULES.read_text())
    for rule in rules["groups"][0]["rules"]:
        rule.pop("for", None)
    return dict(rules)


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[Prometheus]:
    """One that scrapes this address each second."""
    if shutil.which("prometheus") is None:
        pytest.skip("NO PROMETHEUS SCRAPED IT: needs one: apt-get install --no-install-recommends prometheus")
    scrape = {"job_name": "poller", "static_configs": [{"targets": [target]}]}
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (folder / "rules.yaml").write_text(json.dumps(hasty_rules()))
    config = folder / "prometheus.yaml"
    config.write_text(json.dumps({"global": every, "rule_files": ["rules.yaml"], "scrape_configs": [scrape]}))
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    files = (f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}")
    log = (folder / "prometheus.log").open("wb")
    process = subprocess.Popen(
        ["prometheus", *files, f"--web.listen-address=127.0.0.1:{port}"],  # noqa: S607
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    found = Prometheus(f"http://127.0.0.1:{port}")
    try:
        until(found.ready, "Prometheus")
        yield found
    finally:
        process.terminate()
        process.wait(20)
        found.close()
        log.close()


@pytest.fixture(scope="module")
def vendors() -> Iterator[Vendors]:
    with serving() as vendors:
        yield vendors


@pytest.fixture(scope="module")
def poller(vendors: Vendors, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Poller]:
    folder = tmp_path_factory.mktemp("watched")
    house = House(folder, {"acme": callcap(vendors.at), "crm": flextell(vendors.at)})
    with house.start("run", before=HASTY) as running:
        until(partial(house.has, "acme", vendors.holds("callcap")), "what callcap holds")
        yield running
        assert running.stop() == 0


@pytest.fixture(scope="module")
def watching(poller: Poller, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    target = str(poller.until_log("poller.started")["page"]).removeprefix("http://").rstrip("/")
    with prometheus(tmp_path_factory.mktemp("prometheus"), target) as found:
        until(lambda: found.query('up{job="poller"} == 1'), "a scrape")
        until(lambda: all(rule["health"] == "ok" for rule in found.rules()), "healthy rules")
        yield found


def test_the_rules_are_loaded_and_healthy(watching: Prometheus) -> None:
    assert [rule["name"] for rule in watching.rules()] == list(ALERTS)
    (target,) = watching.api("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")


def test_prometheus_likes_how_the_metrics_are_written(poller: Poller) -> None:
    promtool("check", "metrics", given=poller.get("/metrics").text)


def test_rules_and_dashboard_name_only_metrics_that_there_are(poller: Poller) -> None:
    told = set(poller.get("/metrics").text.split())
    told = {word.partition("{")[0] for word in told}
    for title, expr in [*asked(), *((name, rule["expr"]) for name, rule in ALERTS.items())]:
        assert metrics(expr) <= told, title


def test_every_panel_has_an_answer(watching: Prometheus) -> None:
    """What never happened has no rate; but nothing is an error."""
    maybe = {"Requests for one event", "Polls that failed", "Lateness", "Time to deliver and save a batch"}
    until(lambda: {title for title, expr in asked() if not watching.query(expr)} <= maybe, "answers")


def test_a_refused_credential_is_alerted(watching: Prometheus, poller: Poller, vendors: Vendors) -> None:
    assert watching.alerts("PollerVendorDenies") == []
    vendors.vices({"callcap": {"unauthorized": 1.0}})
    until(lambda: watching.alerts("PollerVendorDenies"), "the alert")
    (alert,) = watching.alerts("PollerVendorDenies")
    assert (alert["labels"]["source"], alert["state"]) == ("acme", "firing")
    assert alert["annotations"]["summary"] == "The vendor refuses the credential of acme"
    assert watching.alerts("PollerOutputDown") == []
    status = poller.get("/api/status").json()
    assert status["verdict"]["sentence"].startswith("Not complete: acme/calls since ")
    assert status["verdict"]["sentence"].endswith("the vendor refuses our credential")
    assert poller.streams()["acme/calls"]["fault"] == "configuration"
    assert poller.streams()["crm/leads"]["fault"] is None
    assert sum(poller.streams()["crm/leads"]["events_per_minute"]) > 0
