"""Secrets are taken out of texts, and however many there are, the same of them.

Killed: what is left of one that begins within another; the longer of two that begin alike; what is a part of a word.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.redaction import Redaction

TEXTS = st.text("ab/ ", max_size=40)
OTHERS = [f"{number:04x}-other" for number in range(300)]


@given(st.lists(st.text("ab/ ", min_size=4, max_size=15), max_size=4), TEXTS)
def test_few_are_hidden_as_many_are(secrets: list[str], text: str) -> None:
    assert Redaction(secrets).hide(text) == Redaction([*secrets, *(f"{n:04x}" for n in range(200))]).hide(text)


@pytest.mark.parametrize("others", [[], OTHERS])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abcdefgh and abcdefgh", "*** and ***"),
        ("abcdefgh123456 is longer", "*** is longer"),
        ("fghabcdefgh", "fghabcdefgh"),
        ("xabcdefgh123456", "x***"),
        ("a/long/secret/longer!", "***!"),
        ("a/long/secret/longer/than/this!", "***!"),
        ("longer/than/this,longer/than/this", "***,***"),
        ("abc", "abc"),
        ("", ""),
        ("no%2Fway no/way", "*** ***"),
    ],
)
def test_what_is_hidden(text: str, shown: str, others: list[str]) -> None:
    long = ["a/long/secret", "a/long/secret/longer", "longer/than/this"]
    assert Redaction(["abcdefgh", "abcdefgh123456", "no/way", "abc", *long, *others]).hide(text) == shown
