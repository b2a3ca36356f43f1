"""The misbehaviours of simulated vendors: named, switched on and off at run time, and drawn from a seed."""

from collections.abc import Collection, Mapping
from random import Random

from poller.sandbox.sloppy.kinds import SLOPPY
from poller.sandbox.world.breaches import BREACHES

RATES: Mapping[str, str] = {
    # the list moves, or lies about itself
    "shifting_pages": "rows are inserted, edited and deleted between two pages of one walk",
    "tied_stamps": "many records share their stamps, two edits share one second, ties come in another order each time",
    "lagging_replica": "the answer comes from a copy up to `replica_seconds` old, with an honest Date",
    "sliding_presets": "a sliding range moves on by up to `slide_seconds` between two pages",
    "sick_replica": "a documented answer, but empty, though there are rows",
    "wrong_page_size": "a smaller page than asked for, and it says so",
    "silent_page_cap": "fewer rows than the answer claims to hold",
    "shrinking_total": "the total falls from page to page though nothing was deleted",
    "wrong_zone": "another time zone than asked for, and it says so (callcap)",
    "empty_404": "an empty list is answered with 404 (callcap)",
    "short_end_day": "the end day of a date range is not part of it (callcap)",
    "signed_recordings": "recording URLs carry another signature in each answer (callcap, agendize)",
    "foreign_next": "the link to the next page leads to another host, without TLS (flextell, ipscape)",
    "token_rotation": "a refresh kills the old refresh token and the old access tokens at once (flextell)",
    "csv_imports": "150 to 300 leads come up minutes late, all created within one second (trackdrive)",
    "cursor_repeats": "the last page's link repeats the cursor that led to it (ipscape)",
    "cursor_expires": "404 or 410 on a request with a cursor (ipscape)",
    "filters_dropped": "beyond the first page the filters are ignored, and the list goes on over everything (ipscape)",
    "filters_in_cursor": "a cursor carries the filters, whatever is sent beside it (ipscape)",
    "cursor_alone": "a cursor carries the filters, and 400 if any are sent beside it (ipscape)",
    "empty_page_with_cursor": "up to two pages without rows, but with a new cursor, before each page (ipscape)",
    "campaigns_metadata": "the campaigns have `metadata` beside their page numbers (ipscape)",
    "lockout": "five refused tokens in a row lock the account, with 403 for good ones, until this is off (ipscape)",
    "page_tokens": "a list or sync answer comes in pages of 100, by nextPageToken (agendize)",
    "silent_truncation": "a list that is not in pages is cut at the 100 newest, and does not say so (agendize)",
    "missing_items": "an empty answer has no `items` (agendize)",
    "latin1": "the body is in ISO-8859-1, with or without saying so (agendize)",
    "no_sync_tokens": "no answer has a sync token (agendize)",
    "no_token_on_windows": "a list asked with filters has no sync token (agendize)",
    "sync_token_gone": "the sync token sent is dead for good: 410, 410 in a body with 200, or 400, in turn (agendize)",
    # records
    "odd_record": "a leaf is null, of another type, or spelled unusually",
    "broken_record": "a record without identity, without a readable time of its own, or that is no object",
    "new_field": "a record has a field that nobody documented",
    "null_dates": "a date that should be there is null (flextell)",
    "pretty_body": "the body is indented over many lines",
    # HTTP
    "html_200": "a login or gateway page with status 200",
    "error_in_body": "status 200, and an error in the body",
    "server_error": "500, 502 or 503, sometimes with Retry-After",
    "throttle": "429 with Retry-After in seconds or as a date, `retry_seconds` away",
    "unauthorized": "401 for a good credential",
    "forbidden": "403 for a good credential",
    "stall": "silence for `stall_seconds`, before the answer or in its middle, then the connection closes",
    "reset": "the connection is reset, before the answer or in its middle",
    "short_body": "the body is cut: shorter than its Content-Length, or cut with a matching one",
    # answers that are right, but spelt, counted, encoded, dated carelessly
    **SLOPPY,
}

AMOUNTS: Mapping[str, float] = {
    "replica_seconds": 30.0,
    "slide_seconds": 30.0,
    "stall_seconds": 30.0,
    "retry_seconds": 2.0,
    "token_seconds": 3600.0,
    "rate_limit": 60_000.0,
    "late_seconds": 900.0,
}

Settings = Mapping[str, Mapping[str, float]]
"""A map from a vendor's name, or `*` for all vendors, to its vices (each a probability, 0 to 1) and amounts."""


class Vices:
    """The vices of all vendors, none by default. The same seed and the same questions give the same answers."""

    def __init__(self, seed: int = 0, settings: Settings | None = None, *, vendors: Collection[str]) -> None:
        self._settings: dict[str, dict[str, float]] = {}
        self.rng = Random(seed)
        self._vendors = {"*", *vendors}
        self.set(settings or {})

    def set(self, settings: Settings) -> None:
        """Replace all settings. Raises ValueError, which names what is no vendor, no vice, or no possible number."""
        for vendor, values in settings.items():
            if vendor not in self._vendors:
                raise ValueError(f"no such vendor: {vendor}")
            for name, value in values.items():
                _check(name, value)
        self._settings = {vendor: dict(values) for vendor, values in settings.items()}

    def clear(self) -> None:
        """Switch all vices off."""
        self._settings = {}

    def settings(self) -> dict[str, dict[str, float]]:
        """Return the settings that are switched on now."""
        return {vendor: dict(values) for vendor, values in self._settings.items()}

    def amount(self, vendor: str, name: str) -> float:
        """Return the amount of this name, for what has a size rather than a rate."""
        return self._lookup(vendor, name, AMOUNTS[name])

    def __bool__(self) -> bool:
        return bool(self._settings)

    def on(self, vendor: str, name: str) -> bool:
        """Return True if this vice can happen at all."""
        return self._lookup(vendor, name, 0.0) > 0

    def strikes(self, vendor: str, name: str, rng: Random | None = None) -> bool:
        """Return True if this vice happens now; pass `rng` where that must not depend on the order of requests."""
        rate = self._lookup(vendor, name, 0.0)
        return rate > 0 and (rng or self.rng).random() < rate

    def _lookup(self, vendor: str, name: str, default: float) -> float:
        for scope in (vendor, "*"):
            if (value := self._settings.get(scope, {}).get(name)) is not None:
                return value
        return default


def _check(name: str, value: object) -> None:
    if name not in RATES and name not in AMOUNTS and name not in BREACHES:
        raise ValueError(f"no such vice: {name}")
    if not isinstance(value, int | float) or value < 0 or (name not in AMOUNTS and value > 1):
        raise ValueError(f"{name} cannot be {value!r}")
