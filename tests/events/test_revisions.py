"""What is news: the rules of revisions, one at a time, over a small vendor.

Killed: news by identity alone, or by raw bytes; a stamp that makes a revision; a stamp not adopted; a stale revision
delivered, or dropped for ever; equal stamps taken as stale; baseline by one of its two times; a doubt that is silent,
or that is told twice; a projection compared with another one; the second showing on a page compared with the state.
"""

import dataclasses
import json
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from poller.events.batch import Batch
from poller.events.cloudevent import StreamInfo
from poller.events.digest import digest_of_spelling
from poller.events.seen import BASELINE, DELETED, UNSTAMPED, Entry, Seen, key_of
from poller.plugin.fields.documented import TypedDecoder
from poller.plugin.fields.structs import struct_of
from poller.plugin.kinds import Kind
from poller.polling.progress.deletions import add_deletions
from tests.support.toy import NOON, Reader, parsed, record

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def said(events: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(event["type"].removeprefix("lead."), event["revision"]) for event in events]


# Each row: what the vendor shows, how long after the row before; and what is told.
STORIES: dict[str, list[tuple[timedelta, dict[str, Any], list[tuple[str, int]]]]] = {
    "a life": [
        (MINUTE, {"text": "a"}, [("created", 1)]),
        (MINUTE, {"text": "a"}, []),
        (MINUTE, {"text": "b"}, [("updated", 2)]),
        (MINUTE, {"text": "b", "deleted": True}, [("deleted", 3)]),
        (MINUTE, {"text": "b", "deleted": True}, []),
        (MINUTE, {"text": "c", "deleted": True}, [("deleted", 4)]),
        (MINUTE, {"text": "c"}, [("updated", 5)]),
    ],
    "first seen deleted": [
        (MINUTE, {"deleted": True}, [("deleted", 1)]),
        (MINUTE, {}, [("updated", 2)]),
    ],
    "back to what it was, without stamps": [
        (MINUTE, {"text": "a"}, [("created", 1)]),
        (MINUTE, {"text": "b"}, [("updated", 2)]),
        (MINUTE, {"text": "a"}, [("updated", 3)]),
    ],
    "equal stamps, different content": [
        (MINUTE, {"text": "a", "changed": NOON}, [("created", 1)]),
        (MINUTE, {"text": "b", "changed": NOON}, [("updated", 2)]),
        (MINUTE, {"text": "a", "changed": NOON}, [("updated", 3)]),
    ],
    "a stamp that goes, and comes": [
        (MINUTE, {"text": "a", "changed": NOON}, [("created", 1)]),
        (MINUTE, {"text": "b"}, [("updated", 2)]),
        (MINUTE, {"text": "c", "changed": NOON - HOUR}, [("updated", 3)]),
    ],
    "an unstamped showing of the same does not forget the stamp": [
        (MINUTE, {"text": "a", "changed": NOON}, [("created", 1)]),
        (MINUTE, {"text": "a"}, []),
        (MINUTE, {"text": "b", "changed": NOON - MINUTE}, []),
    ],
    "volatile fields make no revision and hide none": [
        (MINUTE, {"text": "a", "noise": 1}, [("created", 1)]),
        (MINUTE, {"text": "a", "noise": 2}, []),
        (MINUTE, {"text": "b", "noise": 2}, [("updated", 2)]),
        (MINUTE, {"text": "b", "noise": 2}, []),
    ],
    "a new stamp alone is silent, and counts from then on": [
        (MINUTE, {"text": "a", "changed": NOON}, [("created", 1)]),
        (MINUTE, {"text": "a", "changed": NOON + MINUTE}, []),
        (MINUTE, {"text": "stale", "changed": NOON + MINUTE / 2}, []),
        (MINUTE, {"text": "b", "changed": NOON + 2 * MINUTE}, [("updated", 2)]),
    ],
    "an old stamp with equal content does not count": [
        (MINUTE, {"text": "a", "changed": NOON}, [("created", 1)]),
        (MINUTE, {"text": "a", "changed": NOON - HOUR}, []),
        (MINUTE, {"text": "stale", "changed": NOON - MINUTE}, []),
    ],
    "stale within the hour, the truth after it": [
        (MINUTE, {"text": "b", "changed": NOON}, [("created", 1)]),
        (MINUTE, {"text": "a", "changed": NOON - MINUTE}, []),
        (HOUR - MINUTE, {"text": "a", "changed": NOON - MINUTE}, []),
        (MINUTE, {"text": "a", "changed": NOON - MINUTE}, [("updated", 2)]),
        (MINUTE, {"text": "a", "changed": NOON - MINUTE}, []),
    ],
    "an unknown field is nothing": [
        (MINUTE, {"text": "a"}, [("created", 1)]),
        (MINUTE, {"text": "a", "brand_new": 1}, []),
    ],
    "the same values spelled otherwise": [
        (MINUTE, {"text": {"x": 1.5, "y": [2]}}, [("created", 1)]),
        (MINUTE, {"text": {"y": [2], "x": 1.50}}, []),
    ],
}


@pytest.mark.parametrize("story", STORIES)
def test_the_rules_of_revisions(story: str) -> None:
    reader = Reader()
    for number, (wait, fields, expected) in enumerate(STORIES[story]):
        reader.now += wait
        assert said(reader.read(record(**fields))) == expected, f"row {number}"
        assert (
            len(reader.batch.messages) + reader.batch.counts.duplicates + reader.batch.counts.stale
            == reader.batch.counts.records
            == 1
        )


def test_a_stale_revision_is_counted_as_such() -> None:
    reader = Reader()
    reader.read(record(text="b", changed=NOON))
    reader.read(record(text="a", changed=NOON - MINUTE), record("2"))
    assert (reader.batch.counts.stale, reader.batch.counts.duplicates, reader.batch.counts.records) == (1, 0, 2)


def test_what_is_met_twice_on_a_page_is_compared_with_its_first_showing() -> None:
    reader = Reader()
    told = reader.read(
        record(text="a"), record(text="a"), record(text="a", noise=1), record(text="b"), record(text="a")
    )
    assert said(told) == [("created", 1), ("updated", 2), ("updated", 3)]
    assert reader.batch.counts.duplicates == 2
    assert said(reader.read(record(text="a"))) == []
    assert said(reader.read(record(text="b"), record(text="a"))) == [("updated", 4), ("updated", 5)], "it was a before"
    reader = Reader()
    told = reader.read(record(text="b", changed=NOON), record(text="a", changed=NOON - MINUTE))
    assert (said(told), reader.batch.counts.stale) == ([("created", 1)], 1)


def test_a_silent_showing_and_a_change_on_one_page() -> None:
    reader = Reader()
    reader.read(record(text="a", noise=1))
    assert said(reader.read(record(text="a", noise=2), record(text="b"), record(text="b", noise=3))) == [("updated", 2)]
    assert said(reader.read(record(text="b", noise=4), record(text="a", noise=1))) == [("updated", 3)]


@pytest.mark.parametrize(
    ("own", "changed", "silent"),
    [
        (-MINUTE, None, True),
        (-MINUTE, -MINUTE, True),
        (-MINUTE, timedelta(0), False),
        (timedelta(0), -MINUTE, False),
        (timedelta(0), None, False),
        (MINUTE, MINUTE, False),
    ],
)
def test_baseline_is_what_lies_wholly_before_the_start(own: timedelta, changed: timedelta | None, silent: bool) -> None:
    reader = Reader()
    reader.now = NOON + HOUR
    one: dict[str, Any] = {"at": NOON + own, "changed": None if changed is None else NOON + changed}
    assert said(reader.read(record(**one, text="a"), baseline=NOON)) == ([] if silent else [("created", 1)])
    assert not reader.batch.seen.delivered or not silent
    assert said(reader.read(record(**one, text="a"))) == [], "noted, also for the passes after that"
    one["changed"] = NOON + HOUR
    assert said(reader.read(record(**one, text="b"), baseline=NOON)) == [("updated", 2)]


def test_without_a_baseline_an_old_record_is_news() -> None:
    assert said(Reader().read(record(at=NOON - 1000 * HOUR))) == [("created", 1)]


def test_deleted_before_the_start_is_baseline_too() -> None:
    reader = Reader()
    assert reader.read(record(at=NOON - HOUR, deleted=True), baseline=NOON) == []
    (noted,) = reader.batch.seen.entries.values()
    assert noted.flags == BASELINE | DELETED
    assert said(reader.read(record(at=NOON - HOUR))) == [("updated", 2)]


def test_what_is_in_doubt_is_news_whatever_it_says_and_once() -> None:
    reader, doubts = Reader(), {key_of("1"), key_of("2")}
    reader.read(record("1", text="a", changed=NOON))
    first = reader.told[0]["id"]
    again = reader.read(record("1", text="a", changed=NOON), record("1", text="a", changed=NOON), doubts=doubts)
    assert said(again) == [("updated", 2)]
    assert again[0]["id"] != first
    assert reader.batch.seen.delivered == {key_of("1")}
    assert said(reader.read(record("1", text="a", changed=NOON), doubts=doubts - reader.batch.seen.delivered)) == []
    stale = record("1", text="older", changed=NOON - HOUR)
    assert said(reader.read(stale, doubts=doubts)) == [("updated", 3)]
    assert said(reader.read(record("2", at=NOON - HOUR), doubts=doubts, baseline=NOON)) == [("created", 1)]


def test_what_was_kept_too_long_ago_starts_anew() -> None:
    reader = Reader(keep=86_400.0)
    assert said(reader.read(record(text="a"))) == [("created", 1)]
    reader.later(days=1)
    assert said(reader.read(record(text="b"))) == [("updated", 2)]
    reader.later(days=1, seconds=1)
    assert said(reader.read(record(text="b"))) == [("created", 1)]


def test_a_silent_showing_does_not_keep_an_identity_longer() -> None:
    reader = Reader(keep=86_400.0)
    reader.read(record(text="a"))
    reader.later(hours=23)
    assert reader.read(record(text="a", changed=reader.now)) == []
    reader.later(hours=2)
    assert said(reader.read(record(text="a", changed=reader.now))) == [("created", 1)]


def test_a_new_stamp_is_saved_and_new_bytes_alone_are_not() -> None:
    reader = Reader()
    reader.read(record(text="a", changed=NOON))
    assert reader.read(record(text="a", changed=NOON + MINUTE)) == []
    assert (set(reader.batch.seen.entries), set(reader.batch.seen.touched)) == ({key_of("1")}, set())
    assert reader.read(record(text="a", changed=NOON + MINUTE, noise=1)) == []
    assert (set(reader.batch.seen.entries), set(reader.batch.seen.touched)) == (set(), {key_of("1")})


def test_an_upgrade_makes_no_revision_by_itself_and_hides_none() -> None:
    before = Reader(projections=1)
    shown = [record(name, text="a", extra=1, noise=1) for name in "abc"]
    before.read(*shown)
    after = Reader(projections=2)
    after.seen = before.seen
    assert after.read(shown[0], record("b", text="a", extra=2, noise=2)) == [], "the former projection decides once"
    assert set(after.batch.seen.entries) == {key_of("a"), key_of("b")}, (
        "and the new digest is kept, also over a restart"
    )
    assert said(after.read(record("c", text="changed", extra=1))) == [("updated", 2)]
    assert said(after.read(record("b", text="a", extra=3, noise=2))) == [("updated", 2)], "then today's"
    assert after.read(record("a", text="a", extra=1, noise=5)) == []
    assert said(after.read(record("a", text="a", extra=2))) == [("updated", 2)]


def test_a_digest_made_before_fields_had_types_is_one_of_what_was_sent() -> None:
    decoder = TypedDecoder(struct_of("id:identity at:time sum:number changed deleted text noise"))

    def content(record: Any) -> list[Any]:
        return [record.id, record.at, record.sum]

    reader = Reader()
    records = dataclasses.replace(reader.stream.records, decoder=decoder, contents=(content,))
    reader.stream = dataclasses.replace(reader.stream, records=records)
    digest = digest_of_spelling(content(decoder.decode_loosely(record("1", sum="10.50"))))
    first_way, second = 1, int(NOON.timestamp())
    reader.seen.put({key_of("1"): Entry(digest, 0, UNSTAMPED, 1, second, 0, first_way)})
    assert reader.read(record("1", sum="10.50")) == []
    assert said(reader.read(record("1", sum="10.51"))) == [("updated", 2)]


def test_the_id_is_the_same_for_the_same_revision_and_differs_otherwise() -> None:
    one, two = Reader(), Reader()
    shown = [record(text=text) for text in "aba"]
    for each in shown:
        one.read(each)
        two.later(hours=1)
        two.read(each)
    ids = [event["id"] for event in one.told]
    assert ids == [event["id"] for event in two.told]
    assert len(set(ids)) == 3, "revision 1 and 3 have equal content"
    again = Reader()
    again.read(record(text="c"))
    assert again.told[0]["id"] != ids[0], "equal revisions of different content"


def test_the_vanished_is_deleted_and_may_come_back() -> None:
    reader = Reader()
    reader.read(record(text="a"))
    reader.read()
    add_deletions(reader.batch, reader.shape, ["1"], reader.seen, reader.now)
    gone = parsed(reader.batch.messages[0])
    assert (gone["type"], gone["revision"], gone["data"]["raw"]) == ("lead.deleted", 2, None)
    assert {name for name, value in gone["data"].items() if value is not None} == {"id"}
    reader.seen.put(reader.batch.seen.entries)
    assert said(reader.read(record(text="a"))) == [("updated", 3)]


def test_which_time_an_event_has() -> None:
    reader = Reader()
    created = reader.read(record(at=NOON - HOUR, changed=NOON - MINUTE, text="a"))[0]
    updated = reader.read(record(at=NOON - HOUR, changed=NOON, text="b"))[0]
    reader.later(minutes=5)
    deleted = reader.read(record(at=NOON - HOUR, text="b", deleted=True))[0]
    assert created["time"] == "2026-03-14T11:00:00Z"
    assert updated["time"] == "2026-03-14T12:00:00Z"
    assert deleted["time"] == deleted["observedtime"] == "2026-03-14T12:05:00Z"
    assert reader.batch.counts.lateness == []


def test_only_what_a_wider_sweep_finds_after_its_first_pass_is_accounted_to_the_fast_ones() -> None:
    reader = Reader()
    reader.read(record("3", text="a"))
    shown = [record("0", at=NOON - HOUR), record("1", at=NOON - HOUR), record("2"), record("3", text="b")]
    reader.read(*shown, is_audit=True, reached=NOON - MINUTE)
    assert reader.batch.counts.found == {"late": 2, "skipped": 1, "edited": 1}
    assert reader.batch.counts.found_ages == [("late", 3600), ("late", 3600), ("skipped", 0), ("edited", 0)]
    assert reader.batch.counts.lateness == [3600, 3600, 0]
    reader.read(record("4"), reached=NOON)
    assert not reader.batch.counts.found
    reader.read(record("5"), is_audit=True, reached=NOON)
    assert reader.batch.counts.found == {"skipped": 1}, "what is of the very time was not reached yet"


@pytest.mark.parametrize(("by_modified", "found"), [(True, {"late": 1}), (False, {"late": 2, "edited": 1})])
def test_what_live_brings_by_its_stamp_is_not_accounted_to_a_wider_sweep(
    by_modified: bool, found: dict[str, int]
) -> None:
    reader, before, within = Reader(), NOON - HOUR, NOON
    reader.read(record("3", text="a", changed=before))
    shown = [record("1", at=before, changed=within), record("2", at=before, changed=before)]
    shown.append(record("3", text="b", changed=within))
    reader.read(*shown, is_audit=True, reached=NOON - MINUTE, live_by_modified=by_modified)
    assert reader.batch.counts.found == found


def test_events_are_counted_by_type() -> None:
    reader = Reader()
    reader.read(record("1", text="a"), record("2"), record("1", text="b"))
    assert reader.batch.counts.events == {"lead.created": 2, "lead.updated": 1}


def test_what_is_ahead_of_our_clock_is_not_early() -> None:
    reader = Reader()
    reader.read(record(at=NOON + HOUR))
    assert reader.batch.counts.lateness == [0]


def test_a_wider_sweep_that_was_never_complete_accounts_for_nothing() -> None:
    reader = Reader()
    assert said(reader.read(record("1"), is_audit=True)) == [("created", 1)]
    assert not reader.batch.counts.found


def test_a_record_without_a_time_of_its_own_is_of_no_age() -> None:
    reader = Reader()
    records = dataclasses.replace(reader.stream.records, time=lambda _: None)
    reader.stream = dataclasses.replace(reader.stream, records=records)
    reader.read(record("1"), is_audit=True, reached=NOON - MINUTE)
    assert reader.batch.counts.found == {"skipped": 1}
    assert (reader.batch.counts.found_ages, reader.batch.counts.lateness) == ([], [])


def test_new_fields_of_the_vendors_are_noticed() -> None:
    reader = Reader()
    reader.read(record(brand_new=1, text="a"))
    assert reader.batch.counts.drifted == {"brand_new"}


def test_a_vanished_record_of_a_kind_that_a_source_brings_has_its_fields() -> None:
    class Ticket(Kind, frozen=True, kw_only=True):
        KIND: ClassVar = "ticket"
        id: str
        subject: str | None = None

    shape = StreamInfo("acme", "desk", "tickets", "ticket", kinds=(Ticket,))
    batch = Batch()
    add_deletions(batch, shape, ["7"], Seen(None), NOON)
    [message] = batch.messages
    assert json.loads(message.value)["data"] == {"id": "7", "subject": None, "raw": None}
