"""The commands that carry a state about, while nobody polls."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from poller.cli.options import DEFAULT, Command, Config, examples, wait
from poller.commands import state as keeping
from poller.commands import state_names as names
from poller.commands.state import Reset
from poller.config.settings import Settings, load
from poller.errors import ConfigError
from poller.state.export import lines_of
from poller.state.rows import ACCOUNT

app = typer.Typer(
    help="Carry the state about, rename its sources, or forget what it knows; only while no poller runs.",
    no_args_is_help=True,
    add_completion=False,
)

Target = Annotated[str, typer.Argument(metavar="FILE", help="The file to write; - is standard output.")]
Origin = Annotated[str, typer.Argument(metavar="FILE", help="The file to read; - is standard input.")]
Name = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE[.STREAM]", help="A source or one stream of it, such as acme-calls or acme-calls.calls."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask; needed where there is no terminal to ask at.")]
Old = Annotated[str, typer.Argument(metavar="OLD", help="What the source was called, such as acme-calls.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="What the configuration calls it now, such as acme-voice.")]
Source = Annotated[str, typer.Argument(metavar="SOURCE", help="A source of the configuration, such as acme-calls.")]


@app.command(name="export", epilog=examples("poller state export backup.jsonl", "poller state export | zstd > b.zst"))
def export(file: Target = "-", config: Config = DEFAULT) -> None:
    """Write all of the state to a file, as lines of JSON: for a backup, or for another machine.

    Tokens are secrets: they are written into a FILE (mode 0600), and left out on standard output.
    """
    settings = load(config, os.environ)
    wait(lambda: _export(settings, None if file == "-" else Path(file)), config)


async def _export(settings: Settings, path: Path | None) -> None:
    async with keeping.exported(settings, datetime.now(UTC), secrets=path is not None) as (lines, left_out):
        if path is None:
            for line in lines:
                sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        else:
            _write(path, lines)
    if left_out:
        _say(f"left out, as standard output is no place for secrets: the tokens of {', '.join(left_out)}")


def _write(path: Path, lines: Iterator[bytes]) -> None:
    """Write the file whole, or not at all."""
    beside = path.with_name(path.name + ".part")
    try:
        with suppress(FileNotFoundError):
            beside.unlink()
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.writelines(lines)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}; name another file") from None


@app.command(name="import", epilog=examples("poller state import backup.jsonl"))
def import_(file: Origin = "-", config: Config = DEFAULT) -> None:
    """Read what `poller state export` wrote into a state that is empty: all of it, or nothing."""
    settings = load(config, os.environ)
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as opened:
            whole, left_out = wait(lambda: keeping.imported(settings, lines_of(opened), file), config)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}; name another file") from None
    for words in left_out:
        _say(f"left out: {words}")
    sources = ACCOUNT.names(whole.rows)
    _say(f"taken in: {', '.join(sources) or 'nothing'}")


@app.command(cls=Command, epilog=examples("poller state reset acme-calls.calls", "poller state reset crm --yes"))
def reset(name: Name, config: Config = DEFAULT, *, yes: Yes = False) -> None:
    """Forget all that is known of a stream, or of a source with its tokens.

    Its next poll is like its first, and its records come again, as created. Asks before it does so.
    """
    settings = load(config, os.environ)
    asks = not yes
    if asks and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(f"--yes: without a terminal nobody can be asked whether {name} may be forgotten; add --yes")
    plan = wait(lambda: keeping.reset(settings, name, _confirmed if asks else lambda _: True), config)
    if plan is None:
        sys.stdout.write("nothing was forgotten\n")
        return
    sys.stdout.writelines(f"forgotten: {line}\n" for line in _lines(plan))
    sys.stdout.write("the next poll is the first: records come again as created\n")


@app.command(cls=Command, epilog=examples("poller state rename acme-calls acme-voice"))
def rename(old: Old, new: New, config: Config = DEFAULT) -> None:
    """Keep all that is known of a source under another name: nothing comes again, and events carry the new name.

    Stop every poller, give the source its new name in the configuration, run this, and start again.
    """
    settings = load(config, os.environ)
    found = wait(lambda: names.rename(settings, old, new), config)
    sys.stdout.write(f"renamed: {found.old} is {found.new} now: {', '.join(found.streams) or 'its account'}\n")
    if found.unfamiliar:
        _say(f"{config} does not name {new} yet: rename {old} there, too, before a poller is started")


@app.command(cls=Command, epilog=examples("poller state accept acme-calls"))
def accept(source: Source, config: Config = DEFAULT) -> None:
    """Say that a source is still the same account, although its base_url or its tenant changed: nothing comes again.

    Without it a poller refuses to start with the state of what looks like another account.
    """
    settings = load(config, os.environ)
    news = wait(lambda: names.accept(settings, source), config)
    what = "accepted: its state belongs to" if news else "nothing to accept: its state belongs already to"
    sys.stdout.write(f"{source}: {what} {settings.sources[source].base_url}\n")


def _confirmed(plan: Reset) -> bool:
    sys.stdout.writelines(f"{line}\n" for line in _lines(plan))
    return typer.confirm("Forget this? Its records come again as created.")


def _lines(plan: Reset) -> Iterator[str]:
    for one in plan.streams:
        yield f"{one.stream}: {one.records:,} records, {one.sweeps} sweeps"
    for source in plan.tokens:
        yield f"{source}: its token; the refresh_token of the configuration counts again"
    if not plan.streams and not plan.tokens:
        yield f"{plan.name}: its account, and nothing else"


def _say(words: str) -> None:
    sys.stderr.write(f"poller: {words}\n")
