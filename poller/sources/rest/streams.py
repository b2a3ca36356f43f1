"""A stream out of its description: its sweeps, its history and its type of records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from poller.plugin import History, Stream, Sweep
from poller.sources.rest import settings
from poller.sources.rest.answer import Described
from poller.sources.rest.described import Compared, Deleted, RecordDescription
from poller.sources.rest.fields import Field
from poller.sources.rest.lists import List
from poller.sources.rest.places import paging_of
from poller.sources.rest.records import identity_reader, record_type, time_reader
from poller.sources.rest.request import Request

DAY = timedelta(days=1)
WINDOWED = {"live": (timedelta(minutes=1), timedelta(minutes=10)), "audit": (DAY, 3 * DAY)}
"""The sweeps of a list that is asked for by time, where the description names none: `every` and `lookback`."""
SNAPSHOT = timedelta(hours=1)
"""How often a whole list is read, where the description does not say."""


@dataclass(frozen=True, slots=True)
class Description:
    """One stream as it is described, with what its source adds."""

    name: str
    stream: settings.StreamFields
    timezone: str | None
    region: str | None

    @property
    def zone(self) -> tzinfo | None:
        """The zone of times without an offset; None where nothing says it."""
        named = self.stream.timezone or self.timezone
        return ZoneInfo(named) if named else None

    @property
    def request(self) -> Request:
        """The request of the stream."""
        path = f"/{self.name}" if self.stream.path is None else self.stream.path
        return Request(path, self.stream.params, self.stream.body)

    @property
    def records(self) -> str:
        """The path of the list in an answer."""
        return self.name if self.stream.records is None else self.stream.records

    @property
    def sweeps(self) -> Mapping[str, settings.Sweep]:
        """The sweeps as described, or else those that every list of its sort has."""
        if self.stream.sweeps:
            return self.stream.sweeps
        by_time = "start" in self.request.uses or self.stream.window_field is not None
        return {name: settings.Sweep() for name in (WINDOWED if by_time else ("snapshot",))}

    def list_of(self, sweep: settings.Sweep) -> List:
        """Return the list as a sweep asks for it."""
        stream, paging = self.stream, self.stream.paging
        request = self.request.changed(sweep.params, sweep.body)
        field = sweep.window_field if "window_field" in sweep.model_fields_set else stream.window_field
        looked_at = self._records().looked_at
        described = Described(
            self.records, _expected(request, stream.expect), frozenset[str](stream.empty), paging.next, paging.more,
            paging.done, paging.total, paging.pages, stream.time,
        )  # fmt: skip
        return List(
            request,
            paging_of(request, linked=paging.next is not None, cap=paging.cap),
            described,
            identity_reader(stream.identity, *looked_at, field),
            self.zone or UTC,
            DAY if stream.ahead is None else stream.ahead,
            field,
            time_reader(field, self.zone, stream.identity, *looked_at) if field else None,
        )

    def build(self) -> Stream:
        """Build the stream."""
        lists = {name: self.list_of(sweep) for name, sweep in self.sweeps.items()}
        sweeps = tuple(self._sweep(name, lists[name], sweep) for name, sweep in self.sweeps.items())
        return Stream(self.name, sweeps, record_type(self._records()), self._history(lists))

    def _sweep(self, name: str, listed: List, timing: settings.Sweep) -> Sweep:
        every, lookback = timing_of(name, timing, whole=listed.is_whole)
        if every is None:
            raise ValueError(f"streams.{self.name}.sweeps.{name}.every: this key is missing")
        ranges = History(listed.ranges, listed.granule) if listed.ranges else None
        return Sweep(
            name,
            every,
            lookback,
            listed.fetch,
            is_audit=name == "audit",
            snapshot=name == "snapshot",
            ranges=ranges,
            by_modified=listed.window_field is not None and listed.window_field == self.stream.modified,
        )

    def _history(self, lists: Mapping[str, List]) -> History | None:
        """Return how history is read: in slices only where the filter is about the records' own time.

        By another time, what changed after a slice would lie in none: all is read from its beginning on.
        """
        asked = [lists[name] for name in ("audit", "live", *lists) if name in lists and not lists[name].is_whole]
        own = [listed for listed in asked if self._is_own(listed) and listed.ranges]
        if own and own[0].ranges:
            return History(own[0].ranges, own[0].granule)
        return History(asked[0].fetch, None) if asked else None

    def _is_own(self, listed: List) -> bool:
        if listed.window_field is None:
            return self.stream.modified is None
        return listed.window_field == self.stream.time

    def _records(self) -> RecordDescription:
        stream = self.stream
        return RecordDescription(
            kind=stream.kind,
            identity=stream.identity,
            time=stream.time,
            modified=stream.modified,
            deleted=Deleted(stream.deleted.path, stream.deleted.values) if stream.deleted else None,
            compared=Compared(stream.volatile, stream.signed_urls),
            fields={name: field_of(given) for name, given in stream.fields.items()},
            zone=self.zone,
            region=self.region,
        )


def _expected(request: Request, described: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an answer has to hold. GraphQL sends what it could find beside the errors of what it could not
    (https://spec.graphql.org/October2021/#sec-Errors): that is no whole answer, whether or not it is described."""
    is_graphql = isinstance(request.body, dict) and isinstance(request.body.get("query"), str)
    says_errors = any(path.partition(".")[0].partition("[")[0] == "errors" for path in described)
    return {**described, "errors": []} if is_graphql and not says_errors else described


def timing_of(name: str, given: settings.Sweep, *, whole: bool) -> tuple[timedelta | None, timedelta | None]:
    """Return `every` and `lookback` of a sweep, with what its name says where it does not; None for what is missing.

    A list that is always read whole has no lookback.
    """
    every, lookback = WINDOWED.get(name, (SNAPSHOT if name == "snapshot" else None, None))
    return given.every or every, None if whole else given.lookback or lookback


def field_of(given: settings.FieldSettings) -> Field:
    """Return a field as it is read."""
    paths = (given.path,) if isinstance(given.path, str) else tuple(given.path)
    return Field(paths, given.values, given.unit)
