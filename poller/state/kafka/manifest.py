"""A manifest in each partition of the state says in what form, and in how many partitions, the state was written.

Whoever begins a state writes a manifest into every partition, and says so there: an empty partition of such a state has
lost what it held. A state of a version before the manifest has none until its partitions are claimed.
"""

from msgspec import Struct, json

from poller.errors import ConfigError
from poller.state.rows import WRITER, encode

FORMAT = 1
"""The newest form that this version reads, and the one that it writes. A state without a manifest has form 0."""
KEY = WRITER.key("manifest")


class NewerFormat(Exception):
    """A newer version wrote this partition: it is neither read nor written here."""


class Manifest(Struct, frozen=True):
    """A partition's account of itself: `partitions` is how many the state has for ever, and at `begins` its log may
    begin without anything being lost. `everywhere`: every partition was given one when the state began. Whatever the
    format, these fields stay."""

    format: int
    partitions: int
    begins: int = 0
    everywhere: bool = False


def decode(row: bytes | None) -> Manifest | None:
    """Return the manifest in a row; None where there is none. Raises NewerFormat."""
    if row is None:
        return None
    manifest = json.decode(row, type=Manifest)
    if manifest.format > FORMAT:
        raise NewerFormat(f"a newer version wrote it (format {manifest.format}, this one knows {FORMAT})")
    return manifest


def require_readable(topic: str, partition: int, row: bytes | None) -> None:
    """Raise ConfigError where a newer version wrote a partition; the text is for people."""
    try:
        decode(row)
    except NewerFormat as error:
        raise ConfigError(f"state.topic: partition {partition} of {topic}: {error}; run that") from None


def row(partitions: int, begins: int, *, everywhere: bool) -> dict[str, bytes | None]:
    """Return the row that says how this version writes a partition."""
    return {KEY: encode(Manifest(FORMAT, partitions, begins, everywhere))}
