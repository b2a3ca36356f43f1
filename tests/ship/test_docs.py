"""The pages on deploying point to what is there."""

import re

import pytest

from tests.process.running import ROOT

PAGES = ["README.md", "docs/deploying.md", "helm/poller/README.md"]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_leads_to_one(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text())
    missing = [link for link in links if not (ROOT / page).parent.joinpath(link).exists()]
    assert missing == []
    assert links or page != "docs/deploying.md"


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_ours_that_a_command_names_is_there(page: str) -> None:
    blocks = re.findall(r"(?s)```sh\n(.*?)```", (ROOT / page).read_text())
    named = re.findall(r"(?<![\w/.-])((?:helm|docs)/[\w./-]+)", "".join(blocks))
    assert [name for name in named if not (ROOT / name).exists()] == []
