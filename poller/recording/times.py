"""How a time looks in a request or a record: dates, wall clocks, mail's way (RFC 5322), seconds since 1970."""

import re

_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?[AaPp][Mm])?"
_ZONE = r"(?:\s?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s)?"
_DATES = (
    r"(?:19|20)\d\d([-/.])\d{1,2}\1\d{1,2}",
    r"\d{1,2}([-/.])\d{1,2}\2(?:19|20)\d\d",
    rf"{_DAY}\d{{1,2}}\s{_MONTH}\s\d{{4}}",
    rf"{_DAY}{_MONTH}\s\d{{1,2}},?\s\d{{4}}",
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?=T)",
)
_WRITTEN = rf"(?:{'|'.join(_DATES)})(?:[T\s]?\s?(?:{_CLOCK}|\d{{6}}))?{_ZONE}"
_BARE = r"1\d{9}(?:\d{3})?(?:\.\d+)?|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"

WRITTEN = re.compile(rf"{_WRITTEN}|{_CLOCK}{_ZONE}", re.ASCII)
"""A time that is written out."""
BARE = re.compile(_BARE, re.ASCII)
"""A number that may be a time, as many another: seconds or milliseconds since 1970, from 2001 to 2033; or a date."""
TIME = re.compile(rf"(?<![\w])(?:{_WRITTEN}|{_BARE})(?![\w])", re.ASCII)
"""A time anywhere in a text."""
