"""Whatever a file holds, it is a configuration or a ConfigError."""

import copy
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from poller.config.settings import load
from poller.errors import ConfigError

GOOD = yaml.safe_load("""
sources:
  a: {type: callcap, api_key: "${KEY}", keep: 30d, streams: {calls: {sweeps: {recent: {every: 1s, lookback: 1m}}}}}
  b: {type: flextell, tenant: 42, access_token: x, drop: [data.raw], streams: {leads: {sweeps: {full: {every: 1s}}}}}
outputs: {c: {type: stdout}, d: {type: file, path: "x/{date}", rotate: {size: 1MB, age: 1h}, compression: zstd}}
state: {type: sqlite, path: x}
server: {host: x, port: 1}
""")
MARKS = ["\n", " ", "  ", "- ", ": ", "? ", "{", "}", "[", "]", ",", "&a ", "*a", "!", "!!int ", "|", ">", "'", '"',
         "%", "<<", "#", "---", "\t",
         "\\", "\\U", "a", "b:", "1", "~", "${", "${KEY}", "${file:/}", "sources", "\ufeff",
         "\x85", "\u2028", "\0", "type: callcap"]  # fmt: skip
SCALARS = st.sampled_from(["", "~", "NO", "1", "callcap", "${KEY}", "${", "${NOPE}", "kafka", "\ud800x"]) | st.text()
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(SCALARS, inner),
    max_leaves=5,
)


@contextmanager
def file(data: bytes) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile() as made:
        made.write(data)
        made.flush()
        yield Path(made.name)


def fate(data: bytes) -> str:
    with file(data) as path:
        try:
            load(path, {"KEY": "value"})
        except ConfigError as error:
            problems = error.problems
        else:
            return "taken"
    assert problems
    assert all(one.startswith(f"{path}:") and len(one.splitlines()) == 1 for one in problems)
    return "refused"


@settings(deadline=None)
@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    assert fate(data) == "refused"


@settings(deadline=None)
@given(st.lists(st.sampled_from(MARKS) | st.text(), max_size=30).map("".join))
@example("a: &a\n  <<: *a\n")
@example("? [a]\n: b")
@example("a: !!float 1\nb: !!null x\nc: !!merge x\nd: !!bool yes")
def test_any_text(text: str) -> None:
    assert fate(text.encode(errors="surrogatepass")) == "refused"


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every key and list position, with what holds it."""
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield value, key
        yield from places(child)


@settings(deadline=None)
@given(st.randoms(use_true_random=False), ODD, SCALARS, st.integers(1, 3))
def test_a_good_configuration_with_something_odd_in_it(chance: random.Random, odd: Any, key: str, changes: int) -> None:
    changed = copy.deepcopy(GOOD)
    for _ in range(changes):
        holder, place = chance.choice([*places(changed)] or [(changed, "sources")])
        match chance.choice(["change", "add", "leave out"]):
            case "change":
                holder[place] = copy.deepcopy(odd)
            case "add" if isinstance(holder, dict):
                holder[key] = copy.deepcopy(odd)
            case _:
                del holder[place]
    fate(yaml.safe_dump(changed, allow_unicode=False).encode())


def test_what_is_changed_there_was_good() -> None:
    assert fate(yaml.safe_dump(GOOD).encode()) == "taken"
