"""Every event that the program logs is on the page about watching it, and every one on the page is logged."""

import ast
import re
from collections.abc import Iterator

from tests.commands.running import ROOT

EVENT = re.compile(r"[a-z]+\.[a-z_]+")
LOGS = {"notice", "_tell", "info", "warning", "error", "log"}
"""The functions whose first argument is the name of an event, or hands one on."""


def logged() -> Iterator[str]:
    for path in [*(ROOT / "poller").rglob("*.py"), *(ROOT / "outputs").rglob("*.py")]:
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            named = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
            event = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
            if named in LOGS and isinstance(event, str) and EVENT.fullmatch(event):
                yield event


def documented() -> set[str]:
    page = (ROOT / "docs/monitoring.md").read_text().partition("\n## The log\n")[2].partition("\n## ")[0]
    rows = re.findall(r"(?m)^\| (`.+?`) \|", page)
    return {name for row in rows for name in re.findall(r"`(.+?)`", row)}


def test_the_page_on_watching_has_every_event_of_the_log_and_no_other() -> None:
    found = set(logged())
    assert len(found) > 30, "or the search does not see them"
    assert documented() == found
