"""Acme's leads, by the time of their last change; an answer is a table: `{"columns": [..], "rows": [[..]], "next"}`."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Literal

from msgspec import Raw, defstruct, json, structs

from poller import plugin
from poller.plugin import Http, ListPage, PageRef, StreamSettings, Windowed, kinds, read_id, read_text, read_time

LAG = timedelta(seconds=5)  # so long after its stamp, at the latest, a change is visible: an assumption
TABLE = json.Decoder(defstruct("Table", [("columns", list[str]), ("rows", list[list[Raw]]), ("next", Any, None)]))
LEADS = plugin.RecordType(
    kind=kinds.Lead,
    decoder=json.Decoder(plugin.struct_of("id name created changed")),
    identity=lambda record: read_id(record.id),
    time=lambda record: plugin.require_time(record.created, "created"),
    modified=lambda record: read_time(record.changed),
    contents=(lambda record: structs.replace(record, changed=None),),  # a stamp alone is no change
    normalize=lambda record: kinds.Lead(id=read_id(record.id) or "", full_name=read_text(record.name)),
)


class Sweeps(plugin.SweepSettings):
    live: Windowed = Windowed(every=timedelta(minutes=1), lookback=timedelta(minutes=10))
    audit: Windowed = Windowed(every=timedelta(hours=24), lookback=timedelta(hours=72))


class Streams(plugin.ChosenStreams):
    leads: StreamSettings[Sweeps] = StreamSettings[Sweeps]()


class Acme(plugin.Source):
    API = 1
    type: Literal["acme"]
    api_key: plugin.Secret
    streams: Streams = Streams(leads=StreamSettings[Sweeps]())

    def credential(self) -> plugin.Credential:
        return plugin.bearer(self.api_key)

    def build_streams(self) -> list[plugin.Stream]:
        timing = self.streams.leads.sweeps
        sweeps = (timing.live.sweep("live", read), timing.audit.sweep("audit", read, is_audit=True))
        return [plugin.Stream("leads", sweeps, LEADS)]

    async def probe(self, http: Http) -> str:
        return f"answers; {len((await ask(http, '2000-01-01T00:00:00Z', 1)).records)} leads on its first page"


def read(http: Http, _: plugin.Cursor | None, window: plugin.Window) -> AsyncIterator[plugin.Page]:
    return plugin.read_pages(lambda at: ask(http, f"{window.start:%Y-%m-%dT%H:%M:%SZ}", at), lag=LAG)


async def ask(http: Http, since: str, at: PageRef) -> ListPage:
    query = {"changed_since": since} | ({"after": at} if isinstance(at, str) else {})
    return await http.read("/leads", query, believed)


def believed(response: plugin.Response) -> ListPage:
    found: Any = plugin.decode_response(TABLE, response)
    rows = [Raw(json.encode(dict(zip(found.columns, row, strict=False)))) for row in found.rows]
    return ListPage(rows, None, found.next, response.date)
