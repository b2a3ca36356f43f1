"""The configuration: `config.yaml` and the environment become one frozen Settings, or all that is wrong with them."""

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, ValidationError, create_model, field_validator, model_validator
from pydantic.config import JsonDict
from pydantic_core import InitErrorDetails, PydanticCustomError

from outputs import OutputConfig
from outputs.kafka import KafkaConfig
from outputs.registry import OUTPUTS
from outputs.stdout import StdoutConfig
from outputs.units import Duration
from poller.config.document import Document, read_document
from poller.config.plugins import Named, OneOf, find_named
from poller.config.validation import validation_problems
from poller.errors import ConfigError
from poller.events.cloudevent import PROGRESS
from poller.plugin.config_types import Secret
from poller.plugin.credentials import RefreshTokenGrant
from poller.plugin.source import Source, Strict
from poller.redaction import SECRETS, secrets_in
from poller.sources.registry import SOURCES
from poller.state.kafka import KafkaState
from poller.state.registry import StateConfig
from poller.state.sqlite import SqliteState

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Name = Annotated[str, StringConstraints(pattern=_NAME)]
"""The user's name for a source or an output: it goes into paths, labels and event sources."""

SOCKET_PATH = 107
"""Bytes of the path of a socket: https://man7.org/linux/man-pages/man7/unix.7.html"""

_OF_ALL = Source.model_fields.keys() | OutputConfig.model_fields.keys()
_ONLY_NAMES: JsonDict = {"additionalProperties": False}
_PART = Field(min_length=1, json_schema_extra=_ONLY_NAMES)


class Server(Strict):
    """The address at which the status page, metrics and health endpoints are served.

    With a `token`, all but /livez and /readyz ask for it: as a Bearer token, or as the password of any user.
    """

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"  # none would mean all the machine's addresses
    port: Annotated[int, Field(ge=0, le=65535)] = 9090
    token: Secret | None = None
    control: Path | None = None

    @field_validator("control")
    @classmethod
    def _is_short(cls, path: Path | None) -> Path | None:
        if path and len(os.fsencode(path.absolute())) > SOCKET_PATH:
            raise ValueError(f"a path of a socket has at most {SOCKET_PATH} bytes")
        return path


class Settings(Strict):
    """Everything a run is told: each source and output by the name the user gave it."""

    sources: Annotated[dict[Name, Annotated[Source, OneOf(SOURCES)]], _PART]
    outputs: Annotated[dict[Name, Annotated[OutputConfig, OneOf(OUTPUTS)]], _PART]
    state: StateConfig = SqliteState()
    server: Server = Server()
    progress: Duration | None = None

    @property
    def control(self) -> Path | None:
        """Return the socket at which a running poller takes orders; None where it takes none."""
        if self.server.control or isinstance(self.state, KafkaState):
            return self.server.control
        return self.state.path.with_name(f"{self.state.path.name}.sock")

    def outputs_beside_state(self) -> Mapping[str, OutputConfig]:
        """Return the outputs by name; none takes the topic of the state for one of its own."""
        if not isinstance(state := self.state, KafkaState):
            return self.outputs
        found = self.outputs.items()
        return {name: out.beside(state.topic) if isinstance(out, KafkaConfig) else out for name, out in found}

    @field_validator("state", mode="before")
    @classmethod
    def _sqlite_if_not_said(cls, state: object) -> object:
        return {"type": "sqlite", **state} if isinstance(state, dict) else state

    @field_validator("outputs")
    @classmethod
    def _no_two_write_to_one_place(cls, outputs: dict[str, OutputConfig]) -> dict[str, OutputConfig]:
        errors = [_clash(name, other) for name, other in dict(_clashes(outputs)).items()]
        if errors:
            raise ValidationError.from_exception_data("outputs", errors)
        return outputs

    @model_validator(mode="after")
    def _one_transaction(self) -> Self:
        if isinstance(self.state, KafkaState) and (
            errors := [
                *_strangers(self.state, self.outputs),
                *_into_the_state(self, self.state),
                *_unlocked(self.state, self.sources),
            ]
        ):
            raise ValidationError.from_exception_data("Settings", errors)
        return self


@cache
def settings_type(sources: tuple[type[Source], ...], outputs: tuple[type[OutputConfig], ...]) -> type[Settings]:
    """Return the settings that can also hold these classes, which are of other packages."""
    if not sources and not outputs:
        return Settings
    fields: dict[str, Any] = {
        "sources": (Annotated[dict[Name, Annotated[Source, OneOf(SOURCES, sources)]], _PART], ...),
        "outputs": (Annotated[dict[Name, Annotated[OutputConfig, OneOf(OUTPUTS, outputs)]], _PART], ...),
    }
    return create_model("Settings", __base__=Settings, __doc__=Settings.__doc__, **fields)


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read and check a configuration whole. Raises ConfigError with all its problems, which show no secret."""
    return check_document(read_document(path, environ))


def check_document(document: Document) -> Settings:
    """Check a document whole; what is secret in it is hidden from then on. Raises ConfigError as `load` does."""
    settings, problems, named = None, [], find_named(document)
    model = settings_type(named.sources, named.outputs)
    try:
        settings = model.model_validate(document.value)
    except ValidationError as error:
        problems = list(validation_problems(error, _schema(model), document))
    news = [one for one in problems if not any(one.keys[: len(keys)] == keys for keys in named.problems)]
    if settings is None or document.problems or named.problems:
        raise document.error([*document.problems, *named.problems.values(), *news])
    SECRETS.learn([*secrets_in(settings), *_brought(settings, document, named)])
    return settings


def _brought(settings: Settings, document: Document, named: Named) -> Iterator[str]:
    """Find what placeholders brought into the own keys of other packages' types: these may keep a secret as text."""
    for keys, found in document.brought.items():
        part: Mapping[Any, Any] = getattr(settings, str(keys[0])) if keys[0] in {"sources", "outputs"} else {}
        if part and isinstance(part[keys[1]], named.sources + named.outputs) and keys[2] not in _OF_ALL:
            yield from found


@cache
def _schema(model: type[Settings]) -> Mapping[str, Any]:
    return model.model_json_schema()


def _clashes(outputs: Mapping[str, OutputConfig]) -> Iterator[tuple[str, str]]:
    """Pair each output that could write where one before it writes with that one; * in a place is any name."""
    for (other, first), (name, second) in combinations(outputs.items(), 2):
        pairs = product(first.destinations(), second.destinations())
        if any(_covers(one, two) or _covers(two, one) for one, two in pairs):
            yield name, other


def _covers(pattern: str, place: str) -> bool:
    return bool(re.fullmatch(re.escape(pattern).replace(r"\*", "[^/]*"), place))


def _clash(name: str, other: str) -> InitErrorDetails:
    keys = "path, rejects_path; topic, rejects_topic"
    text = f"would write where outputs.{other} writes: leave one out, or give it places of its own ({keys})"
    return InitErrorDetails(type=PydanticCustomError("clash", "{text}", {"text": text}), loc=(name,), input=name)


def _strangers(state: KafkaState, outputs: Mapping[str, OutputConfig]) -> Iterator[InitErrorDetails]:
    """Find the outputs that no transaction of the state's cluster can include."""
    for name, output in outputs.items():
        same = isinstance(output, KafkaConfig) and output.reach == state.reach
        if not same and not isinstance(output, StdoutConfig):
            text = (
                "with state in Kafka, what is delivered and the state are one transaction: only Kafka outputs with the "
                "state's own bootstrap_servers and login can be part of it, and stdout beside them"
            )
            yield _error(text, ("outputs", name))
    mixed = {output.compression for output in outputs.values() if isinstance(output, KafkaConfig)}
    if len(mixed) > 1:
        text = (
            f"one transaction has one compression, and they name {', '.join(sorted(mixed))}: give all of them the same"
        )
        yield _error(text, ("outputs",))


def _into_the_state(settings: Settings, state: KafkaState) -> Iterator[InitErrorDetails]:
    """Find the outputs whose events would go into the topic of the state."""
    streams = [(name, stream) for name, source in settings.sources.items() for stream in source.built_streams]
    places = [(name, stream.name, stream.records.kind.KIND) for name, stream in streams]
    places += [(name, stream.name, PROGRESS) for name, stream in streams if settings.progress]
    for name, output in settings.outputs.items():
        if isinstance(output, KafkaConfig) and state.topic in output.topics(places):
            text = f"would write into {state.topic}, which is the topic of the state: give one of them another name"
            yield _error(text, ("outputs", name))


def _unlocked(state: KafkaState, sources: Mapping[str, Source]) -> Iterator[InitErrorDetails]:
    """Find the sources whose refresh tokens every reader of the topic could read."""
    if state.token_key is None:
        for name, account in sources.items():
            if isinstance(account.credential(), RefreshTokenGrant):
                text = f"is missing: without it the refresh tokens of sources.{name} would lie open in the topic"
                yield _error(text, ("state", state.type, "token_key"))


def _error(text: str, loc: tuple[str, ...]) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError("refused", "{text}", {"text": text}), loc=loc, input="")


def is_name(text: str) -> bool:
    """Return True if a source or an output could be called so."""
    return bool(re.match(_NAME, text)) and text.isprintable()


def source_named(settings: Settings, name: str) -> Source:
    """Return a source by its name. Raises ConfigError, which names those that there are."""
    if name not in settings.sources:
        raise ConfigError(f"{name}: there is no such source; these there are: {', '.join(settings.sources)}")
    return settings.sources[name]


def split_name(settings: Settings, name: str) -> tuple[str, str]:
    """The source and the stream of `source.stream`, or of `source/stream` as it is shown to people. Raises ConfigError
    where there is no such one."""
    known = [f"{source}.{of.name}" for source, account in settings.sources.items() for of in account.built_streams]
    dotted = name.replace("/", ".")  # which is in no name
    if dotted not in known:
        raise ConfigError(f"{name}: there is no such stream; these there are: {', '.join(known)}")
    source, _, stream = dotted.rpartition(".")
    return source, stream
