"""Records that nobody asked for: they come because a list reaches further than its window, or begins anew."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from poller.events.batch import PageContext
from poller.plugin.stream import Page, Window
from tests.support.toy import NOON, Reader, record

DAY = timedelta(days=1)
OLD = record("old", at=NOON - 9 * DAY, changed=NOON - 8 * DAY, text="a")


def test_an_unseen_record_wholly_before_the_time_is_left_alone_and_not_even_noted() -> None:
    reader = Reader()
    assert reader.read(OLD, left_alone_before=NOON - DAY) == []
    assert reader.batch.counts.duplicates == 1
    (event,) = reader.read(OLD)
    assert (event["type"], event["revision"]) == ("lead.created", 1)


@pytest.mark.parametrize(
    "asked_for",
    [
        record("new", at=NOON),
        record("edited", at=NOON - 9 * DAY, changed=NOON),
        record("born at that time", at=NOON - DAY),
    ],
)
def test_what_lies_in_part_after_it_is_news(asked_for: bytes) -> None:
    (event,) = Reader().read(asked_for, left_alone_before=NOON - DAY)
    assert event["type"] == "lead.created"


def test_a_record_that_was_seen_is_news_once_it_changes() -> None:
    reader = Reader()
    reader.read(OLD)
    changed = record("old", at=NOON - 9 * DAY, changed=NOON - 7 * DAY, text="b")
    (event,) = reader.read(changed, left_alone_before=NOON - DAY)
    assert (event["type"], event["revision"]) == ("lead.updated", 2)


@pytest.mark.parametrize("names_rows", [True, False])
def test_history_brings_what_was_noted_in_silence_though_its_bytes_are_equal(names_rows: bool) -> None:
    reader = Reader(names_rows=names_rows)
    assert reader.read(OLD, baseline=NOON) == []
    assert reader.read(OLD) == []
    assert reader.read(OLD, history=Window(NOON - DAY, NOON)) == []
    assert reader.batch.counts.duplicates == 1
    (event,) = reader.read(OLD, history=Window(NOON - 10 * DAY, NOON))
    assert event["type"] == "lead.created"
    assert reader.batch.counts.lateness == [], "who orders history has not waited for it"
    assert reader.read(OLD, history=Window(NOON - 10 * DAY, NOON)) == []


def test_what_was_noted_in_silence_stays_so_however_often_it_is_shown() -> None:
    reader = Reader()
    reader.read(OLD, baseline=NOON)
    assert reader.read(record("old", at=NOON - 9 * DAY, changed=NOON - 7 * DAY, text="a")) == []
    (event,) = reader.read(OLD, history=Window(NOON - 10 * DAY, NOON))
    assert event["type"] == "lead.created"


def test_history_brings_records_that_have_no_time_of_their_own() -> None:
    reader = Reader()
    reader.stream = replace(reader.stream, records=replace(reader.stream.records, time=lambda _: None))
    (event,) = reader.read(OLD, history=Window(NOON - 10 * DAY, NOON - 5 * DAY))
    assert event["type"] == "lead.created"
    assert reader.read(OLD, history=Window(NOON - 10 * DAY, NOON - 5 * DAY)) == []


@pytest.mark.parametrize("names_rows", [True, False])
def test_a_page_names_what_it_held(names_rows: bool) -> None:
    reader = Reader(names_rows=names_rows)
    reader.read(OLD, names=True)
    new, unreadable = record("new"), b'{"id":"late","at":"soon"}'
    reader.read(OLD, new, unreadable, names=True)
    assert reader.batch.identities == {"old", "new", "late"}


CONTEXT = PageContext(NOON, baseline=NOON - 3 * DAY)


@pytest.mark.parametrize(
    ("page", "start", "expected"),
    [
        (Page(()), NOON - DAY, CONTEXT),
        (Page((), asked_from=NOON), NOON - DAY, replace(CONTEXT, left_alone_before=NOON - DAY)),
        (Page((), asked_from=NOON - 2 * DAY), NOON - DAY, replace(CONTEXT, left_alone_before=NOON - 2 * DAY)),
        (Page((), asked_from=NOON), None, CONTEXT),
        (Page((), begins_anew=True), NOON - DAY, replace(CONTEXT, baseline=NOON - DAY)),
        (Page((), begins_anew=True), None, replace(CONTEXT, baseline=None)),
    ],
)
def test_a_page_says_what_of_it_nobody_asked_for(page: Page, start: datetime | None, expected: PageContext) -> None:
    assert CONTEXT.of_page(page, start, looks=True) == expected
    assert CONTEXT.of_page(page, start, looks=False) == replace(expected, looks=False)
