"""The compose file: valid, on loopback only, and all its parts know where the others are."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from poller.config.settings import load
from poller.sandbox.accounts import account
from poller.sandbox.vendors.flextell import ACCESS_TOKEN
from tests.commands.running import ROOT, House
from tests.commands.vendors import Vendors, serving
from tests.deploy.tools import tool
from tests.kafka.jars import VERSION

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
CONFIG = ROOT / "docs/compose/config.yaml"
GIVEN = yaml.safe_load(CONFIG.read_text())


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    with serving() as found:
        yield found


def mounts(service: str) -> dict[str, Path]:
    """What is mounted where, of our files."""
    split = (volume.split(":") for volume in SERVICES[service].get("volumes", []))
    return {target: ROOT / source for source, target, *_ in split if source.startswith("./")}


def test_it_is_what_compose_takes() -> None:
    command = [tool("check-jsonschema", "make tools"), "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_only_this_machine_can_reach_it() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 4
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert not [name for name, service in SERVICES.items() if service.get("network_mode") == "host"]


def test_every_file_that_is_mounted_is_there_and_read_only() -> None:
    ours = [path for service in SERVICES for path in mounts(service).values()]
    assert len(ours) == 6
    assert all(path.is_file() for path in ours)
    volumes = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert all(volume.endswith(":ro") for volume in volumes if volume.startswith("./"))


def test_images_are_of_one_version() -> None:
    for service in SERVICES.values():
        name, _, version = service["image"].partition(":")
        assert version, name
        assert version != "latest"
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{VERSION}"
    assert SERVICES["poller"]["build"] == SERVICES["sandbox"]["build"] == "."


def test_the_configuration_is_good_and_knows_the_sandboxs_accounts() -> None:
    settings = load(CONFIG, {})
    assert {source.type for source in settings.sources.values()} == {
        "callcap", "trackdrive", "ipscape", "agendize", "flextell"
    }  # fmt: skip
    at = f"http://127.0.0.1:{SERVICES['sandbox']['command'][-1]}"
    oauth = {"client_id", "client_secret", "refresh_token", "token_url"}
    for name, given in GIVEN["sources"].items():
        known = account(at, given["type"])
        if given["type"] == "flextell":
            known = {key: value for key, value in known.items() if key not in oauth} | {"access_token": ACCESS_TOKEN}
        assert known.items() <= given.items(), name


def test_every_vendor_lets_the_configuration_in(vendors: Vendors, tmp_path: Path) -> None:
    sources = {
        name: {**given, "base_url": given["base_url"].replace("http://127.0.0.1:8080", vendors.at)}
        for name, given in GIVEN["sources"].items()
    }
    house = House(tmp_path, sources, console={"type": "stdout"})
    found = json.loads(house.run("check", "--json").said)
    assert {one["name"] for one in found} >= sources.keys()
    assert [one for one in found if not one["ok"]] == []


def test_poller_knows_where_kafka_is() -> None:
    environ = SERVICES["kafka"]["environment"]
    advertised = dict(one.split("://") for one in environ["KAFKA_ADVERTISED_LISTENERS"].split(","))
    used = {GIVEN["state"]["bootstrap_servers"], GIVEN["outputs"]["bus"]["bootstrap_servers"]}
    assert used == {advertised["INSIDE"]}
    assert f"127.0.0.1:{advertised['OUTSIDE'].partition(':')[2]}:9092" in SERVICES["kafka"]["ports"]


def test_the_poller_can_be_reached_where_the_sandbox_is() -> None:
    assert SERVICES["poller"]["network_mode"] == "service:sandbox"
    assert GIVEN["server"] == {"host": "0.0.0.0", "port": 9090}  # noqa: S104
    assert SERVICES["sandbox"]["ports"] == ["127.0.0.1:9090:9090"]
    prometheus = yaml.safe_load((ROOT / "docs/compose/prometheus.yml").read_text())
    [job] = prometheus["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["sandbox:9090"]}]


def test_the_command_of_the_sandbox_is_one_of_ours(tmp_path: Path) -> None:
    command, *options = SERVICES["sandbox"]["command"]
    house = House(tmp_path, {}, console={"type": "stdout"})
    ours = house.run(command, *["-1" if option == "8080" else option for option in options])
    assert ours.process.returncode == 2
    assert "--port" in ours.logged


def test_prometheus_takes_its_configuration_and_the_charts_alerts(tmp_path: Path) -> None:
    for target, path in mounts("prometheus").items():
        shutil.copy(path, tmp_path / Path(target).name)
    command = [tool("promtool", "apt-get install prometheus"), "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rules.yaml" in done.stdout


def test_grafana_knows_prometheus_and_finds_the_dashboard() -> None:
    [source] = yaml.safe_load((ROOT / "docs/compose/datasource.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    [provider] = yaml.safe_load((ROOT / "docs/compose/dashboards.yaml").read_text())["providers"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.rpartition("/")[0] == provider["options"]["path"]
    assert json.loads(mounts("grafana")[home].read_text())["title"]


@pytest.mark.parametrize("name", ["sandbox", "poller"])
def test_our_containers_can_do_little(name: str) -> None:
    service: dict[str, Any] = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
