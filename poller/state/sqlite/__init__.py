"""The state in one SQLite file on one machine: the keys of `state: {type: sqlite}`."""

from pathlib import Path
from typing import Literal

from pydantic import field_validator

from poller.plugin.source import Strict


class SqliteState(Strict):
    """The configuration of a state in one file."""

    type: Literal["sqlite"] = "sqlite"
    path: Path = Path("state/poller.db")

    @field_validator("path")
    @classmethod
    def _names_a_file(cls, path: Path) -> Path:
        if not path.name or path.name == ".." or not str(path).isprintable():
            raise ValueError("a path to a file goes here, such as state/poller.db")
        return path
