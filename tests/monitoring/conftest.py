import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.commands.running import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")


def promtool(*arguments: str, given: str | None = None) -> None:
    """Run it; nothing may be wrong."""
    if shutil.which("promtool") is None:
        pytest.skip("THE RULES WERE NOT TRIED: needs promtool: apt-get install --no-install-recommends prometheus")
    done = subprocess.run(
        ["promtool", *arguments],  # noqa: S607
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass
class Tab:
    """A page in a browser, and what happened that should not have."""

    page: "Page"
    at: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    under_way: int = 0

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.on("requestfinished", self._over)
        self.page.on("requestfailed", self._over)

    def _asked(self, request: Any) -> None:
        self.under_way += 1
        if not request.url.startswith((self.at, "data:,")):
            self.strangers.append(request.url)

    def _over(self, _: object) -> None:
        self.under_way -= 1

    @property
    def told_at(self) -> str:
        """The moment that the page shows."""
        return str(self.page.get_attribute("#live", "data-now"))

    def until(self, found: Callable[[], object], what: str) -> None:
        """Let the page's clock go on until this is so; but not while it asks, or it would lose its patience."""

        def now() -> object:
            if not self.under_way:
                self.page.clock.fast_forward(5_500)
            self.page.wait_for_timeout(100)
            return found()

        until(now, what)

    def update(self) -> None:
        """See the page as it is a moment later."""
        before = self.told_at
        self.until(lambda: self.told_at != before, "an update")


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """One a module: while playwright is there, no other test's event loop can be."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: make tools")
    if not CHROMIUM.exists():
        pytest.skip("NOBODY LOOKED AT THE PAGE: needs a browser: apt-get install --no-install-recommends chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
            env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: "Browser") -> Iterator[Callable[..., Tab]]:
    """Open the page at an address; afterwards nobody may have complained, and no stranger been asked."""
    tabs: list[Tab] = []

    def visited(at: str, *, clock: bool = True, **options: Any) -> Tab:
        page = browser.new_context(**options).new_page()
        tab = Tab(page, at)
        tabs.append(tab)
        if clock:
            page.clock.install()
        page.goto(at)
        return tab

    yield visited
    for tab in tabs:
        tab.page.context.close()
        assert tab.strangers == []
        assert tab.complaints == []
