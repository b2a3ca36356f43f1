"""One field of all rows of a page: the same as of each row by itself, whatever the rows are."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from poller.plugin import FilterCheck, Unexpected, column_of, identity_of, is_between, read_time
from poller.plugin.fields.columns import PageRows, identities
from poller.plugin.fields.times import earliest_and_latest

START = datetime(2026, 3, 14, 9, tzinfo=UTC)
END = START + timedelta(hours=1)
CLOCKS = st.integers(-90, 150).map(lambda minutes: START + timedelta(minutes=minutes))
FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.000Z",
    "%Y-%m-%dT%H:%M:%S+0200",
)
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, 5, "", "soon", {"at": 1}, [], "0000-00-00 00:00:00", "2026-99-99 99:99:99"]
)
ROWS = st.lists(
    st.one_of(
        st.builds(lambda name, at: {"id": name, "data": {"id": name}, "at": at}, st.text() | st.integers(), ODD),
        st.sampled_from([None, 5, "text", [1], {}, {"data": 5}, {"id": "5.0", "data": {"id": " "}}]),
    )
)


def raw(row: object) -> Raw:
    return Raw(msgspec.json.encode(row))


@settings(deadline=None)
@given(ROWS, st.sampled_from(["id", "data.id"]))
def test_the_identities_of_a_page_are_those_of_its_rows(rows: list[Any], path: str) -> None:
    sent, identity = [raw(row) for row in rows], identity_of(path)
    assert identities(identity, sent) == [identity(row) for row in sent]


def test_a_function_of_a_packages_own_names_rows_one_by_one() -> None:
    sent, identity = [raw({"id": "a"}), raw({"id": 5}), raw([])], identity_of("id")
    assert identities(partial(identity), sent) == ["a", "5", None]


@pytest.mark.parametrize("odd", ["NF", "", " ", "\u2003", "5.0", "5.", "a.b", "-0.00", 5, 5.0, None, True, [1]])
def test_one_odd_identity_among_plain_ones_is_read_as_it_is_by_itself(odd: Any) -> None:
    sent, identity = [raw({"id": name}) for name in ("a", odd, "b")], identity_of("id")
    assert identities(identity, sent) == ["a", identity(sent[1]), "b"]


def test_columns_that_stand_beside_each_other_are_decoded_together() -> None:
    paths = ("id", "data.id", "data.at", "at")
    rows = PageRows([raw({"id": number, "at": "then", "data": {"id": -number, "at": 5}}) for number in range(3)])
    columns = [column_of(path, str, *paths) for path in paths]
    assert [column.leaves(rows) for column in columns] == [[0, 1, 2], [0, -1, -2], [5] * 3, ["then"] * 3]
    assert len(rows.decoded) == 1


@pytest.mark.parametrize("twice", [PageRows, list])
def test_rows_that_cannot_be_decoded_together_cannot_either_the_next_time(twice: Any) -> None:
    rows = twice([Raw(b'{"id":1}\n{"id":2}')])
    for _ in range(2):
        assert identities(identity_of("id"), rows) == [None]


def test_rows_that_are_not_one_value_each_are_named_by_themselves() -> None:
    sent = [b'{"id":1},{"id":2}', b'{"id":3}']
    assert identities(identity_of("id"), sent) == [None, "3"]


@settings(deadline=None)
@given(st.lists(st.builds(datetime.strftime, CLOCKS, st.sampled_from(FORMS)) | ODD))
def test_a_page_is_judged_as_its_rows_are(leaves: list[Any]) -> None:
    sent = [raw({"at": leaf}) for leaf in leaves]
    assert_judged_alike(sent)


@settings(deadline=None)
@given(st.lists(CLOCKS, min_size=1), st.sampled_from(FORMS))
def test_a_page_whose_times_are_spelt_alike_is_judged_as_its_rows_are(times: list[datetime], form: str) -> None:
    assert_judged_alike([raw({"at": at.strftime(form)}) for at in times])


def assert_judged_alike(sent: list[Raw]) -> None:
    """What is doubtful, and what is refused, is the same of all rows at once and of each by itself."""
    time_of = column_of("at", lambda leaf: read_time(leaf, ZoneInfo("Etc/UTC")))
    found = []
    for judge in (is_between(time_of), is_between(time_of.__call__)):
        try:
            found.append(FilterCheck(judge, "then").doubt(sent, START, END))
        except Unexpected as error:
            found.append(str(error))
    assert found[0] == found[1]


def test_one_outside_of_many_makes_a_doubt() -> None:
    time_of = column_of("at", read_time)
    inside, outside = ((START + timedelta(minutes=minutes)).isoformat()[:19] + "Z" for minutes in (5, 61))
    check = FilterCheck(is_between(time_of), "then")
    assert check.doubt([raw({"at": inside})] * 5, START, END) is None
    assert check.doubt([*[raw({"at": inside})] * 5, raw({"at": outside}), raw({"at": inside})], START, END)


@pytest.mark.parametrize("form", FORMS[:4])
def test_times_that_are_spelt_alike_sort_as_texts(form: str) -> None:
    times = [START + timedelta(minutes=minutes) for minutes in (5, 700, -3, 40_000)]
    assert earliest_and_latest([at.strftime(form) for at in times]) == (
        times[2].strftime(form),
        times[3].strftime(form),
    )


@pytest.mark.parametrize(
    "leaves",
    [
        [],
        [5],
        [None],
        ["2026-03-14T09:15:42+0200"] * 2,
        ["2026-03-14 09:15:42", "2026-03-14T09:15:42"],
        ["2026-03-14T09:15:42Z", "2026-03-14T09:15:42.1Z"],
        ["2026-03-14 09:15:42", "2026-03-14 09:15"],
        ["2026-03-14 09:15:4²"],
        ["2026-03-14 09:15:42,2026-03-14 09:15:42"],
    ],
)
def test_times_that_are_spelt_in_several_ways_do_not(leaves: list[Any]) -> None:
    assert earliest_and_latest(leaves) is None
