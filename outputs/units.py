"""Durations and sizes as people write them in the configuration: `0.5s`, `72h`, `64MiB`."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6, "gb": 10**9}

_QUOTED = 40
"""Characters of the longest value that an error quotes."""


def duration(text: object) -> timedelta:
    """Read a duration such as `72h`. Raises ValueError that says what would be right."""
    if isinstance(text, timedelta):
        found = text
    else:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", str(text))
        if not match:
            raise ValueError(f"a duration is a number and ms, s, m, h or d, such as 30s or 72h{but(text)}")
        try:
            found = timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
        except OverflowError:
            raise ValueError("this duration is too long") from None
    if found <= timedelta(0):
        raise ValueError("a duration is more than zero")
    return found


def but(value: object) -> str:
    """Return `, and not 'VALUE'` for the end of a sentence; nothing for a value that is long, empty or no plain one."""
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)  # which YAML spells in many ways
    return f", and not '{value}'" if plain and str(value).isprintable() and 0 < len(str(value)) <= _QUOTED else ""


def size(text: object) -> int:
    """Read a size such as `64MiB`, its unit in any case (`KB`), and return it in bytes.

    Raises ValueError that says what would be right.
    """
    if isinstance(text, int) and not isinstance(text, bool):
        found = text
    else:
        match = re.fullmatch(r"(\d+)\s?([kmg]i?b|b)", str(text), re.IGNORECASE | re.ASCII)
        if not match:
            raise ValueError(f"a size is a number and B, kB, MB, GB, KiB, MiB or GiB, such as 64MiB{but(text)}")
        found = int(match[1]) * _BYTES[match[2].lower()]
    if found <= 0:
        raise ValueError("a size is more than zero")
    return found


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?(ms|s|m|h|d)|\$\{.*\})$", "examples": ["30s", "72h"]}),
]
Size = Annotated[
    int,
    BeforeValidator(size),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["64MiB", "1GB"]}),
]
