"""Flextell: a clinic CRM's leads, read newest first; edits are found only by reading all of them.

- Address, headers: https://docs.flextell.ai/api-reference/introduction; errors: https://docs.flextell.ai/guides/error-handling
- Refresh tokens, which may rotate at each use: https://docs.flextell.ai/authentication
- Record: https://docs.flextell.ai/api-reference/lead/get-a-lead; leads have no date filter and no sort by `updated_at`,
  and deleted ones have a list of their own (`trashed`).
- The reference numbers pages, the prose has cursors (https://docs.flextell.ai/guides/pagination): we ask for a page and
  go on by what `meta` holds. Links are never used: they may drop the order and the page size.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from msgspec import UNSET, Raw, Struct, UnsetType, json, structs
from pydantic import Field, SecretStr, model_validator

from poller.plugin import Unexpected, kinds
from poller.plugin.config_types import Address, Origin, Secret
from poller.plugin.credentials import Credential, RefreshTokenGrant
from poller.plugin.fields.decoding import UNREADABLE, decode_response
from poller.plugin.fields.phones import e164
from poller.plugin.fields.scalars import lead_status, read_bool, read_id, read_named, read_text
from poller.plugin.fields.structs import as_struct, identity_of, struct_of
from poller.plugin.fields.times import read_time, require_time
from poller.plugin.pagination.newest_first import NewestFirst
from poller.plugin.pagination.numbered import following, numbering
from poller.plugin.pagination.pages import ListPage, PageRef, read_in_turn, read_pages
from poller.plugin.source import ChosenStreams, Source, StreamSettings, SweepSettings, WholeList, Windowed, bearer
from poller.plugin.stream import Cursor, History, Http, Page, RecordType, Stream, Window

Query: TypeAlias = Mapping[str, str]
LEADS, PER_PAGE = "/leads", 100  # the documented most

# What the documentation leaves open, and we assume:
LAG = timedelta(seconds=5)  # so long after its stamp, at the latest, a change is visible
NULL_PAGES = 10  # pages of never synced leads that may come first: some databases sort them so

# `attributes`, beside its attribution and its time elsewhere: what has no place of its own
TEXTS = ("description", "message", "preferred_contact", "source_page_url")
IDS = ("country_id", "customer_id", "external_branch_id", "import_source_id")

_Status = struct_of("id name slug is_terminal")  # not its colour: how a status is painted says nothing about a lead
_Thing = struct_of("id name external_id")
Record = struct_of(
    "id first_name last_name full_name phone_number email description message preferred_contact source_page_url"
    " country_id is_converted converted_at customer_id marketing_attribution external_id external_branch_id"
    " external_created_at last_synced_at import_source_id created_at updated_at deleted_at country_name",
    status=_Status, reference_source=_Thing, assigned_user=_Thing,
)  # fmt: skip


class _Meta(Struct):
    last_page: int | None = None
    total: int | None = None
    has_more: bool | None = None
    cursor: str | int | UnsetType | None = UNSET


class _List(Struct):
    data: list[Raw]
    meta: Raw
    error: Any = None
    message: Any = None


_LIST, _META = json.Decoder(_List), json.Decoder(_Meta)
_NUMBERED = numbering(number="current_page", size="per_page", last="last_page", total="total")
_deletion = json.Decoder(struct_of("deleted_at"))


class LeadsSweeps(SweepSettings):
    """How often each way of reading leads runs, and how far it reaches back."""

    live: Windowed = Windowed(every=timedelta(minutes=1), lookback=timedelta(minutes=10))
    converted: Windowed = Windowed(every=timedelta(minutes=5), lookback=timedelta(minutes=10))
    synced: Windowed = Windowed(every=timedelta(minutes=5), lookback=timedelta(minutes=10))
    trashed: WholeList = WholeList(every=timedelta(hours=1))
    full: WholeList = WholeList(every=timedelta(hours=6))


class Streams(ChosenStreams):
    """The vendor's streams."""

    leads: StreamSettings[LeadsSweeps] = StreamSettings[LeadsSweeps]()


class Flextell(Source):
    """One tenant of Flextell. Its leads are remembered for ever: whole lists are read again and again."""

    KEEP_FOREVER: ClassVar = True

    type: Literal["flextell"]
    base_url: Origin = "https://dev.flextell.ai/api/v1"
    tenant: Annotated[int, Field(ge=0)]
    access_token: Secret | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    refresh_token: Secret | None = None
    token_url: Address = "https://dev.flextell.ai/oauth/token"  # noqa: S105  an address
    streams: Streams = Streams(leads=StreamSettings[LeadsSweeps]())

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        parts = (self.client_id, self.client_secret, self.refresh_token)
        if any(parts) if self.access_token else not all(parts):
            raise ValueError("either access_token, or client_id, client_secret and refresh_token together")
        return self

    @property
    def tenant_key(self) -> str:
        """Another tenant is another clinic, whose ids may be the same."""
        return str(self.tenant)

    @property
    def headers(self) -> dict[str, str]:
        """Which tenant's leads are asked for."""
        return {"X-Tenant": str(self.tenant)}

    def credential(self) -> Credential:
        """A bearer token, fixed or refreshed."""
        if self.client_id and self.client_secret and self.refresh_token:
            return RefreshTokenGrant(self.token_url, self.client_id, self.client_secret, self.refresh_token)
        return bearer(self.access_token or SecretStr(""))

    def build_streams(self) -> Sequence[Stream]:
        """The leads."""
        sweeps = self.streams.leads.sweeps
        leads = Stream(
            name="leads",
            sweeps=(
                sweeps.live.sweep("live", partial(_newest, "created_at", {})),
                sweeps.converted.sweep("converted", partial(_newest, "converted_at", {"converted": "1"})),
                sweeps.synced.sweep("synced", partial(_newest, "last_synced_at", {})),
                sweeps.trashed.sweep("trashed", partial(_whole, {"trashed": "1"})),
                sweeps.full.sweep("full", partial(_whole, {}), is_audit=True),
            ),
            records=RecordType(
                kind=kinds.Lead,
                decoder=json.Decoder(Record),
                identity=lambda record: read_id(record.id),
                contents=(contents,),
                time=lambda record: require_time(record.created_at, "created_at"),
                modified=lambda record: read_time(record.updated_at),
                deleted=_deleted,
                normalize=partial(normalize, region=self.default_region),
            ),
            history=History(_past, None),
        )
        return [leads]

    async def probe(self, http: Http) -> str:
        """Ask for the newest lead."""
        answer = await _ask(http, {"sort_by": "created_at", "sort_order": "desc"}, 1, per_page=1)
        return "answers" if answer.total is None else f"answers; {answer.total:,} leads"


def _newest(column: str, query: Query, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """Back to the beginning of the window."""
    ask = partial(_ask, http, {**query, "sort_by": column, "sort_order": "desc"})
    return read_pages(ask, lag=LAG, enough=NewestFirst(column, window.start, NULL_PAGES).passed)


def _past(http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """Back to the beginning of the window, for there is no filter by time; and what was deleted meanwhile."""
    return read_in_turn(_newest("created_at", {}, http, None, window), _whole({"trashed": "1"}, http, None, window))


def _whole(query: Query, http: Http, _: Cursor | None, __: Window) -> AsyncIterator[Page]:
    """All there is, oldest first: what is new comes last, so nothing moves on its account; the leads have to add up."""
    ask = partial(_ask, http, {**query, "sort_by": "created_at", "sort_order": "asc"})
    return read_pages(ask, lag=LAG, identity=identity_of("id"))


async def _ask(http: Http, query: Query, place: PageRef, per_page: int = PER_PAGE) -> ListPage:
    """Raises Unexpected where that is not the documented answer to what was asked."""
    at = {"page": f"{place}"} if isinstance(place, int) else {"cursor": place}
    response = await http.get(LEADS, {**query, "per_page": f"{per_page}", **at})
    found = decode_response(_LIST, response.body)
    if found.error is not None or found.message is not None:
        raise Unexpected("an error came as if it were an answer")
    if "trashed" in query and not all(map(_is_trashed, found.data)):
        raise Unexpected("the list of deleted leads holds others")
    meta = decode_response(_META, found.meta)
    if meta.last_page is None:
        return ListPage(found.data, meta.total, _continued(meta), response.date)
    number = place if isinstance(place, int) else 0
    further = following(decode_response(_NUMBERED, found.meta), len(found.data), number=number, size=per_page)
    return ListPage(found.data, meta.total, further, response.date)


def _continued(meta: _Meta) -> str | None:
    """The cursor of the next page, None after the last."""
    if meta.has_more is False or (meta.has_more is None and meta.cursor is None):
        return None
    if not isinstance(meta.cursor, str | int):
        raise Unexpected("meta does not say how the list goes on")
    return str(meta.cursor)


def _is_trashed(row: Raw) -> bool:
    try:
        return _deleted(_deletion.decode(row))
    except UNREADABLE:
        return True  # that one is a reject, for others to judge


def _deleted(record: Any) -> bool:
    return record.deleted_at not in (None, "", False)


def contents(record: Any) -> Any:
    """The lead without what is volatile: an import that touches a lead, or a stamp alone, changes nothing of it."""
    return structs.replace(record, updated_at=None, last_synced_at=None)


def normalize(record: Any, *, region: str | None) -> kinds.Lead:
    """A lead in our words. A lead whose status is terminal is completed, one with a time of conversion converted."""
    status, phone = as_struct(record.status, _Status), e164(record.phone_number, region)
    converted_at, completed, said = (
        read_time(record.converted_at),
        read_bool(status.is_terminal),
        read_bool(record.is_converted),
    )
    converted = True if said is None and converted_at else said
    attribution = record.marketing_attribution
    return kinds.Lead(
        id=read_id(record.id) or "",
        status=lead_status(deleted=_deleted(record) or None, converted=converted, completed=completed),
        vendor_status=read_text(status.name) or read_text(status.slug),
        created_at=read_time(record.created_at),
        updated_at=read_time(record.updated_at),
        converted_at=converted_at,
        deleted_at=read_time(record.deleted_at),
        full_name=read_text(record.full_name),
        first_name=read_text(record.first_name),
        last_name=read_text(record.last_name),
        phones=[phone] if phone else [],
        email=read_text(record.email),
        address=kinds.Address(country=read_text(record.country_name)),
        converted=converted,
        completed=completed,
        origin=read_named(as_struct(record.reference_source, _Thing)),
        agent=read_named(as_struct(record.assigned_user, _Thing)),
        external_id=read_id(record.external_id),
        attributes={
            **{name: read_text(getattr(record, name)) for name in TEXTS},
            **{name: read_id(getattr(record, name)) for name in IDS},
            "external_created_at": read_time(record.external_created_at),
            "marketing_attribution": attribution if isinstance(attribution, list | dict) else None,
        },
    )
