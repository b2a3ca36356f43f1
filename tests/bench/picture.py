"""What was measured last, for people: `python -m tests.bench.picture`, or `make bench-picture`.

It writes docs/performance.svg, and the table of docs/performance.md, out of build/bench.json.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import orjson

from tests.bench.cells import CELLS
from tests.bench.report import RESULTS

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- make bench-picture: begin -->", "<!-- make bench-picture: end -->"
BARS: Sequence[tuple[str, str, str]] = (
    ("read and written, nothing else", "new", "echo"),
    ("a loop written by hand", "new", "hand"),
    ("poller, all new", "new", "poller"),
    ("poller, 4 in 5 seen before", "seen-80", "poller"),
    ("poller, all seen before", "seen-equal", "poller"),
    ("Airbyte CDK", "peers", "airbyte"),
    ("singer-sdk", "peers", "singer"),
    ("dlt rest_api", "peers", "dlt"),
)
WIDTH, LEFT, RIGHT, ROW, TOP = 760, 230, 60, 30, 46
Results = Mapping[str, Mapping[str, Any]]


def picture(results: Results) -> str:
    """Draw a bar for each of BARS that was measured."""
    found = [(label, results[cell]["medians"][of]) for label, cell, of in BARS if cell in results]
    scale = (WIDTH - LEFT - RIGHT) / max(value for _, value in found)
    height = TOP + ROW * len(found) + 12
    bars = [_bar(TOP + ROW * row, label, value, value * scale) for row, (label, value) in enumerate(found)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="system-ui, sans-serif" font-size="14" fill="#1f2328">'
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#ffffff"/>'
        '<text x="16" y="28" font-weight="600">Processor time a record, in µs: less is better</text>'
    )
    return "\n".join([head, *bars, "</svg>\n"])


def _bar(top: int, label: str, value: float, length: float) -> str:
    colour = "#0969da" if label.startswith("poller") else "#8c959f"
    return (
        f'<text x="{LEFT - 10}" y="{top + 16}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="22" rx="2" fill="{colour}"/>'
        f'<text x="{LEFT + length + 6:.1f}" y="{top + 16}">{value:.1f}</text>'
    )


def table(whole: Mapping[str, Any]) -> Iterator[str]:
    """Return the lines of a table of all cells, goal and result side by side."""
    yield f"Python {whole['python']}, {whole['machine']}, {whole['cores']} cores:"
    yield ""
    yield "| cell | of | found | ratio | goal | met |"
    yield "|---|---|---|---|---|---|"
    known = whole["results"]
    for cell, result in [(cell.name, known[cell.name]) for cell in CELLS if cell.name in known]:
        goals = {goal["of"]: goal for goal in result["goals"]}
        for of, value in result["medians"].items():
            unit = f" {result['unit']}".rstrip()
            yield f"| `{cell}` | {of} | {value:,.1f}{unit} | {_goal(goals.get(of))} |"


def _goal(goal: Mapping[str, Any] | None) -> str:
    if goal is None:
        return " | |"
    ratio = f"{goal['found']:.2f} times {goal['over']}" if goal["over"] else ""
    if goal["bound"] is None:
        return f"{ratio} | |"
    sign, unit = "≥" if goal["at_least"] else "≤", f" times {goal['over']}" if goal["over"] else ""
    return f"{ratio} | {sign} {goal['bound']:g}{unit} | {'yes' if goal['met'] else '**no**'}"


def main() -> None:
    """Write both."""
    whole = orjson.loads(RESULTS.read_bytes())
    (DOCS / "performance.svg").write_text(picture(whole["results"]))
    page = DOCS / "performance.md"
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text("\n".join([before + BEGIN, *table(whole), END]) + rest.partition(END)[2])


if __name__ == "__main__":
    main()
