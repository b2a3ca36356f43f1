"""The contract of a source, and what this one asks."""

import asyncio

from double import app
from poller_example.source import Acme

from poller.testing import Answer, Recorded, SourceContract, read_sweep


class TestAcme(SourceContract):
    source, settings = Acme, {"type": "acme", "base_url": "https://acme.example", "api_key": "sesame-1"}
    fewest_events = 25  # what the double holds: three pages

    def double(self, now):
        return app


def test_a_list_goes_on_where_its_answer_says():
    [stream] = Acme.model_validate(TestAcme.settings).built_streams
    columns, row = ["id", "name", "created", "changed"], [1, "Ann", "2026-03-14T16:00:00Z", "2026-03-14T16:00:00Z"]
    pages = [{"columns": columns, "rows": [row], "next": "c2"}, {"columns": columns, "rows": [], "next": None}]
    recorded = Recorded([Answer(page) for page in pages])
    found = asyncio.run(read_sweep(stream, "live", recorded))
    assert found.records() == [dict(zip(columns, row, strict=True))]
    assert recorded.queries()[1] == {"changed_since": "2026-03-14T15:30:40Z", "after": "c2"}
