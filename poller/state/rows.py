"""The rows of a state: how a value is encoded, and to whom a state belongs."""

from collections.abc import Mapping

from msgspec import json

from poller.plugin.source import AccountId

encode = json.Encoder().encode


def mismatches(saved: Mapping[str, bytes], owners: Mapping[str, AccountId]) -> list[str]:
    """Whose state is another account's: one line each. `saved` are the owners that the state names, by source."""
    former = {source: json.decode(saved[source], type=AccountId) for source in owners if source in saved}
    return [
        f"sources.{source}: the state under this name belongs to another account ({was.type}, {was.base_url}"
        f"{f', tenant {was.tenant}' if was.tenant else ''}); give this account another name, or put the old one back"
        for source, was in former.items()
        if was != owners[source]
    ]
