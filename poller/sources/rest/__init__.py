"""Any list endpoint that answers in JSON, described in the configuration: docs/rest.md."""

from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, ModelWrapValidatorHandler, SecretStr, ValidationError, model_validator

from poller.plugin import (
    Assumption,
    ClientCredentials,
    Credential,
    Http,
    Probed,
    RefreshTokenGrant,
    Source,
    StaticHeaders,
    Stream,
    ZoneName,
    bearer,
)
from poller.sources.rest.assumptions import of_stream
from poller.sources.rest.mistakes import mistakes, mistakes_of_zone
from poller.sources.rest.settings import (
    DESCRIBING,
    ONLY_WORDS,
    Auth,
    HeaderName,
    HeaderValue,
    OAuth2,
    StreamFields,
    Word,
    init_error,
    mistake_error,
)
from poller.sources.rest.streams import Description
from poller.sources.rest.survey import look

QUOTAS = ("ratelimit-", "x-ratelimit-", "x-rate-limit-")
T = TypeVar("T")


class RestStream(StreamFields):
    """A described list endpoint, whose mistakes are told all at once."""

    @model_validator(mode="wrap")
    @classmethod
    def _all_mistakes(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        errors, made = [], None
        try:
            made = handler(value)
        except ValidationError as error:
            errors = error.errors()
            made = _without(value, {tuple(map(str, one["loc"])) for one in errors if one["loc"]}, handler)
        found = [mistake_error(*mistake) for mistake in mistakes(made)] if made else []
        if errors or found:
            raise ValidationError.from_exception_data("stream", [*map(init_error, errors), *found])
        return handler(value)


def _without(value: Any, broken: set[tuple[str, ...]], handler: ModelWrapValidatorHandler[T]) -> T | None:
    """Return the description without what is broken in it; None where the rest cannot be judged by itself."""
    fields = {keys[1] for keys in broken if keys[0] == "fields" and keys[1:]}
    keys = {keys[0] for keys in broken} - ({"fields"} if fields else set())
    if not isinstance(value, dict) or keys & DESCRIBING:
        return None
    rest = {key: part for key, part in value.items() if key not in keys}
    if fields:
        rest["fields"] = {name: part for name, part in value["fields"].items() if name not in fields}
    try:
        return handler(rest)
    except ValidationError:
        return None


def _grant(oauth2: OAuth2, beside: StaticHeaders) -> Credential:
    if oauth2.refresh_token is None:
        return ClientCredentials(
            oauth2.token_url, oauth2.client_id, oauth2.client_secret, oauth2.scope, oauth2.client_auth, oauth2.params,
            beside, oauth2.scheme,
        )  # fmt: skip
    scope = {"scope": SecretStr(oauth2.scope)} if oauth2.scope else {}
    return RefreshTokenGrant(
        oauth2.token_url, oauth2.client_id, oauth2.client_secret, oauth2.refresh_token, oauth2.client_auth,
        {**scope, **oauth2.params}, beside, oauth2.scheme,
    )  # fmt: skip


class Rest(Source):
    """An account of any vendor whose lists are described here."""

    type: Literal["rest"]
    auth: Auth = Auth()
    fixed_headers: dict[HeaderName, HeaderValue] = Field(default={}, alias="headers")
    timezone: ZoneName | None = None
    rate_limit_headers: str | None = None
    streams: Annotated[dict[Word, RestStream], Field(min_length=1, json_schema_extra=ONLY_WORDS)]

    @model_validator(mode="after")
    def _offsets_of_the_zone(self) -> Self:
        found = [
            mistake_error(("streams", name, *keys), text)
            for name, description in self._descriptions.items()
            for keys, text in mistakes_of_zone(description)
        ]
        if found:
            raise ValidationError.from_exception_data("source", found)
        return self

    @model_validator(mode="after")
    def _each_header_once(self) -> Self:
        for name in filter(self.auth.sets, self.fixed_headers):
            raise ValueError(f"headers.{name}: `auth` sets this header, too: keep one of them")
        return self

    @property
    def headers(self) -> dict[str, str]:
        """The fixed headers."""
        return self.fixed_headers

    def credential(self) -> Credential:
        """Return the credential as the configuration has it."""
        headers = dict(self.auth.headers)
        if self.auth.bearer:
            headers |= bearer(self.auth.bearer).headers
        if self.auth.basic:
            pair = f"{self.auth.basic.username.get_secret_value()}:{self.auth.basic.password.get_secret_value()}"
            headers["Authorization"] = SecretStr(f"Basic {b64encode(pair.encode()).decode()}")
        fixed = StaticHeaders(headers, self.auth.params)
        return fixed if self.auth.oauth2 is None else _grant(self.auth.oauth2, fixed)

    @property
    def quota_prefixes(self) -> tuple[str, ...]:
        """The prefixes of the usual quota headers, and the vendor's own."""
        return (*QUOTAS, self.rate_limit_headers) if self.rate_limit_headers else QUOTAS

    @property
    def _descriptions(self) -> dict[str, Description]:
        return {
            name: Description(name, stream, self.timezone, self.default_region) for name, stream in self.streams.items()
        }

    def build_streams(self) -> Sequence[Stream]:
        """Build the described streams."""
        return [description.build() for description in self._descriptions.values()]

    async def probe(self, http: Http) -> str:
        """Ask for one page of the first list."""
        first = next(iter(self.probes(datetime.now(UTC)).values()))
        return (await first(http)).words

    def probes(self, now: datetime) -> Mapping[str, Callable[[Http], Awaitable[Probed]]]:
        """Return what looks at one page of each list."""
        built = {stream.name: stream for stream in self.built_streams}
        ask = {name: partial(look, described, built[name]) for name, described in self._descriptions.items()}
        return {name: partial(one, self.start_at(now), now) for name, one in ask.items()}

    def assumptions(self, now: datetime) -> Sequence[Assumption]:
        """Return what is assumed of each described list."""
        built = {stream.name: stream for stream in self.built_streams}
        found = (of_stream(described, built[name], now) for name, described in self._descriptions.items())
        return [assumption for assumptions in found for assumption in assumptions]
