"""The documentation points to what is there, and the page on architecture shows the packages as they are."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from poller.cli import app
from poller.cli.later import Later
from poller.config.plugins import type_name
from poller.config.settings import Settings
from poller.sandbox.accounts import account
from poller.sources.registry import SOURCES
from tests.commands.running import ROOT
from tests.deploy.chart import EXAMPLES

PAGES = ["README.md", "docs/deploying.md", "helm/poller/README.md"]
FOLDERS = ("", ".github", "docs", "helm", "poller", "outputs", "tests")
"""Where pages are: not in what was built or installed beside them."""
ALL_PAGES = sorted(
    str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).glob("**/*.md" if folder else "*.md")
)
HERE = r"(?:\.github|docs|helm|outputs|poller|tests)"


@pytest.mark.parametrize("page", ALL_PAGES)
def test_every_link_to_a_file_leads_to_one(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", (ROOT / page).read_text())
    assert [link for link in links if not leads_somewhere(ROOT / page, link)] == []
    assert links or page != "docs/deploying.md"


@pytest.mark.parametrize("page", [page for page in ALL_PAGES if page != "CHANGELOG.md"])
def test_every_path_of_ours_that_a_page_names_is_there(page: str) -> None:
    named = re.findall(rf"`({HERE}/[\w./-]*)`", (ROOT / page).read_text())
    assert [name for name in named if not (ROOT / name).exists() and "NAME" not in name] == []


def test_the_architecture_shows_every_package_on_its_layer() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    page = (ROOT / "docs/architecture.md").read_text()
    shown = [re.split(r" {2,}", line[10:])[0] for line in page.splitlines() if re.match(r"(poller/| {7})   \w", line)]
    assert shown == layers
    packages = {package for layer in layers for package in layer.split(" | ")}
    assert {package for package in packages if f"**`{package}`**" not in page} == set()


def test_every_file_that_the_page_on_architecture_names_is_in_its_package() -> None:
    packages = re.findall(r"(?ms)^\*\*`([\w/]+)`\*\*(.*?)\n\n", (ROOT / "docs/architecture.md").read_text())
    named = [(package, name) for package, text in packages for name in re.findall(r"`(\w+\.py)`", text)]
    assert len(named) > 10
    places = [(ROOT / package / name, ROOT / "poller" / package / name) for package, name in named]
    assert [here for here, within in places if not (here.exists() or within.exists())] == []


def test_the_readme_names_every_vendor_and_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    vendors = re.findall(r"(?m)^\| \[.+?\]\(.+?\) \| `(\w+)` \|", readme)
    assert sorted(vendors) == sorted(str(type_name(vendor)) for vendor in SOURCES)
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")} | {"CONTRIBUTING.md", "SECURITY.md"}
    assert {page for page in pages if f"({page})" not in readme} == set()


def test_every_decision_is_in_the_index_and_says_what_was_given_up() -> None:
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text()
    pages = {page.name: page.read_text() for page in folder.glob("*.md") if page.name != "README.md"}
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", index)) == pages.keys()
    for text in pages.values():
        assert re.findall(r"(?m)^## (.+)$", text) == ["Context", "Choice", "What was given up"]


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_ours_that_a_command_names_is_there(page: str) -> None:
    named = re.findall(r"(?<![\w/.-])((?:helm|docs)/[\w./-]+)", "".join(blocks(page)))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("example", sorted(EXAMPLES))
def test_every_secret_that_an_example_refers_to_is_made_in_its_first_lines(example: str) -> None:
    text = EXAMPLES[example].read_text()
    comments = re.findall(r"(?m)^#(.*)", text)
    assert made("\n".join(comments)) == needed(text)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_installs_an_example_makes_every_secret_that_it_refers_to(page: str) -> None:
    installing = [block for block in blocks(page) if "examples/" in block]
    for block in installing:
        for example in re.findall(r"examples/(\w+)\.yaml", block):
            assert made(block) >= needed(EXAMPLES[example].read_text())
    assert installing or page != "docs/deploying.md"


def leads_somewhere(page: Path, link: str) -> bool:
    """Follow a relative link, down to its heading."""
    name, _, heading = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not heading or heading in headings(target))


def headings(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    titles = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def blocks(page: str) -> list[str]:
    return re.findall(r"(?s)```sh\n(.*?)```", (ROOT / page).read_text())


def made(commands: str) -> set[tuple[str, str]]:
    """The secrets that these commands make, and their keys."""
    lines = re.sub(r"\\\n", "", commands).splitlines()
    found = [re.search(r"kubectl create secret generic (\S+)(.*)", line) for line in lines]
    keys = [(of[1], re.findall(r"--from-(?:literal|file)=([\w.-]+)", of[2])) for of in found if of]
    return {(name, key) for name, some in keys for key in some}


def needed(text: str) -> set[tuple[str, str]]:
    """The secrets that these values refer to, and their keys: by name, or as files of a folder."""
    values = yaml.safe_load(text)
    named = {(of["secretName"], of["key"]) for of in values["secretEnv"].values()}
    folders = values["secretFiles"].items()
    return named | {(name, key) for name, at in folders for key in re.findall(rf"{at}/([\w.-]+)", text)}


def placeholders(text: str) -> str:
    """The configuration with something in the place of each secret."""
    return re.sub(r"\$\{[^{}]*\}", "secret", text)


@pytest.mark.parametrize("page", ALL_PAGES)
def test_every_whole_configuration_that_a_page_shows_is_a_good_one(page: str) -> None:
    texts = re.findall(r"(?s)```yaml\n(.*?)```", (ROOT / page).read_text())
    shown = [yaml.safe_load(placeholders(text)) for text in texts]
    for config in shown:
        if {"sources", "outputs"} <= config.keys():
            Settings.model_validate(config)
    assert shown or page not in {"README.md", "docs/configuration.md"}


@pytest.mark.parametrize("page", ALL_PAGES)
def test_every_command_of_ours_that_a_page_shows_exists_with_its_options(page: str) -> None:
    lines = "".join(blocks(page)).replace("\\\n", " ").splitlines()
    shown = [found[1] for line in lines if (found := re.match(r"(?:\.venv/bin/)?poller (.*)", line))]
    for arguments in shown:
        words = shlex.split(re.sub(r" > \S+", "", arguments), comments=True)
        command = typer.main.get_command(app)
        while isinstance(command, typer.core.TyperGroup):
            below = command.commands[words.pop(0)]
            command = below.load() if isinstance(below, Later) else below
        command.make_context("poller", words)  # raises where an option or an argument is wrong
    assert shown or page != "docs/commands.md"


def test_the_configuration_without_an_account_gets_into_the_sandbox() -> None:
    texts = re.findall(r"(?s)```yaml\n(.*?)```", (ROOT / "docs/sandbox.md").read_text())
    [config] = [yaml.safe_load(text) for text in texts if "127.0.0.1" in text]
    for source in config["sources"].values():
        assert account("http://127.0.0.1:8123", source["type"]).items() <= source.items()
    Settings.model_validate(config)
