"""`poller explain`: a paragraph a sweep, or a line of what is known of one record."""

import os
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from poller.cli.options import DEFAULT, AsJson, Command, Config, examples, wait
from poller.cli.terminal import console, line, print_json, printable, say, soon
from poller.commands.explain.plans import GapPlan, HistoryPlan, Known, Plans, SweepPlan
from poller.commands.explain.plans import known as record_state
from poller.commands.explain.plans import plans as stream_plans
from poller.config.settings import load
from poller.humanize import format_time

Stream = Annotated[str, typer.Argument(metavar="SOURCE.STREAM", help="The stream, such as acme-calls.calls.")]
Identity = Annotated[
    str | None, typer.Option("--id", help="Say what is known of this record instead; the `subject` of its events.")
]

app = typer.Typer(add_completion=False)


@app.command(cls=Command, epilog=examples("poller explain acme-calls.calls", "poller explain crm.leads --id 4711"))
def explain(stream: Stream, config: Config = DEFAULT, *, identity: Identity = None, as_json: AsJson = False) -> None:
    """Say what each sweep of a stream asks next, when and why; or, with --id, what is known of one record.

    No vendor is asked, and nothing is changed.
    """
    settings, now = load(config, os.environ), datetime.now(UTC)
    if identity is not None:
        found = wait(lambda: record_state(settings, stream, identity, now, say), config)
        if as_json:
            print_json(msgspec.json.encode(found))
        else:
            sys.stdout.write(known_line(found) + "\n")
        return
    plans = wait(lambda: stream_plans(settings, stream, now, say), config)
    if as_json:
        print_json(msgspec.json.encode(plans))
    else:
        show_plans(plans, now)


def show_plans(plans: Plans, now: datetime) -> None:
    """All sweeps, and the history that is left; coloured at a terminal."""
    if plans.state:
        _show(plans.stream, [("state", plans.state)])
    for plan in plans.sweeps:
        _show(plan.sweep, _lines(plan, now))
    if plans.history:
        _show("history", _left(plans.history))


def _show(title: str, lines: Iterable[tuple[str, str]]) -> None:
    if not sys.stdout.isatty():
        sys.stdout.write(f"{title}\n" + "".join(f"  {label:<9}{printable(words)}\n" for label, words in lines))
        return
    console().print(line((title, "bold")))
    for label, words in lines:
        console().print(line((f"  {label:<9}", _COLOURS.get(label, "dim")), (words, "")))


_COLOURS = {"gap": "yellow", "error": "red"}


def _lines(plan: SweepPlan, now: datetime) -> Iterator[tuple[str, str]]:
    yield "next", f"{format_time(plan.due)} ({soon(plan.due, now)}): {plan.why_then}"
    span = f"{format_time(plan.window.start)} to {format_time(plan.window.end)}: " if plan.window else ""
    yield "window", span + plan.why_there
    yield "request", (plan.request or "none") + (f"  ({plan.note})" if plan.note else "")
    yield "brought", _brought(plan)
    if plan.last_error:
        yield "error", plan.last_error
    if plan.left_since:
        yield "left", f"{plan.left} records to be read one by one, the oldest since {format_time(plan.left_since)}"
    for gap in plan.gaps:
        yield "gap", _gap(gap)


def _left(plan: HistoryPlan) -> Iterator[tuple[str, str]]:
    of = plan.ordered
    span = f"{format_time(of.start)} to {format_time(of.end)}"
    yield (
        "ordered",
        f"{span}, at {format_time(of.ordered)}; read up to {format_time(of.at)}",
    )
    yield "next", f"{format_time(plan.window.start)} to {format_time(plan.window.end)}, after all that is due"
    yield "request", plan.request or "none"
    yield "brought", f"slices {of.slices:,}, records {of.records:,}, events {of.events:,}"
    if of.error:
        yield "error", of.error


def _brought(plan: SweepPlan) -> str:
    if plan.brought is None:
        return "no complete pass yet" if plan.last_success is None else f"complete at {format_time(plan.last_success)}"
    of = plan.brought
    counts = f"pages {of.pages:,}, records {of.records:,}, events {of.events:,}"
    return f"{counts} in the pass that began {format_time(of.end)}"


def _gap(gap: GapPlan) -> str:
    request = f"; {gap.request}" if gap.request else ""
    span = f"{format_time(gap.start)} to {format_time(gap.end)}"
    return f"{span} ({gap.kind}), since {format_time(gap.since)}: {gap.how}{request}"


def known_line(of: Known) -> str:
    """Return what is known of one record, in a line."""
    doubt = "; in doubt: whatever the vendor says of it next is sent" if of.in_doubt else ""
    missed = f"; missing from {of.missed} passes in a row" if of.missed else ""
    if of.revision is None or of.delivered is None:
        return f"{of.id}: never seen{missed}{doubt}"
    how = "noted in silence as baseline" if of.baseline else "delivered"
    parts = [f"revision {of.revision}", f"{how} {format_time(of.delivered)}"]
    parts += [f"the vendor's stamp is {format_time(of.modified)}"] if of.modified else []
    parts += ["deleted"] if of.deleted else []
    parts += ["a reject"] if of.reject else []
    return f"{of.id}: {', '.join(parts)}{missed}{doubt}"
