"""What the ledger makes of outputs that are away at the start, and of messages that one of them can never take."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import jsonschema
import orjson
import pytest
from structlog.testing import capture_logs

from outputs import Marks, Message, OutputError, Undeliverable, Unreachable
from outputs.stdout import StdoutConfig
from poller.events.cloudevent import EventWriter, Revision, StreamInfo
from poller.events.json_schema import event_schema
from poller.events.rejects import reject
from poller.plugin import kinds
from poller.state.delivery import Delivery, open_output
from poller.telemetry import Telemetry
from tests.state.ledgers import Sink
from tests.support.toy import NOON

SHAPE = StreamInfo("acme", "callcap", "calls", "call")


def call(identity: str, raw: bytes = b"{}") -> Message:
    data = kinds.Call(id=identity, status="answered")
    return EventWriter(SHAPE, NOON).event(data, "created", Revision(identity, 1, 7, NOON), raw)[0]


class Narrow(Sink):
    """Takes nothing longer than `most` bytes."""

    most = 1200

    async def write(self, batch: Sequence[Message]) -> Marks:
        if long := [message for message in batch if len(message.value) > self.most]:
            raise Undeliverable("no room", long)
        return await super().write(batch)


class Away(Sink):
    """Is not there for the first few attempts to open it."""

    absences = 2

    async def __aenter__(self) -> Self:
        if self.absences:
            self.absences -= 1
            raise Unreachable("nobody is at home")
        return await super().__aenter__()


class Faulty(Sink):
    """Has a bug that its next write meets."""

    bug: Exception | None = KeyError("colour")

    async def write(self, batch: Sequence[Message]) -> Marks:
        bug, self.bug = self.bug, None
        if bug:
            raise bug
        return await super().write(batch)


async def test_a_bug_of_an_output_is_told_and_the_batch_written_again() -> None:
    faulty, telemetry = Faulty("faulty"), Telemetry()
    with capture_logs() as logs:
        async with Delivery({"faulty": faulty}, telemetry) as delivery:
            await delivery.deliver([call("1")])
    assert faulty.held == [call("1").value]
    told = [(line["event"], line["output"], line.get("error")) for line in logs]
    assert told == [("output.failed", "faulty", "a bug: KeyError: 'colour'"), ("output.recovered", "faulty", None)]
    assert [(output.name, output.up) for output in telemetry.output_statuses()] == [("faulty", True)]


@pytest.mark.parametrize("marks", [{"calls": "12"}, {7: b"12"}, {"calls": 12}, None, "calls"])
@pytest.mark.parametrize("method", ["announce", "write"])
async def test_marks_that_nobody_could_read_again_are_a_bug_and_reach_no_state(
    marks: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda _: 0.0)
    lies = [marks]

    class Lying(Sink):
        def announce(self, batch: Sequence[Message]) -> Marks:
            return lies.pop() if lies and method == "announce" else {"calls": b"1"}

        async def write(self, batch: Sequence[Message]) -> Marks:
            return lies.pop() if lies and method == "write" else {"calls": b"2"}

    saved: list[Mapping[str, Marks]] = []

    async def save(announced: Mapping[str, Marks]) -> None:
        saved.append(announced)

    with capture_logs() as logs:
        async with Delivery({"lying": Lying("lying")}, Telemetry()) as delivery:
            done = await delivery.deliver([call("1")], save)
    [told] = [line["error"] for line in logs if line["event"] == "output.failed"]
    assert told.startswith("a bug: ")
    assert [*saved, done] == [{"lying": {"calls": b"1"}}, {"lying": {"calls": b"2"}}]


async def test_an_output_that_takes_not_even_the_reject_is_one_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda _: 0.0)

    class Tight(Narrow):
        most = 10

        async def write(self, batch: Sequence[Message]) -> Marks:
            self.attempts += 1
            self.most = 10_000 if self.attempts > 4 else 10
            return await super().write(batch)

    tight = Tight("tight")
    with capture_logs() as logs:
        async with Delivery({"tight": tight}, Telemetry()) as delivery:
            await delivery.deliver([call("1")])
    told = [line["error"] for line in logs if line["event"] == "output.failed"]
    assert told == ["it takes neither a record nor the reject in its place: no room"] * 2
    assert tight.held == [call("1").value], "once it takes the record, it gets the record"


async def test_a_message_that_was_not_in_the_batch_cannot_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda _: 0.0)

    class Confused(Sink):
        async def write(self, batch: Sequence[Message]) -> Marks:
            self.attempts += 1
            if self.attempts == 1:
                raise Undeliverable("no room", [call("another")])
            return await super().write(batch)

    confused = Confused("confused")
    async with Delivery({"confused": confused}, Telemetry()) as delivery:
        await delivery.deliver([call("1")])
    assert confused.held == [call("1").value]


@pytest.mark.parametrize("error", [KeyError("colour"), OutputError("a mark is none of its own")])
def test_an_output_that_cannot_be_made_is_told_by_its_name(error: Exception) -> None:
    class Broken(StdoutConfig):
        def open(self, *_: Any) -> Any:
            raise error

    with pytest.raises(OutputError, match=r"^outputs\.broken: (a bug: KeyError: 'colour'|a mark is none of its own)$"):
        open_output("broken", Broken(type="stdout"), {})


@pytest.mark.parametrize(
    ("message", "size"),
    [
        (call("1", b'{"a":"%b"}' % (b"x" * 2000)), 2008),
        (reject(SHAPE, identity=None, reason="odd", digest=7, observed=NOON, raw=b'"%b"' % (b"x" * 2000)), 2002),
    ],
    ids=["event", "reject"],
)
async def test_what_an_output_can_never_take_is_there_as_a_reject_and_the_rest_as_it_is(
    message: Message, size: int
) -> None:
    narrow, wide = Narrow("narrow"), Sink("wide")
    batch = [call("before"), message, call("after")]
    with capture_logs() as logs:
        async with Delivery({"narrow": narrow, "wide": wide}, Telemetry()) as delivery:
            await delivery.deliver(batch)
    told = [(line["event"], line["output"], line["messages"], line["reason"]) for line in logs]
    assert told == [("message.rejected", "narrow", 1, "no room")]
    assert wide.held == [message.value for message in batch]
    assert [narrow.held[0], narrow.held[2]] == [batch[0].value, batch[2].value]
    line: dict[str, Any] = orjson.loads(narrow.held[1])
    assert line["data"] == {"reason": "no room", "record": None, "stream": "calls", "size": size}
    assert (line["type"], line["id"]) == ("record.rejected", "calls/reject/0000000000000007")
    assert line.get("subject") == orjson.loads(message.value).get("subject")
    assert line["partitionkey"] == message.key
    jsonschema.Draft202012Validator(event_schema()).validate(line)


async def test_a_name_that_is_too_long_itself_is_left_out() -> None:
    narrow = Narrow("narrow")
    async with Delivery({"narrow": narrow}, Telemetry()) as delivery:
        await delivery.deliver([call("9" * 5000)])
    line = orjson.loads(narrow.held[0])
    assert ("subject" in line, line["partitionkey"]) == (False, "acme/calls")


async def test_what_is_away_at_the_start_is_down_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda _: 0.0)
    away, there, telemetry = Away("away"), Sink("there"), Telemetry()
    async with Delivery({"away": away, "there": there}, telemetry) as delivery:
        assert [(output.name, output.up) for output in telemetry.output_statuses()] == [
            ("away", False),
            ("there", True),
        ]
        await delivery.arrive()
        assert all(output.up for output in telemetry.output_statuses())
        await delivery.deliver([call("1")])
    assert away.held == there.held != []
    assert (away.left, there.left) == (1, 1)


async def test_what_is_noticed_is_told_once_also_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda _: 0.0)

    class Noticing(Sink):
        def announce(self, batch: Sequence[Message]) -> Marks:
            if len(self.notices) == 1:
                self.notices = [*self.notices, "calls.jsonl is gone: it is begun anew"]
                raise OutputError("and another one is in the way")
            return super().announce(batch)

    output = Noticing("files")
    output.notices = ["there was a torn line"]
    with capture_logs() as lines:
        async with Delivery({"files": output}, Telemetry()) as delivery:
            for name in ("1", "2"):
                await delivery.announce([call(name)])
    told = [line["notice"] for line in lines if line["event"] == "output.noticed"]
    assert told == ["there was a torn line", "calls.jsonl is gone: it is begun anew"]


@pytest.mark.parametrize("changed", [True, False])
async def test_what_a_retry_is_about_to_touch_is_saved_before_it_where_it_is_another_thing(
    changed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda _: 0.0)
    order: list[object] = []

    class Shifting(Sink):
        def announce(self, batch: Sequence[Message]) -> Marks:
            return {"calls.jsonl": b"%d of %d" % (len(batch), self.attempts if changed else 0)}

        async def write(self, batch: Sequence[Message]) -> Marks:
            order.append("write")
            return await super().write(batch)

    async def save(marks: Mapping[str, Marks]) -> None:
        order.append(dict(marks))

    output, other = Shifting("files"), Sink("other")
    output.failures = 1
    async with Delivery({"files": output, "other": other}, Telemetry()) as delivery:
        await delivery.deliver([call("1")], save)
    both = {"files": {"calls.jsonl": b"1 of 0"}, "other": other.announce([])}
    again = [{"files": {"calls.jsonl": b"1 of 1"}}] if changed else []
    assert order == [both, "write", *again, "write"]
    assert other.attempts == 1


async def test_notices_that_are_none_are_a_bug_that_is_told_with_its_place() -> None:
    faulty = Sink("faulty")
    faulty.notices = None  # type: ignore[assignment]
    with pytest.raises(OutputError, match=r"^outputs\.faulty: a bug: TypeError: "):
        async with Delivery({"faulty": faulty}, Telemetry()):
            pass


async def test_one_that_cannot_be_closed_is_told_and_the_others_are_closed() -> None:
    class Stuck(Sink):
        async def __aexit__(self, *_: object) -> None:
            raise OSError("the disk is gone")

    other = Sink("other")
    with capture_logs() as logs:
        async with Delivery({"other": other, "stuck": Stuck("stuck")}, Telemetry()) as delivery:
            await delivery.deliver([call("1")])
    told = [(line["output"], line["notice"]) for line in logs if line["event"] == "output.noticed"]
    assert told == [("stuck", "it could not be closed: OSError: the disk is gone")]
    assert other.left == 1


async def test_what_refuses_us_at_the_start_ends_it() -> None:
    class Refusing(Sink):
        async def __aenter__(self) -> Self:
            raise OutputError("wrong password")

    with pytest.raises(OutputError, match=r"^outputs\.refusing: wrong password$"):
        async with Delivery({"refusing": Refusing("refusing")}, Telemetry()):
            pass
