"""Templates of paths and topics: text with fields in braces, such as `poller.{kind}`."""

import string
from collections.abc import Collection


def parts(text: str, fields: Collection[str], what: str) -> list[tuple[str, str | None]]:
    """Split a template into pairs of literal text and the field that follows it (None at the end).

    Raises ValueError where a field is not one of `fields`; `what` is what its text calls the template: "a path".
    """
    known = f"{what}'s fields are {', '.join(f'{{{field}}}' for field in fields)}"
    try:
        found = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{error}: {known}") from None
    for _, field, form, conversion in found:
        if field is not None and (field not in fields or form or conversion):
            raise ValueError(f"{{{field}}} is not known here: {known}")
    return [(literal, field) for literal, field, _, _ in found]
