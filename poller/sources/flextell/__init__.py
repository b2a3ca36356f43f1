"""Flextell: a clinic CRM's leads, read newest first; edits are found only by reading all of them.

- Address, headers: https://docs.flextell.ai/api-reference/introduction; errors: https://docs.flextell.ai/guides/error-handling
- Refresh tokens, which may rotate at each use: https://docs.flextell.ai/authentication
- Record: https://docs.flextell.ai/api-reference/lead/get-a-lead; leads have no date filter and no sort by `updated_at`,
  and deleted ones have a list of their own (`trashed`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, SecretStr, model_validator

from poller.plugin import (
    Address,
    Assumption,
    ChosenStreams,
    Credential,
    History,
    Http,
    Origin,
    RecordType,
    RefreshTokenGrant,
    Secret,
    Source,
    Stream,
    StreamSettings,
    SweepSettings,
    TypedDecoder,
    Unexpected,
    WholeList,
    Windowed,
    bearer,
    kinds,
    read_id,
    read_time,
    require_time,
)
from poller.sources.flextell import api, assumptions, records


class LeadsSweeps(SweepSettings):
    """The timing of the sweeps of leads."""

    live: Windowed = Windowed(every=timedelta(minutes=1), lookback=timedelta(minutes=10))
    converted: Windowed = Windowed(every=timedelta(minutes=5), lookback=timedelta(minutes=10))
    synced: Windowed = Windowed(every=timedelta(minutes=5), lookback=timedelta(minutes=10))
    trashed: WholeList = WholeList(every=timedelta(hours=1))
    full: WholeList = WholeList(every=timedelta(hours=6))


class Streams(ChosenStreams):
    """The vendor's streams."""

    leads: StreamSettings[LeadsSweeps] = StreamSettings[LeadsSweeps]()


class Flextell(Source):
    """A tenant of Flextell. Its leads are remembered for ever: whole lists are read again and again."""

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
        """The tenant: another one is another clinic, whose ids may be the same."""
        return str(self.tenant)

    @property
    def headers(self) -> dict[str, str]:
        """The header that says whose leads are asked for."""
        return {"X-Tenant": str(self.tenant)}

    def credential(self) -> Credential:
        """A bearer token, fixed or refreshed."""
        if self.client_id and self.client_secret and self.refresh_token:
            return RefreshTokenGrant(self.token_url, self.client_id, self.client_secret, self.refresh_token)
        return bearer(self.access_token or SecretStr(""))

    def build_streams(self) -> Sequence[Stream]:
        """Build the stream of leads."""
        sweeps, region = self.streams.leads.sweeps, self.default_region
        leads = Stream(
            name="leads",
            sweeps=(
                sweeps.live.sweep("live", partial(api.newest, "created_at", {})),
                sweeps.converted.sweep("converted", partial(api.newest, "converted_at", {"converted": "1"})),
                sweeps.synced.sweep("synced", partial(api.newest, "last_synced_at", {})),
                sweeps.trashed.sweep("trashed", partial(api.whole, {"trashed": "1"})),
                sweeps.full.sweep("full", partial(api.whole, {}), is_audit=True),
            ),
            records=RecordType(
                kind=kinds.Lead,
                decoder=TypedDecoder(records.Record),
                identity=lambda record: read_id(record.id),
                row_identity=api.lead_id,
                steady=api.steady,
                contents=(records.contents,),
                time=lambda record: require_time(record.created_at, "created_at"),
                modified=lambda record: read_time(record.updated_at),
                deleted=records.deleted,
                normalize=lambda record: records.lead(record, region=region),
            ),
            history=History(api.past, None),
        )
        return [leads]

    def assumptions(self, now: datetime) -> Sequence[Assumption]:
        """Return what the documentation leaves open."""
        return assumptions.of_leads(now, self.streams.leads.sweeps.live.lookback)

    async def probe(self, http: Http) -> str:
        """Ask for the newest lead."""
        answer = await api.ask_list(http, {"sort_by": "created_at", "sort_order": "desc"}, 1, per_page=1)
        if answer.doubt or answer.size not in {None, 1}:
            raise Unexpected(answer.doubt or f"its pages hold {answer.size} records, not the one asked for")
        return "answers" if answer.total is None else f"answers; {answer.total:,} leads"
