"""The keys of a state's rows never change: what was written once is read for ever."""

import pytest

from poller.plugin.credentials import Token
from poller.state.rows import (
    ACCOUNT,
    CHECKPOINT,
    CHUNK,
    IN_DOUBT,
    MARK,
    PROOF,
    TOKEN,
    WRITER,
    encode,
    is_of_source,
    is_of_stream,
    source_of,
    stream_of,
)
from tests.support.toy import NOON

KEYS = {
    CHECKPOINT.key("acme/calls"): "c|acme/calls",
    IN_DOUBT.key("acme/calls"): "d|acme/calls",
    TOKEN.key("acme"): "t|acme",
    ACCOUNT.key("acme"): "a|acme",
    MARK.key("files", "events/a|b.jsonl"): "o|files|events/a|b.jsonl",
    PROOF.key("acme"): "p|acme",
    CHUNK.key("acme/calls", "1795255955", "7"): "f|acme/calls|1795255955|7",
    WRITER.key("written"): "v|written",
}


@pytest.mark.parametrize(("made", "stored"), KEYS.items())
def test_a_key_is_what_it_was_in_the_first_version(made: str, stored: str) -> None:
    assert made == stored


def test_a_key_says_what_its_row_is_about() -> None:
    assert [stream_of(key) for key in KEYS if is_of_source(key) and "/" in key] == ["acme/calls"] * 3
    assert {source_of(key) for key in KEYS if is_of_source(key)} == {"acme"}
    assert [key[0] for key in KEYS if is_of_stream(key)] == ["c", "d", "t", "f"]


def test_a_row_is_read_as_what_it_was_written() -> None:
    token = Token("configured", "refresh", "access", NOON)
    rows = {TOKEN.key("acme"): encode(token)}
    assert (TOKEN.read(rows, "acme"), TOKEN.read(rows, "other"), TOKEN.names(rows)) == (token, None, ["acme"])
