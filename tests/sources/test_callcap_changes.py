"""What of a Callcap call counts as a change."""

import msgspec
import pytest

from poller.sources.callcap import Callcap
from tests.sources.callcap_pages import CALL
from tests.sources.scripted import changed, decoded

(STREAM,) = Callcap.model_validate({"type": "callcap", "api_key": "k"}).build_streams()


def compared(record: object) -> bytes:
    return msgspec.json.encode(STREAM.records.contents[-1](decoded(STREAM, record)), order="deterministic")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("last_modified",), "2026-03-15 00:00:00"),
        (("last_modified",), None),
        (("recording",), CALL["recording"] + "?Expires=1&Signature=abc"),
        (("new_field",), {"a": 1}),
        (("caller", "new_field"), "x"),
        (("accounts", "campaign", "new_field"), "x"),
        (("callsurance", "csr", "new_field"), "x"),
        (("summaries",), None),
    ],
)
@pytest.mark.covers("callcap", 13)
def test_what_means_nothing_is_no_change(path: tuple[str, ...], value: object) -> None:
    assert compared(changed(CALL, value, *path)) == compared(CALL)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("revenue",), 149.5),
        (("callsurance", "minor"), {"label": "Rescheduled", "id": 5002}),
        (("callsaver",), {"date": "2026-04-01 10:00:00", "outcome": {"id": 1, "label": "Saved"}}),
        (("notes",), "called back"),
        (("summaries",), [{"type": "short", "text": "…"}]),
        (("sentiment", "satisfied"), False),
        (("webmatch", "visitor"), {"device": "phone"}),
        (("end_datetime",), "2026-03-14 09:20:02"),
        (("recording",), "https://app.callcap.com/recording/other.mp3"),
        (("accounts", "campaign", "line-memo"), "spring"),
        (("caller", "class"), "Business"),
        (("import",), {"reference_id": "7"}),
        (("demographics",), {"person": "x"}),
    ],
)
@pytest.mark.covers("callcap", 12, 13)
def test_an_edit_is_a_change_also_under_the_same_stamp(path: tuple[str, ...], value: object) -> None:
    assert compared(changed(CALL, value, *path)) != compared(CALL)


def test_the_order_of_keys_is_no_change() -> None:
    backwards = {key: CALL[key] for key in reversed(CALL)}
    backwards["webmatch"] = dict(reversed(CALL["webmatch"].items()))
    assert compared(backwards) == compared(CALL)


@pytest.mark.covers("callcap", 11)
def test_the_end_of_a_call_is_a_change() -> None:
    assert compared({**CALL, "action": "In Progress", "end_datetime": "", "duration": None}) != compared(CALL)
