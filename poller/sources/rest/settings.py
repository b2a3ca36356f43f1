"""The description of a stream, as the configuration has it."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

from poller.plugin import Address, Duration, Secret, Strict, ZoneName

Word: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
"""The name of a stream or a sweep: a part of topics, labels and paths."""

ONLY_WORDS: JsonDict = {"additionalProperties": False}


def _also_text(schema: dict[str, Any]) -> None:
    """In the JSON Schema: instead of the mapping its `path` may stand alone."""
    whole = {name: schema.pop(name) for name in list(schema)}
    schema["anyOf"] = [whole, *({"type": kind} for kind in ("string", "array") if kind in str(whole))]


def _path_alone(value: object) -> object:
    return {"path": value} if isinstance(value, str | list) else value


def _also_nothing(value: object, handler: ValidatorFunctionWrapHandler) -> Any:
    return timedelta(0) if re.fullmatch(r"0+(ms|s|m|h|d)", str(value)) else handler(value)


def _status_spelt(value: object) -> object:
    return str(value) if type(value) is int else value


def _also_numbers(schema: JsonDict) -> None:
    schema["enum"] = ["204", "404", "missing", 204, 404]
    del schema["type"]


NothingHere: TypeAlias = Annotated[
    Literal["204", "404", "missing"], BeforeValidator(_status_spelt), Field(json_schema_extra=_also_numbers)
]
"""What says that a list holds nothing; a status may be a number, as YAML reads it where it has no quotes."""

Ahead: TypeAlias = Annotated[Duration, WrapValidator(_also_nothing)]
"""A duration that may be `0s`."""

_OF_THE_CONNECTION = {"connection", "content-length", "keep-alive", "te", "transfer-encoding", "upgrade"}


def _header_name(name: str) -> str:
    if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name, re.ASCII):
        raise ValueError("the name of a header holds letters, digits and dashes, such as X-Api-Version")
    if name.lower() in _OF_THE_CONNECTION:
        raise ValueError("this header is about the connection, and is not set here: leave it out")
    return name


def _header_value(value: str) -> str:
    if not (value := value.strip()).isascii() or not value.isprintable():
        raise ValueError("the value of a header is one line of ASCII")
    return value


HeaderName: TypeAlias = Annotated[str, AfterValidator(_header_name)]
HeaderValue: TypeAlias = Annotated[str, AfterValidator(_header_value)]
"""What a request can be made of (RFC 9110 §5.1, §5.5), and says nothing of where it ends."""


class BasicAuth(Strict):
    """A user and a password (RFC 7617)."""

    username: SecretStr
    password: SecretStr


class OAuth2(Strict):
    """Tokens of OAuth 2.0: by a refresh token where there is one, else by client credentials (RFC 6749 §4.4, §6)."""

    token_url: Address
    client_id: str
    client_secret: Secret
    refresh_token: Secret | None = None
    scope: str | None = None
    client_auth: Literal["form", "basic"] = "form"
    params: dict[str, SecretStr] = Field(default={})
    scheme: Annotated[str, StringConstraints(pattern=r"^[\w!#$%&'*+.^`|~-]+$")] = "Bearer"


class Auth(Strict):
    """The credential of all requests: one of these, or several."""

    bearer: Secret | None = None
    basic: BasicAuth | None = None
    headers: dict[HeaderName, Secret] = Field(default={})
    params: dict[str, Secret] = Field(default={})
    oauth2: OAuth2 | None = None

    def sets(self, header: str) -> bool:
        """Return whether this credential is, or is among others, this header of each request."""
        own = {name.lower() for name in self.headers}
        return header.lower() in (own | {"authorization"} if self.bearer or self.basic or self.oauth2 else own)

    @model_validator(mode="after")
    def _one_authorization(self) -> Self:
        named = [key for key in ("bearer", "basic", "oauth2") if getattr(self, key)]
        named += [f"headers.{name}" for name in self.headers if name.lower() == "authorization"]
        if len(named) > 1:
            raise ValueError(f"{named[-1]}: keep one of {', '.join(named)}: each is the header Authorization")
        return self


class Paging(Strict):
    """How a list goes on and ends, by paths in the answer or `headers.NAME`; and how many rows of one can be read."""

    next: str | None = None
    more: str | None = None
    done: str | None = None
    total: str | None = None
    pages: str | None = None
    cap: Annotated[int, Field(ge=1)] | None = None


class Deleted(Strict):
    """The mark of a deleted record: what its path leads to is one of these values; without values, true or a time."""

    model_config = ConfigDict(json_schema_extra=_also_text)
    path: str
    values: tuple[str, ...] = ()


class FieldSettings(Strict):
    """One of our fields: the path of what it is read from, the vendor's words for ours, the unit of a duration."""

    model_config = ConfigDict(json_schema_extra=_also_text)
    path: str | list[str]
    values: dict[str, str | bool | int | float] | None = None
    unit: Literal["ms", "s", "m", "h"] | None = None


class Sweep(Strict):
    """A sweep: its timing, and what it asks for otherwise than its stream; null takes a parameter out."""

    every: Duration | None = None
    lookback: Duration | None = None
    params: dict[str, Any] = Field(default={})
    body: Any = None
    window_field: str | None = None


DESCRIBING = frozenset({"params", "body", "paging", "kind", "sweeps", "window_field"})
"""Keys that other keys are judged by."""


class StreamFields(Strict):
    """A list endpoint of the vendor: how it is asked for, what its answers hold, and what its records mean."""

    kind: str
    path: str | None = None
    params: dict[str, Any] = Field(default={})
    body: Any = None
    ahead: Ahead | None = None
    records: str | None = None
    expect: dict[str, Any] = Field(default={})
    empty: tuple[NothingHere, ...] = ()
    paging: Paging = Paging()
    identity: str = "id"
    time: str | None = "created_at"
    modified: str | None = "updated_at"
    deleted: Annotated[Deleted, BeforeValidator(_path_alone)] | None = None
    window_field: str | None = None
    volatile: tuple[str, ...] = ()
    signed_urls: tuple[str, ...] = ()
    fields: dict[str, Annotated[FieldSettings, BeforeValidator(_path_alone)]] = Field(default={})
    timezone: ZoneName | None = None
    sweeps: dict[Word, Sweep] = Field(default={}, json_schema_extra=ONLY_WORDS)


def init_error(error: ErrorDetails) -> InitErrorDetails:
    """Return an error as pydantic takes it, to be raised beside others."""
    known = error["type"] in get_args(ErrorType)
    kind: Any = error["type"] if known else PydanticCustomError(error["type"], "{text}", {"text": error["msg"]})
    return InitErrorDetails(type=kind, loc=error["loc"], input=error["input"], ctx=error.get("ctx", {}))


def mistake_error(keys: tuple[str, ...], text: str) -> InitErrorDetails:
    """Return a mistake of ours as pydantic takes it."""
    return InitErrorDetails(type=PydanticCustomError("mistake", "{text}", {"text": text}), loc=keys, input="")
