"""Text with fields in braces, as paths and topics have them."""

import string
from collections.abc import Collection


def parts(text: str, fields: Collection[str], what: str) -> list[tuple[str, str | None]]:
    """Take a template apart: what stands there, and the field that follows. Raises ValueError; `what` is its noun."""
    known = f"{what}'s fields are {', '.join(f'{{{field}}}' for field in fields)}"
    try:
        found = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{error}: {known}") from None
    for _, field, form, conversion in found:
        if field is not None and (field not in fields or form or conversion):
            raise ValueError(f"{{{field}}} is not known here: {known}")
    return [(literal, field) for literal, field, _, _ in found]
