"""Exchanges with what is personal in them replaced, so that they still replay.

Kept are times, words by which programs decide, what pages a list, and what the poller asks for of its own accord. All
else is replaced, each text by the same one wherever it stands: so an id, or a cursor, that a later request names still
is the one that an answer held. The key is random, and nobody keeps it.
"""

import re
import secrets
from collections.abc import Callable, Collection
from urllib.parse import quote, unquote, unquote_plus

from msgspec.structs import replace

from poller.recording.file import Exchange, Header, body_fields
from poller.recording.json_text import JsonText, Place
from poller.recording.shapes import Shapes
from poller.recording.words import is_count, is_time, is_vocabulary

_ADDRESS = re.compile(r"(?:(?P<scheme>[a-z][a-z0-9+.-]*:)?//(?P<host>[^/?#\s]*))?(?P<path>[^?#\s]*)"
                      r"(?:\?(?P<query>[^#\s]*))?(?:\#(?P<rest>\S*))?", re.IGNORECASE)  # fmt: skip
_LOOKS_LIKE_ONE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//\S+|/?[\w./-]*\?[\w.%\[\]-]+=\S*", re.IGNORECASE)
_LINK = re.compile(r"<([^<>]*)>")
_KEPT_HEADERS = {"date", "age", "retry-after", "content-type", "expires", "last-modified", "cache-control", "vary"}
_QUOTA = re.compile(r"rate-?limit|-(?:remaining|reset|limit|window)$")
_STATUS = {"status", "code", "statuscode", "status_code"}
_PERSONAL_DIGITS = 5
"""Digits in the name of a field that is no name but a number."""


class Mask:
    """Masks the exchanges of one recording, in their order; `words` stay what they are."""

    def __init__(self, words: Collection[str] = (), key: bytes | None = None) -> None:
        self._shape, self._words = Shapes(key or secrets.token_bytes(32)).text, frozenset(words)
        self._ours, self._places = set[str](), set[str]()
        self._theirs: set[str] = set()
        self._list = JsonText(self._in_list, self._key)
        self._record = JsonText(self._in_record, self._key)
        self._asked = JsonText(lambda at, text: self._asked_for(at.name, text), lambda name: name)

    def exchange(self, exchange: Exchange) -> Exchange:
        """Return the exchange, masked."""
        path, query = self._path(exchange.path), self._query(exchange.query, self._asked_for)
        sent = None if exchange.sent is None else self._asked.replaced(exchange.sent)
        reader = self._list if path == exchange.path else self._record
        body = self._body(exchange.content.decode("utf-8", "surrogateescape"), reader)
        headers = {name: self._header(name, value) for name, value in exchange.headers.items()}
        fields = {"body": "", "body_base64": "", **body_fields(body.encode("utf-8", "surrogateescape"))}
        return replace(exchange, path=path, query=query, sent=sent, headers=headers, **fields)

    def _replaced(self, text: str) -> str:
        self._theirs.add(text)
        return self._shape(text)

    def _asked_for(self, name: str, value: str) -> str:
        """Return a value of a request: what an answer held is masked as it is there, and all else is ours."""
        if value in self._ours or value not in self._theirs or is_count(name, value):
            self._ours.add(value)
            return value
        return self._shape(value)

    def _path(self, path: str) -> str:
        return "/".join(map(self._part, path.split("/")))

    def _part(self, raw: str) -> str:
        """Return a part of a path that was asked for: an id, if an answer held it, else a place of the vendor's."""
        part = unquote(raw)
        if part in self._theirs and part not in self._places and re.search(r"\d", part):
            return quote(self._shape(part), safe="")
        self._places.add(part)
        return raw

    def _query(self, query: str, value_of: Callable[[str, str], str]) -> str:
        return "&".join(self._pair(pair, value_of) for pair in query.split("&"))

    def _pair(self, pair: str, value_of: Callable[[str, str], str]) -> str:
        name, equals, raw = pair.partition("=")
        spaced, value = unquote_plus(raw), unquote(raw)
        value = spaced if spaced in self._theirs else value
        found = value_of(unquote(name), value)
        if found == value:
            return pair
        safe = "".join({sign for sign in raw if not sign.isalnum() and sign != "%"})
        return f"{name}{equals}{quote(found, safe=safe)}"

    def _in_list(self, at: Place, text: str) -> str:
        """Return what stands for a value in an answer that is a list, and what surrounds it."""
        surrounds = not at.in_list and (text in self._ours or is_count(at.name, text))
        return text if surrounds else self._value(at.name, text)

    def _in_record(self, at: Place, text: str) -> str:
        """Return what stands for a value in an answer that is the record whose id was asked for."""
        surrounds = at.depth == 1 and at.name.lower() in _STATUS and is_count(at.name, text)
        return text if surrounds else self._value(at.name, text)

    def _value(self, name: str, text: str) -> str:
        if text in self._words or is_time(name, text) or is_vocabulary(name, text):
            return text
        return self._address(text) if _LOOKS_LIKE_ONE.fullmatch(text) else self._replaced(text)

    def _key(self, name: str) -> str:
        personal = "@" in name or sum(map(str.isdigit, name)) >= _PERSONAL_DIGITS
        return self._replaced(name) if personal and not is_time("", name) else name

    def _address(self, text: str) -> str:
        """Mask an address part by part: its host, the parts of its path, the values of its parameters."""
        found = _ADDRESS.fullmatch(text)
        if found is None:
            return self._replaced(text)
        host = None if found["host"] is None else f"{found['scheme'] or ''}//{self._shape(found['host'])}"
        parts = [unquote(part) for part in found["path"].split("/")]
        parts = [part if part in self._places else self._replaced(part) for part in parts]
        path = "/".join(quote(part, safe="~!$&'()*+,;=:@") for part in parts)
        query = "" if found["query"] is None else f"?{self._query(found['query'], self._linked)}"
        rest = "" if found["rest"] is None else f"#{self._shape(found['rest'])}"
        return f"{host or ''}{path}{query}{rest}"

    def _linked(self, name: str, value: str) -> str:
        """Return a parameter's value in a link, which may become a request of ours."""
        kept = value in self._ours or is_count(name, value) or is_time(name, value)
        return value if kept else self._replaced(value)

    def _header(self, name: str, value: str) -> str:
        if name in _KEPT_HEADERS or _QUOTA.search(name) or re.fullmatch(r"\d{1,6}", value):
            return value
        if name == "link":
            return _LINK.sub(lambda found: f"<{self._address(found[1])}>", value)
        return self._value(name, value)

    def _body(self, body: str, reader: JsonText) -> str:
        if body.lstrip("\ufeff \t\r\n")[:1] in {"{", "["}:
            return reader.replaced(body)
        return re.sub(r"[^\W_]+", lambda found: self._shape(found[0]), body)


def masked_header(header: Header) -> Header:
    """Return the header of a recording that is masked."""
    return replace(header, masked=True, base_path="")
