"""The types that a configuration can name: those that are built in, and those that installed packages bring.

A package brings a type with an entry point of the group `poller.sources` or `poller.outputs`. Its name is the `type`,
its value the configuration class (https://packaging.python.org/en/latest/specifications/entry-points/). It is imported
only where a configuration names the type, so that a package that does not work harms nobody who does not use it. What
is built in stands in the same tables, and is judged by the same rules.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from importlib.metadata import EntryPoint, entry_points
from operator import or_
from typing import Annotated, Any, Generic, TypeVar, get_args

from pydantic import (
    BaseModel,
    Field,
    GetCoreSchemaHandler,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import CoreSchema

import outputs
from outputs import OutputConfig
from outputs.registry import OUTPUTS
from poller import VERSION, plugin
from poller.config.document import Document, Keys, Problem
from poller.config.plugin_conduct import judge_output, judge_source
from poller.plugin.source import Source
from poller.sources.registry import SOURCES

C = TypeVar("C", bound=Source | OutputConfig)

OURS = f"poller {VERSION}"
_AUTHOR = "this is for its author to mend"


class Unusable(Exception):
    """A type cannot be used: the text names the package that brings it, and a remedy."""


@dataclass(frozen=True, slots=True)
class Types(Generic[C]):
    """The types of sources, or of outputs: `interface` is the module that they import, which has an `API`."""

    group: str
    base: type
    interface: str
    api: int
    built_in: Sequence[type[C]]

    def names(self) -> list[str]:
        """Return all types that there are, without importing any package."""
        return sorted({*(type_name(found) for found in self.built_in), *(point.name for point in self._points())})

    def find(self, name: str) -> type[C]:
        """Return the configuration class of a type that there is. Raises Unusable."""
        points = [point for point in self._points() if point.name == name]
        ours = [found for found in self.built_in if type_name(found) == name]
        if len(ours) + len(points) > 1:
            packages = [*([OURS] if ours else []), *map(package_of, points)]
            removable = " or ".join(_without_version(package_of(point)) for point in points)
            text = f"the packages {' and '.join(packages)} all bring the type '{name}'"
            raise Unusable(f"{text}: uninstall {removable}, or install a version that calls its own otherwise")
        return ours[0] if ours else self._load(points[0])

    def find_each(self, names: Collection[str]) -> Mapping[str, type[C] | Unusable]:
        """Return the configuration classes of these types, or why one cannot be used."""
        there = self.names()
        return {name: self._found(name, there) for name in names}

    def _found(self, name: str, there: Collection[str]) -> type[C] | Unusable:
        try:
            return self.find(name) if name in there else Unusable(f"unknown type '{name}'; known: {', '.join(there)}")
        except Unusable as error:
            return error

    def package(self, name: str) -> str:
        """Return the package, and its version, that brings a type."""
        return next((package_of(point) for point in self._points() if point.name == name), OURS)

    def _points(self) -> Sequence[EntryPoint]:
        return tuple(entry_points(group=self.group))

    def _load(self, point: EntryPoint) -> type[C]:
        package = package_of(point)
        where = f"{point.value} of the package {package}"
        try:
            found = point.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001  whatever a package does when it is imported
            remedy = f"install {_without_version(package)} anew with what it needs, in a version for {self._version()}"
            raise Unusable(f"{where} cannot be imported: {_told(error)}: {remedy}") from None
        if not isinstance(found, type) or not issubclass(found, self.base):
            raise Unusable(f"{where} is no subclass of {self.interface}.{self.base.__name__}: {_AUTHOR}")
        chosen: type[C] = found  # type: ignore[assignment]  # `base` says so, which mypy would have concrete
        if problem := self._objection(point.name, chosen):
            raise Unusable(f"{where} {problem}")
        return chosen

    def _objection(self, name: str, found: type[C]) -> str | None:
        """Return what keeps this from being the configuration class of a type, and a remedy."""
        if type(found.API) is not int:
            return f"says `API = {found.API!r}`, which is no whole number: {_AUTHOR}"
        if self.api != found.API:
            remedy = "an older version of it, or a newer poller" if self.api < found.API else "a newer version of it"
            return f"is made for version {found.API} of {self.interface}, this is {self._version()}: install {remedy}"
        if missing := sorted(found.__abstractmethods__):
            return f"lacks {', '.join(missing)}: {_AUTHOR}"
        if type_name(found) != name:
            return f"says another `type` than '{name}': {_AUTHOR}"
        try:
            found.model_json_schema()
        except Exception as error:  # noqa: BLE001  whatever a package's own types do
            return f"has no JSON Schema: {_told(error)}: {_AUTHOR}"
        return None

    def _version(self) -> str:
        return f"version {self.api} of {self.interface}"


SOURCE_TYPES = Types("poller.sources", Source, "poller.plugin", plugin.API, SOURCES)
OUTPUT_TYPES = Types("poller.outputs", OutputConfig, "outputs", outputs.API, OUTPUTS)
_PARTS: Mapping[str, Types[Any]] = {"sources": SOURCE_TYPES, "outputs": OUTPUT_TYPES}


@dataclass(frozen=True, slots=True)
class Named:
    """The classes that a configuration names beside those built in; `problems` by the place that nobody can judge."""

    sources: tuple[type[Source], ...] = ()
    outputs: tuple[type[OutputConfig], ...] = ()
    problems: Mapping[Keys, Problem] = field(default_factory=dict)


BUILT_IN = Named()


def find_named(document: Document) -> Named:
    """Import what the document names. What cannot be used is among the problems."""
    problems: dict[Keys, Problem] = {}
    found: dict[str, list[type[Any]]] = {}
    for part, types in _PARTS.items():
        named = list(_types_in(document, part))
        known = types.find_each({name for _, name in named})
        for keys, name in named:
            if isinstance(error := known[name], Unusable):
                problems[keys[:-1]] = document.problem(keys, document.placeholders.hide(str(error)))
        found[part] = _brought(types, known.values())
    return Named(tuple(found["sources"]), tuple(found["outputs"]), problems)


def find_installed() -> tuple[Named, list[str]]:
    """Import all that is installed; return it, and what is wrong with the rest, in words."""
    known = {part: types.find_each(types.names()).values() for part, types in _PARTS.items()}
    problems = [str(error) for each in known.values() for error in each if isinstance(error, Unusable)]
    sources, written_to = (tuple(_brought(types, known[part])) for part, types in _PARTS.items())
    return Named(sources, written_to), problems


def _brought(types: Types[Any], known: Iterable[type[Any] | Unusable]) -> list[type[Any]]:
    return [one for one in known if not isinstance(one, Unusable) and one not in types.built_in]


def _types_in(document: Document, part: str) -> Iterator[tuple[Keys, str]]:
    whole = document.value
    entries = whole.get(part) if isinstance(whole, dict) else None
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        keys = (part, name, "type")
        if isinstance(entry, dict) and isinstance(word := entry.get("type"), str) and keys not in document.unread:
            yield keys, word


@dataclass(frozen=True, slots=True)
class OneOf:
    """Validates a mapping as one of these classes: the one whose `type` it names."""

    built_in: tuple[type[BaseModel], ...]
    brought: tuple[type[BaseModel], ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices: Any = reduce(or_, [*self.built_in, *map(_guarded, self.brought)])
        return handler.generate_schema(Annotated[choices, Field(discriminator="type")])


def _guarded(found: type[BaseModel]) -> Any:
    """Let a bug of another package be a mistake at its own place of the file."""
    return Annotated[found, WrapValidator(_validate)]


def _validate(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        found = validate(value)
        problem = judge_source(found) if isinstance(found, Source) else judge_output(found)
    except ValueError:
        raise
    except Exception as error:  # noqa: BLE001  whatever another package's code does
        raise ValueError(f"the package that brings this type failed: {_told(error)}: {_AUTHOR}") from None
    if problem:
        raise ValueError(f"the package that brings this type {problem}: {_AUTHOR}")
    return found


def type_name(found: type[BaseModel]) -> str:
    """Return the word behind `type` that a configuration class takes; "" where it takes no single one."""
    words = get_args(found.model_fields["type"].annotation)
    return str(words[0]) if len(words) == 1 else ""


def package_of(point: EntryPoint) -> str:
    """Return the package, and its version, that an entry point comes from."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else "of an unknown name"


def _without_version(package: str) -> str:
    return package.partition(" ")[0]


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
