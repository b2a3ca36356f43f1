"""The parts that several commands share: options, and how they wait for their work."""

import re
import sys
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import anyio
import typer
from typer.core import TyperCommand

from poller.cli.ending import end
from poller.errors import ConfigError, first
from poller.redaction import SECRETS

T = TypeVar("T")

Config = Annotated[Path, typer.Option("-c", "--config", help="The configuration file.", show_default=True)]
Unread = Annotated[
    Path,
    typer.Option(
        "-c", "--config", help="Taken as by every command; this one needs none, and reads none.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
Rate = Annotated[float, typer.Option(help="How many new records a minute each stream gets.", min=0, max=100_000)]
Seed = Annotated[
    int, typer.Option(help="The number that the simulated records are made from: the same seed gives the same records.")
]
DEFAULT = Path("config.yaml")


class Command(TyperCommand):
    """A command whose usage shows what it needs as `NAME`, and what it takes besides as `[NAME]`."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the name of the command, without the braces that typer puts around what is needed."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


def examples(*commands: str) -> str:
    """Return the examples that the help of a command shows at its end."""
    return "\n\n".join(["Examples:", *commands])


def wait(work: Callable[[], Coroutine[Any, Any, T]], config: Path | None = None) -> T:
    """Run it to its end. Raises ConfigError where the operator has to mend something.

    What names a key of the configuration is told with the name of its file, if that is given. A bug ends the command;
    its traceback quotes no secret.
    """
    try:
        return anyio.run(work)
    except ConfigError as error:
        raise _in_file(config, error) from None
    except (OSError, typer.Abort, typer.Exit):  # which others know what to do about
        raise
    except Exception as error:  # noqa: BLE001  whatever it is
        if isinstance(error, ExceptionGroup) and (found := error.subgroup(ConfigError)):
            raise _in_file(config, first(found)) from None
        sys.stderr.write(SECRETS.hide(traceback.format_exc()))
        end(1)


def _in_file(config: Path | None, error: ConfigError) -> ConfigError:
    """Name the file where a key of it is named, as mistakes do that are found on reading it."""
    problems = map(SECRETS.hide, error.problems)
    return ConfigError(f"{config}: {text}" if config and _KEY.match(text) else text for text in problems)


_KEY = re.compile(r"(sources|outputs|state|server)\b[.:]")
