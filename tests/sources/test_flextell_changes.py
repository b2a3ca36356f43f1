"""What of a Flextell lead counts as a change."""

import msgspec
import pytest

from poller.sources.flextell import Flextell
from tests.sources.flextell_pages import LEAD
from tests.sources.scripted import changed, decoded

(STREAM,) = Flextell.model_validate({"type": "flextell", "tenant": 42, "access_token": "t"}).build_streams()


def compared(record: object) -> bytes:
    return msgspec.json.encode(STREAM.records.contents[-1](decoded(STREAM, record)), order="deterministic")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("last_synced_at",), "2026-03-15T00:00:00Z"),
        (("updated_at",), "2026-03-15T00:00:00Z"),
        (("status", "color"), "#000000"),
        (("new_field",), 1),
        (("status", "new_field"), 1),
        (("assigned_user", "new_field"), 1),
    ],
)
@pytest.mark.covers("flextell", 12)
def test_what_means_nothing_is_no_change(path: tuple[str, ...], value: object) -> None:
    assert compared(changed(LEAD, value, *path)) == compared(LEAD)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("status", "name"), "Contacted"),
        (("assigned_user", "name"), "Robin"),
        (("assigned_user",), None),
        (("country_name",), "Elsewhere"),
        (("reference_source", "external_id"), "x"),
        (("deleted_at",), "2026-03-14T10:00:00Z"),
        (("message",), "Too late"),
        (("customer_id",), 9),
        (("marketing_attribution",), [{"utm_source": "x"}]),
        (("external_created_at",), None),
    ],
)
@pytest.mark.covers("flextell", 11)
def test_an_edit_is_a_change_also_under_the_same_stamp(path: tuple[str, ...], value: object) -> None:
    assert compared(changed(LEAD, value, *path)) != compared(LEAD)


@pytest.mark.covers("flextell", 7)
def test_a_restored_lead_is_a_change_back() -> None:
    deleted = {**LEAD, "deleted_at": "2026-03-14T10:00:00Z"}
    assert compared(deleted) != compared({**LEAD, "updated_at": "2026-03-14T11:00:00Z"}) == compared(LEAD)
