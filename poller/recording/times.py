"""How a time looks in a request or a record: dates, wall clocks, mail's way (RFC 5322), seconds since 1970."""

import re

_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?[AaPp][Mm])?"
_ZONE = r"(?:\s?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s)?"
_DATES = (
    r"\d{4}([-/.])\d{1,2}\1\d{1,2}",
    r"\d{1,2}([-/.])\d{1,2}\2\d{4}",
    rf"{_DAY}\d{{1,2}}\s{_MONTH}\s\d{{4}}",
    rf"{_DAY}{_MONTH}\s\d{{1,2}},?\s\d{{4}}",
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])",
)
_WRITTEN = rf"(?:{'|'.join(_DATES)})(?:[T\s]?\s?(?:{_CLOCK}|\d{{6}}))?{_ZONE}"
_EPOCH = r"1\d{9}(?:\d{3})?(?:\.\d+)?"

WRITTEN = re.compile(rf"{_WRITTEN}|{_CLOCK}{_ZONE}", re.ASCII)
"""A time that is written out."""
EPOCH = re.compile(_EPOCH, re.ASCII)
"""Seconds or milliseconds since 1970, between 2001 and 2033; many another number looks like one."""
TIME = re.compile(rf"(?<![\w])(?:{_WRITTEN}|{_EPOCH})(?![\w])", re.ASCII)
"""A time anywhere in a text."""
