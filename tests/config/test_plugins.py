"""Types that other packages bring: found where a configuration names them, refused with package and remedy otherwise.

The packages are folders of files here. tests/deploy/test_plugin_example.py installs one as users do.
"""

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from typing import Any

import pytest

import outputs
from poller import VERSION, plugin
from poller.config.json_schema import config_schema
from poller.config.plugins import OUTPUT_TYPES, SOURCE_TYPES, find_installed, type_name
from poller.config.settings import Settings
from tests.config.loading import load_text, problems

SOURCE = """
from datetime import timedelta
from typing import Literal
from poller.plugin import Credential, Origin, Secret, Source, Stream, Sweep, bearer

class Acme(Source):
    type: Literal["acme"]
    base_url: Origin = "https://api.acme.example"
    api_key: Secret
    colour: str = "red"

    def credential(self): return bearer(self.api_key)
    def build_streams(self): return [Stream("leads", (Sweep("live", timedelta(minutes=1), None, None),), None)]
    async def probe(self, http): return "answers"
"""
OUTPUT = """
from typing import Literal
from outputs import OutputConfig

class Hook(OutputConfig):
    type: Literal["hook"]
    address: str

    def open(self, marks, places=()): raise NotImplementedError
    def check(self, marks=None): return "it can be written to"
    def destinations(self): return [self.address]
"""
USED = """
sources: {one: {type: acme, api_key: k, colour: blue}}
outputs: {away: {type: hook, address: somewhere}}
"""
BUILT_IN = "sources: {one: {type: callcap, api_key: k}}\noutputs: {console: {type: stdout}}\n"

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package with one module, whose entry points are `group name = value` each."""

    def installed(package: str, version: str, code: str, *points: str) -> None:
        site, module = tmp_path / package, package.replace("-", "_")
        info = site / f"{module}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        groups = [f"[poller.{point.partition(' ')[0]}]\n{point.partition(' ')[2]}\n" for point in points]
        (info / "entry_points.txt").write_text("".join(groups))
        (site / f"{module}.py").write_text(code)
        monkeypatch.syspath_prepend(site)
        monkeypatch.delitem(sys.modules, module, raising=False)

    return installed


def test_a_configuration_holds_what_packages_bring_beside_what_is_built_in(tmp_path: Path, install: Install) -> None:
    install("poller-acme", "1.2", SOURCE, "sources acme = poller_acme:Acme")
    install("poller-hook", "3", OUTPUT, "outputs hook = poller_hook:Hook")
    found = load_text(tmp_path, USED)
    assert isinstance(found, Settings)
    assert found.sources["one"].type == "acme"
    assert getattr(found.sources["one"], "colour") == "blue"  # noqa: B009  mypy knows no such key
    assert found.outputs["away"].destinations() == ["somewhere"]
    assert (SOURCE_TYPES.package("acme"), OUTPUT_TYPES.package("hook")) == ("poller-acme 1.2", "poller-hook 3")
    assert SOURCE_TYPES.package("callcap") == f"poller {VERSION}"


def test_a_mistake_in_its_keys_is_told_like_any_other(tmp_path: Path, install: Install) -> None:
    install("poller-acme", "1.2", SOURCE, "sources acme = poller_acme:Acme")
    text = "sources: {one: {type: acme, color: blue}}\noutputs: {console: {type: stdout}}\n"
    found = problems(tmp_path, text)
    assert len(found) == 2
    assert "sources.one.api_key: this key is missing" in found[0]
    assert "sources.one.color: unknown key; did you mean colour?" in found[1]


FAILING = {
    "does not import": ("raise OSError('no such library')", "cannot be imported: OSError: no such library: install"),
    "ends the program": ("raise SystemExit(3)", "cannot be imported: SystemExit: 3: install poller-acme anew"),
    "lacks its class": ("Other = 1", "cannot be imported: AttributeError"),
    "no class": ("Acme = 1", "is no subclass of poller.plugin.Source: this is for its author to mend"),
    "newer": (
        SOURCE + "    API = 2\n",
        "for version 2 of poller.plugin, this is version 1 of",
    ),
    "older": (
        SOURCE + "    API = 0\n",
        "for version 0 of poller.plugin, this is version 1 of",
    ),
    "another type": (SOURCE.replace('["acme"]', '["acne"]'), "says another `type` than 'acme'"),
    "no version": (
        SOURCE + "    API = '1'\n",
        "says `API = '1'`, which is no whole number: this is for its author to mend",
    ),
    "unfinished": (SOURCE.replace("async def probe", "async def prove"), "lacks probe: this is for its author to mend"),
    "no schema": (SOURCE.replace('str = "red"', "__import__('types').FunctionType = len"), "has no JSON Schema"),
    "no JSON": (SOURCE.replace('str = "red"', "__import__('typing').Callable[[], int] = int"), "has no JSON Schema"),
}


@pytest.mark.parametrize(("code", "told"), FAILING.values(), ids=FAILING)
def test_a_package_that_cannot_be_used_is_named_with_a_remedy_where_a_configuration_names_it(
    tmp_path: Path, install: Install, code: str, told: str
) -> None:
    install("poller-acme", "1.2", code, "sources acme = poller_acme:Acme")
    [problem] = problems(tmp_path, "sources: {one: {type: acme}}\noutputs: {console: {type: stdout}}\n")
    assert "config.yaml:1: sources.one.type: poller_acme:Acme of the package poller-acme 1.2 " in problem
    assert told in problem
    assert len(problem.splitlines()) == 1
    assert load_text(tmp_path, BUILT_IN), "whoever does not use it is unharmed"
    assert "poller-acme 1.2" in find_installed()[1][0]


def test_only_what_is_named_is_imported(tmp_path: Path, install: Install) -> None:
    install("poller-acme", "1.2", SOURCE, "sources acme = poller_acme:Acme")
    assert load_text(tmp_path, BUILT_IN)
    assert "poller_acme" not in sys.modules


@pytest.mark.parametrize("taken", ["callcap", "acme"])
def test_a_name_that_is_taken_is_refused_with_both_packages(tmp_path: Path, install: Install, taken: str) -> None:
    install("poller-acme", "1.2", SOURCE, f"sources {taken} = poller_acme:Acme")
    if taken == "acme":
        install("acme-source", "7", SOURCE, "sources acme = acme_source:Acme")
    other = "acme-source 7" if taken == "acme" else f"poller {VERSION}"
    [problem] = problems(tmp_path, BUILT_IN.replace("callcap", taken))
    assert f"sources.one.type: the packages {other} and poller-acme 1.2 all bring the type '{taken}'" in problem
    assert "uninstall" in problem
    assert "uninstall poller " not in problem
    assert load_text(tmp_path, BUILT_IN.replace("callcap, api_key: k", "agendize, access_token: t"))


def test_an_unknown_type_is_told_with_all_that_there_are(tmp_path: Path, install: Install) -> None:
    install("poller-acme", "1.2", SOURCE, "sources acme = poller_acme:Acme")
    [problem] = problems(tmp_path, BUILT_IN.replace("callcap", "acne"))
    assert "sources.one.type: unknown type 'acne'; known: acme, agendize, callcap," in problem


def test_a_bug_in_its_settings_is_a_mistake_at_its_place(tmp_path: Path, install: Install) -> None:
    install(
        "poller-acme",
        "1.2",
        SOURCE.replace("return [Stream", "return [][1], [Stream"),
        "sources acme = poller_acme:Acme",
    )
    text = "sources: {one: {type: acme, api_key: k}}\noutputs: {console: {type: stdout}}\n"
    [problem] = problems(tmp_path, text)
    assert "sources.one: the package that brings this type failed: IndexError: list index out of range" in problem


CONDUCT = {
    "no streams": (("return [Stream", "return [] and [Stream"), "sources.one", "gives no streams"),
    "two of a name": ((" None)]", " None)] * 2"), "sources.one", "gives two streams of the name 'leads'"),
    "no sweeps": (("(Sweep(", "() and (Sweep("), "sources.one", "gives a stream 'leads' without sweeps"),
    "two sweeps of a name": (
        ("None),)", "None),) * 2"),
        "sources.one",
        "gives its stream 'leads' two sweeps of the name 'live'",
    ),
    "no credential": (
        ("return bearer(", "return str("),
        "sources.one",
        "gives a credential that is no StaticHeaders or",
    ),
    "a credential that fails": (("bearer(", "bearer(1 / 0, "), "sources.one", "failed: ZeroDivisionError: division by"),
    "no destinations": (
        ("return [self.address]", "return None"),
        "outputs.away",
        "names destinations that are no list",
    ),
    "destinations that fail": (("[self.address]", "[self.colour]"), "outputs.away", "failed: AttributeError: "),
}


@pytest.mark.parametrize(("edit", "place", "told"), CONDUCT.values(), ids=CONDUCT)
def test_what_it_gives_is_judged_before_anything_starts(
    tmp_path: Path, install: Install, edit: tuple[str, str], place: str, told: str
) -> None:
    install("poller-acme", "1.2", SOURCE.replace(*edit), "sources acme = poller_acme:Acme")
    install("poller-hook", "3", OUTPUT.replace(*edit), "outputs hook = poller_hook:Hook")
    [problem] = problems(tmp_path, USED)
    assert f"{place}: the package that brings this type {told}" in problem
    assert problem.endswith(": this is for its author to mend")


def test_the_schema_of_the_configuration_has_the_keys_of_what_is_installed(install: Install) -> None:
    install("poller-acme", "1.2", SOURCE, "sources acme = poller_acme:Acme")
    install("broken", "1", "1 / 0", "outputs hook = broken:Hook")
    named, wrong = find_installed()
    schema: dict[str, Any] = config_schema(named)
    assert "colour" in schema["$defs"]["Acme"]["properties"]
    assert "Callcap" in schema["$defs"]
    assert len(wrong) == 1
    assert "ZeroDivisionError" in wrong[0]


def test_what_is_built_in_stands_in_the_same_tables() -> None:
    for types, api in ((SOURCE_TYPES, plugin.API), (OUTPUT_TYPES, outputs.API)):
        for found in types.built_in:
            assert types.find(type_name(found)) is found
            assert api == found.API


def test_packages_are_looked_for_once_however_many_sources_there_are(
    tmp_path: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("poller-acme", "1.2", SOURCE, "sources acme = poller_acme:Acme")
    looked: list[str] = []

    def look(group: str) -> EntryPoints:
        looked.append(group)
        return entry_points(group=group)

    monkeypatch.setattr("poller.config.plugins.entry_points", look)
    sources = "".join(f"  s{number}: {{type: acme, api_key: k}}\n" for number in range(200))
    load_text(tmp_path, f"sources:\n{sources}outputs: {{console: {{type: stdout}}}}\n")
    assert len(looked) < 10
