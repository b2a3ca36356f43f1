"""The part of a source's configuration that all vendors share."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema

from outputs.units import Duration
from poller.humanize import format_duration
from poller.plugin.assumptions import Assumption
from poller.plugin.config_types import Certificates, Droppable, Origin, Proxy, Region, Start, read_start
from poller.plugin.credentials import Credential, StaticHeaders
from poller.plugin.stream import Fetch, Http, Stream, Sweep

KEEP, DAY = timedelta(days=400), timedelta(days=1)


class Strict(BaseModel):
    """A mapping of the configuration: an unknown key is an error, and no error shows what was set.

    What validates it is built at its first use: a program has many of them, and a configuration names few.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


def _optional_in_schema(schema: dict[str, Any]) -> None:
    """A sweep's keys need not all be set: what is left out keeps the vendor's default (see `SweepSettings`)."""
    schema.pop("required", None)


class WholeList(Strict):
    """The timing of a sweep that always reads the whole list."""

    model_config = ConfigDict(json_schema_extra=_optional_in_schema)
    every: Duration

    def sweep(self, name: str, fetch: Fetch, **flags: Any) -> Sweep:
        """Build the sweep of this timing; `flags` are those of `Sweep`."""
        return Sweep(name, self.every, None, fetch, **flags)


class Windowed(WholeList):
    """The timing of a sweep that reaches back over a window."""

    lookback: Duration

    def sweep(self, name: str, fetch: Fetch, **flags: Any) -> Sweep:
        """Build the sweep of this timing; `flags` are those of `Sweep`."""
        return Sweep(name, self.every, self.lookback, fetch, **flags)


class SweepSettings(Strict):
    """A stream's sweeps, one field each; its default is the vendor's, and a setting may name only what differs."""

    @field_validator("*", mode="before")
    @classmethod
    def _keep_defaults(cls, value: object, info: ValidationInfo) -> object:
        default = cls.model_fields[str(info.field_name)].default
        if value is None:
            return default
        return {**default.model_dump(), **value} if isinstance(value, dict) else value


S = TypeVar("S", bound=SweepSettings)


class StreamSettings(Strict, Generic[S]):
    """One stream's settings: the timing of its sweeps, each of which has a default."""

    model_config = ConfigDict(json_schema_extra={"title": "Stream", "description": "One stream's settings."})
    sweeps: S = Field(default=None)  # type: ignore[assignment]  # S(), see below, once a vendor names S

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Make S() the default of `sweeps`."""
        sweeps = cls.model_fields["sweeps"]
        if isinstance(sweeps.annotation, type):
            sweeps.default = sweeps.annotation()
        return handler(source)

    @field_validator("sweeps", mode="before")
    @classmethod
    def _keep_defaults(cls, value: object) -> object:
        return {} if value is None else value


class ChosenStreams(Strict):
    """A vendor's streams, one optional field each: to name one, with `{}` or nothing under it, is to poll it."""

    @model_validator(mode="before")
    @classmethod
    def _not_none(cls, value: object) -> object:
        if not value:
            raise ValueError("name at least one stream, or leave `streams` out to poll all of them")
        if not isinstance(value, dict):
            return value
        return {name: {} if setting is None else setting for name, setting in value.items()}


@lru_cache(maxsize=1000)
def _first_of_equals(streams: ChosenStreams) -> ChosenStreams:
    return streams


def bearer(token: SecretStr) -> StaticHeaders:
    """Return the header for a token that never changes (RFC 6750 §2.1)."""
    return StaticHeaders({"Authorization": SecretStr(f"Bearer {token.get_secret_value()}")})


class Source(Strict):
    """One configured vendor account or tenant."""

    API: ClassVar[int] = 1
    """The version of `poller.plugin` that the source was made for: 1 where its class says nothing."""
    KEEP_FOREVER: ClassVar[bool] = False
    REGION: ClassVar[str | None] = None

    type: str
    base_url: Origin
    start: Start = "24h"
    keep: Duration | None = None
    timeout: Duration = timedelta(seconds=30)
    requests_per_minute: Annotated[int, Field(ge=1)] = 60
    max_concurrency: Annotated[int, Field(ge=1)] = 1
    proxy: Annotated[Proxy | None, Field(repr=False)] = None  # may hold a password
    ca_file: Certificates | None = None
    raw: bool = True
    drop: tuple[Droppable, ...] = ()
    region: Region | None = None

    @property
    def tenant_key(self) -> str | None:
        """The part of the account's name beside type and base_url; None where there is none."""
        return None

    @property
    def headers(self) -> dict[str, str]:
        """Request headers that are no secret; `Accept: application/json` goes with every request anyway."""
        return {}

    @property
    def quota_prefixes(self) -> tuple[str, ...]:
        """The prefixes of the headers that tell of a quota, such as `x-ratelimit-`; none where they are not heeded."""
        return ()

    @property
    def retention(self) -> timedelta | None:
        """The time for which an identity is remembered after its last delivery; None for ever."""
        return None if self.KEEP_FOREVER else self.keep or KEEP

    @property
    def default_region(self) -> str | None:
        """The country whose numbers are dialled without a country code; None where nothing says so."""
        return self.region or self.REGION

    def start_at(self, now: datetime) -> datetime | None:
        """Return how far back the first poll reaches; None for all there is."""
        since = read_start(self.start)
        try:
            return now - since if isinstance(since, timedelta) else since
        except OverflowError:
            return None

    @field_validator("streams", mode="after", check_fields=False)
    @classmethod
    def _share(cls, streams: object) -> object:
        """Keep one of settings that are equal: thousands of sources are polled alike, and each takes kilobytes."""
        try:
            return _first_of_equals(streams) if isinstance(streams, ChosenStreams) else streams
        except TypeError:  # those of a plug-in may hold a list, which has no hash
            return streams

    @model_validator(mode="after")
    def _remembers_what_it_meets_again(self) -> Self:
        if self.keep is not None and (self.KEEP_FOREVER or all(stream.forever for stream in self.built_streams)):
            raise ValueError("keep: what this vendor shows is remembered for ever; leave it out")
        for stream in self.built_streams:
            for sweep in stream.sweeps:
                least = sweep.every + (sweep.lookback or timedelta(0))
                if self.retention and self.retention < least:
                    raise ValueError(
                        f"keep: {format_duration(self.retention)}{'' if self.keep else ', its default,'} is too short: "
                        f"{least // DAY + 1}d reaches over every + lookback of {stream.name}.{sweep.name}"
                    )
        return self

    @abstractmethod
    def credential(self) -> Credential:
        """Return how requests are authenticated."""

    @cached_property
    def built_streams(self) -> Sequence[Stream]:
        """The configured streams; they are built once."""
        return self.build_streams()

    def __copy__(self) -> Self:
        """Copy the settings; a copy may have others (`model_copy`), so it builds its own streams."""
        copied = super().__copy__()
        copied.__dict__.pop("built_streams", None)
        return copied

    @abstractmethod
    def build_streams(self) -> Sequence[Stream]:
        """Build the configured streams, with the configured timing of their sweeps."""

    @abstractmethod
    async def probe(self, http: Http) -> str:
        """Ask the vendor for one record, in one request: says in words what came. Raises SourceError."""

    def probes(self, now: datetime) -> "Mapping[str, Callable[[Http], Awaitable[Probed]]]":
        """Return what `poller check` asks, by the stream that it is about; "" is the source as a whole."""
        del now

        async def whole(http: Http) -> Probed:
            return Probed(await self.probe(http))

        return {"": whole}

    def assumptions(self, now: datetime) -> Sequence[Assumption]:
        """Return what is assumed of the vendor, for `poller check --deep`; in this order it is put to the test."""
        del now
        return ()


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of a probe: in words, for machines, and what is doubtful about it."""

    words: str
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
