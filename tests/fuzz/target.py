"""What is fuzzed: makes a case of a seed, and raises what our code must never raise."""

import tempfile
from abc import abstractmethod
from pathlib import Path
from random import Random
from typing import Protocol


class Finding(BaseException):
    """What our code must never do. Not an Exception: nothing that catches those swallows it."""


class Case(Protocol):
    """A mutated document, not yet read; the same seed makes the same one."""

    @property
    @abstractmethod
    def document(self) -> bytes:
        """Return what was read, for a person to look at."""

    @abstractmethod
    def run(self) -> None:
        """Let our code read it. Raises whatever is a finding."""


class FileCase(Case):
    """A mutated document that our code reads out of a file."""

    suffix: str

    def __init__(self, document: bytes) -> None:
        self._document = document

    @property
    def document(self) -> bytes:
        """Return the file."""
        return self._document

    def run(self) -> None:
        """Write it down and read it."""
        with tempfile.NamedTemporaryFile(suffix=self.suffix) as file:
            file.write(self._document)
            file.flush()
            self.read(Path(file.name))

    @abstractmethod
    def read(self, path: Path) -> None:
        """Let our code read the file. Raises whatever is a finding."""


class Target(Protocol):
    """A reader of documents that are not ours."""

    name: str

    @abstractmethod
    def case(self, rng: Random) -> Case:
        """Make a case."""


def rng_of(seed: int, target: str, number: int) -> Random:
    """Return the chance of one case."""
    return Random(f"{seed}/{target}/{number}")
