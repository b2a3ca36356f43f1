"""What a mask makes of texts, numbers and addresses: other ones of the same shape, and the same ones each time.

Killed: a text that stands for itself; two that become one; an alphabet that what stands for a letter does not have; a
key that is always the same; an escape, or a spelling of a number, that gets lost.
"""

import json
import re
import unicodedata
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.recording.file import Exchange
from poller.recording.json_text import JsonText
from poller.recording.masking import Mask
from poller.recording.permutation import Permutation
from poller.recording.shapes import Shapes

KEY = b"a key that tests know, and others do not"
SHAPES = Shapes(KEY)
TEXTS = st.text(max_size=40) | st.from_regex(
    r"\+?[0-9 ()-]{1,20}|[0-9a-f-]{8,40}|-?[0-9]{1,9}(\.[0-9]{1,6})?", fullmatch=True
)


def kinds(text: str) -> list[str]:
    """The kind of each character; what is neither letter nor digit is its own."""
    return [kind if (kind := unicodedata.category(sign)) in {"Ll", "Lu", "Lo", "Lt", "Nd"} else sign for sign in text]


@given(TEXTS)
@settings(deadline=None, max_examples=40)
def test_a_text_has_another_one_of_its_shape_and_the_same_one_each_time(text: str) -> None:
    image = SHAPES.text(text)
    assert kinds(image) == kinds(text)
    assert Shapes(KEY).text(text) == image
    assert SHAPES.text(image) != image or image == text


@given(st.lists(TEXTS, unique=True, max_size=30))
@settings(deadline=None, max_examples=40)
def test_no_two_texts_become_one(texts: list[str]) -> None:
    assert len({SHAPES.text(text) for text in texts}) == len(texts)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3), st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_spellings_of_one_number_stay_spellings_of_one(number: Any, zeros: int) -> None:
    text = f"{number:f}"
    assert float(SHAPES.text(text)) == float(SHAPES.text(text + "0" * zeros))
    assert (float(SHAPES.text(text)) == 0) == (float(text) == 0)


def test_no_two_numbers_become_one_by_a_zero_at_the_end() -> None:
    numbers = [f"{number / 10}" for number in range(20, 1000)]
    assert len({float(SHAPES.text(number)) for number in numbers}) == len(numbers)


@pytest.mark.parametrize("bound", [1, 2, 3, 7, 10, 90, 1000])
def test_a_permutation_moves_every_number_to_a_place_of_its_own(bound: int) -> None:
    images = [Permutation(KEY).image(number, bound, b"") for number in range(bound)]
    assert sorted(images) == list(range(bound))
    assert bound == 1 or not [number for number, image in enumerate(images) if number == image]


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("+1 (617) 555-0123", r"\+1 \([2-9]1[2-9]\) [2-9]{3}-01[2-9]{2}"),
        ("+442079460958", r"\+44\d{10}"),
        ("617-555-0123", r"[2-9]1[2-9]-[2-9]{3}-01[2-9]{2}"),
        ("Joe.O'Neil@example.com", r"[A-Z][a-z]{2}\.[A-Z]'[A-Z][a-z]{3}@[a-z]{7}\.[a-z]{3}"),
        ("1b4e28ba-2fa1-11d2-883f-0016d3cca427", r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        ("12 Elm St, Boston MA 02134", r"\d\d [A-Z][a-z]{2} [A-Z][a-z], [A-Z][a-z]{5} [A-Z]{2} \d{5}"),
    ],
)
def test_shapes(text: str, like: str) -> None:
    image = SHAPES.text(text)
    assert re.fullmatch(like, image)
    assert image != text


def test_nobody_can_tell_the_key() -> None:
    masked = {Mask().exchange(answer('[{"name": "Joe Miller of Ohio"}]')).body for _ in range(3)}
    assert len(masked) == 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON.map(json.dumps) | JSON.map(lambda value: json.dumps(value, ensure_ascii=False, indent=1)) | st.text())
@settings(deadline=None, max_examples=40)
def test_what_is_not_replaced_stays_as_it_was(text: str) -> None:
    same = JsonText(lambda _, found: found, lambda name: name).replaced(text)
    try:
        assert json.loads(same) == json.loads(text)
    except ValueError:
        assert re.sub(r'"[^"]*"?', "", same.replace('\\"', "")) == re.sub(r'"[^"]*"?', "", text.replace('\\"', ""))


def answer(body: str, path: str = "/leads", query: str = "", **headers: str) -> Exchange:
    return Exchange(0.0, "GET", path, query, 200, headers=headers, body=body)


def test_spelling_stays() -> None:
    body = '{ "a" : [ {"note":"caf\\u00e9 \\/ \\"x\\"", "n": 12.50, "e": -3.4E+10,\n "ok":true, "none":null} ] '
    masked = Mask(key=KEY).exchange(answer(body)).body
    assert re.fullmatch(
        r'\{ "a" : \[ \{"note":"[a-z]{3}\\u00[ef][0-9a-f] \\/ \\"[a-z]\\"", "n": \d\d\.\d0, "e": -\d\.\dE\+10,\n'
        r' "ok":true, "none":null\} \] ',
        masked,
    )


def test_what_a_list_is_paged_by_and_what_programs_decide_by_stay() -> None:
    mask = Mask(["Won"], key=KEY)
    mask.exchange(answer("{}", query="page=3&sort_by=created_at&zone=US%2FArizona"))
    body: dict[str, Any] = {
        "total": 245, "page": 3, "status": "success", "zone": "US/Arizona", "echo": {"sort_by": "created_at"},
        "leads": [{"id": 4711, "status": "in progress", "created_at": "2026-03-14T09:15:42.120-05:00", "stage": "Won",
                   "updated": 1773480000, "name": "created_at", "amount": 3, "state": "MA", "born": "1980-05-04"}],
    }  # fmt: skip
    found = json.loads(mask.exchange(answer(json.dumps(body))).body)
    [lead], [was] = found.pop("leads"), body.pop("leads")
    assert found == body
    kept = {name for name in lead if lead[name] == was[name]}
    assert kept == {"status", "created_at", "stage", "updated"}


def test_an_id_and_a_cursor_are_the_same_in_later_requests() -> None:
    mask = Mask(key=KEY)
    body = {
        "next": "https://api.example.com/v1/leads?cursor=aB%2Bc%3D&page=2#x",
        "leads": [{"id": 90210247, "ref": "a b"}],
    }
    first = json.loads(mask.exchange(answer(json.dumps(body), "/v1/leads")).body)
    lead = first["leads"][0]
    assert re.fullmatch(
        r"https://[a-z]{3}\.[a-z]{7}\.[a-z]{3}/v1/leads\?cursor=[a-z][A-Z]%2B[a-z]%3D&page=2#[a-z]", first["next"]
    )
    assert "example" not in first["next"]
    one = mask.exchange(answer("{}", "/v1/leads/90210247/id", "ref=a+b&page=2&after=90210247"))
    assert one.path == f"/v1/leads/{lead['id']}/id"
    assert parse_qsl(one.query) == [("ref", lead["ref"]), ("page", "2"), ("after", f"{lead['id']}")]
    cursor = first["next"].partition("cursor=")[2].partition("&")[0]
    assert mask.exchange(answer("{}", "/v1/leads", "cursor=aB%2Bc%3D")).query == f"cursor={cursor}"
    searched = Exchange(0.0, "POST", "/v1/leads", "", 200, sent='{"after": 90210247, "limit": 50}')
    assert mask.exchange(searched).sent == f'{{"after": {lead["id"]}, "limit": 50}}'


def test_headers_and_bodies_that_are_no_json() -> None:
    mask = Mask(key=KEY)
    link = '<https://api.example.com/leads?after=Zx81>; rel="next"'
    found = mask.exchange(
        answer(
            "<p>Joe Miller</p>",
            **{"date": "Sat, 14 Mar 2026 09:15:42 GMT", "link": link, "x-request-for": "Joe Miller"},
        )
    )
    assert re.fullmatch(r"<[a-z]>[A-Z][a-z]{2} [A-Z][a-z]{5}</[a-z]>", found.body)
    assert "Joe" not in found.body + found.headers["x-request-for"]
    assert found.headers["date"] == "Sat, 14 Mar 2026 09:15:42 GMT"
    assert re.fullmatch(r'<https://[a-z.]{15}/[a-z]{5}\?after=[A-Z][a-z]\d\d>; rel="next"', found.headers["link"])
    latin = Exchange(0.0, "GET", "/leads", "", 200, body_base64="eyJhIjogIkrpcvRtZSJ9")  # {"a": "Jérôme"} in Latin-1
    assert re.fullmatch(rb'\{"a": "[A-Z]\xe9[a-z]\xf4[a-z]{2}"\}', mask.exchange(latin).content)
