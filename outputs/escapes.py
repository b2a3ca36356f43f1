"""JSON that is shown: what drives a terminal, or turns a line around, is written as an escape. It means the same."""

import re

_DRIVING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""What JSON leaves as it is: DEL, the controls of ISO 6429 in 8 bits, and those of Unicode for lines and directions."""


def escape_controls(text: str) -> str:
    """Return JSON in which no character drives what shows it; below U+0020 it has none anyway (RFC 8259 §7)."""
    return _DRIVING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
