"""Acme's leads, by the time of their last change; an answer is a table: `{"columns": [..], "rows": [[..]], "next"}`."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Literal

from msgspec import Raw, defstruct, json, structs

from poller import plugin as p

LAG = timedelta(seconds=5)  # so long after its stamp, at the latest, a change is visible: an assumption
TABLE = json.Decoder(defstruct("Table", [("columns", list[str]), ("rows", list[list[Raw]]), ("next", Any, None)]))
LEADS = p.RecordType(
    kind=p.kinds.Lead,
    decoder=json.Decoder(p.struct_of("id name created changed")),
    identity=lambda record: p.read_id(record.id),
    time=lambda record: p.require_time(record.created, "created"),
    modified=lambda record: p.read_time(record.changed),
    contents=(lambda record: structs.replace(record, changed=None),),  # a stamp alone is no change
    normalize=lambda record: p.kinds.Lead(id=p.read_id(record.id) or "", full_name=p.read_text(record.name)),
)


class Sweeps(p.SweepSettings):
    live: p.Windowed = p.Windowed(every=timedelta(minutes=1), lookback=timedelta(minutes=10))
    audit: p.Windowed = p.Windowed(every=timedelta(hours=24), lookback=timedelta(hours=72))


class Streams(p.ChosenStreams):
    leads: p.StreamSettings[Sweeps] = p.StreamSettings[Sweeps]()


class Acme(p.Source):
    API = 1
    type: Literal["acme"]
    api_key: p.Secret
    streams: Streams = Streams(leads=p.StreamSettings[Sweeps]())

    def credential(self) -> p.Credential:
        return p.bearer(self.api_key)

    def build_streams(self) -> list[p.Stream]:
        of = self.streams.leads.sweeps
        return [p.Stream("leads", (of.live.sweep("live", read), of.audit.sweep("audit", read, is_audit=True)), LEADS)]

    async def probe(self, http: p.Http) -> str:
        return f"answers; {len((await ask(http, '2000-01-01T00:00:00Z', 1)).records)} leads on its first page"


def read(http: p.Http, _: p.Cursor | None, window: p.Window) -> AsyncIterator[p.Page]:
    return p.read_pages(lambda at: ask(http, f"{window.start:%Y-%m-%dT%H:%M:%SZ}", at), lag=LAG)


async def ask(http: p.Http, since: str, at: p.PageRef) -> p.ListPage:
    def believed(response: p.Response) -> p.ListPage:
        found: Any = p.decode_response(TABLE, response)
        rows = [Raw(json.encode(dict(zip(found.columns, row, strict=False)))) for row in found.rows]
        return p.ListPage(rows, None, found.next, response.date)

    return await http.read("/leads", {"changed_since": since} | ({"after": f"{at}"} if at != 1 else {}), believed)
