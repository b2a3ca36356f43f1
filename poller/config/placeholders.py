"""`${NAME}`, `${NAME:-default}` and `${file:PATH}` in a value: filled in from outside, and never shown."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from poller.config.bounded_file import VALUE, read_at_most
from poller.config.yaml_reader import is_whole

_PLACEHOLDER = re.compile(
    r"\$\{(?:file:(?P<file>[^{}]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?)\}|\$\{"
)
_SHORTEST_SECRET = 4  # hiding shorter values would only garble the message


Stamp: TypeAlias = tuple[int, int, int, int] | None
"""A stamp that tells a file from what it was: it changes when the file is written, or another one takes its place."""


def stamp(path: Path) -> Stamp:
    """The file that a path leads to now; None where it leads to none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class Placeholders:
    """Fills placeholders from the environment and from files; remembers what it brought in, to keep it out of sight.

    `files` are those that were named, as they were just before they were read.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._brought: dict[str, str] = {}
        self.files: dict[Path, Stamp] = {}

    def fill(self, text: str, note: Callable[[str], None] = lambda _: None) -> str:
        """Replace every placeholder of a value; what comes in is not searched again, and `note` is given what of it
        does not stand in the file. Raises ValueError naming all that cannot be filled, and nothing of what the others
        brought."""
        problems: list[str] = []

        def replace(match: re.Match[str]) -> str:
            try:
                brought = self._bring(match)
            except ValueError as problem:
                problems.append(str(problem))
                return ""
            self._brought[brought] = match[0]
            if brought != match["default"]:
                note(brought)
            return brought

        filled = _PLACEHOLDER.sub(replace, text)
        if problems:
            raise ValueError("; ".join(problems))
        return filled

    def hide(self, text: str) -> str:
        """Put the placeholders back where a text quotes what they brought."""
        for brought in sorted(self._brought, key=len, reverse=True):
            for form in (brought, repr(brought)[1:-1]):
                if len(form) >= _SHORTEST_SECRET:
                    text = text.replace(form, self._brought[brought])
        return text

    def _bring(self, match: re.Match[str]) -> str:
        if match["file"]:
            path = Path(match["file"])
            self.files.setdefault(path, stamp(path))
            return _content(match["file"])
        name, default = match["name"], match["default"]
        if not name:
            raise ValueError("a ${ that is none of ${NAME}, ${NAME:-default} and ${file:/path}")
        value = self._environ.get(name)
        if default is not None and not value:
            return default
        if value is None:
            raise ValueError(f"the environment variable {name} is not set; set it, or write ${{{name}:-a default}}")
        if not is_whole(value):
            raise ValueError(f"the environment variable {name} is not UTF-8")
        return value


def _content(path: str) -> str:
    try:
        text = read_at_most(Path(path), VALUE).decode()
    except OSError as error:
        raise ValueError(f"the file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"the file {path} is not UTF-8") from None
    except ValueError:  # a NUL in the path
        raise ValueError("a ${file:...} with an impossible path") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ValueError(f"the file {path} is empty")
    return text
