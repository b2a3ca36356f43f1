"""All that a source is made of: streams, sweeps, credentials, types of settings, pagination, readers of fields.

A source imports from this module and from nowhere else in poller, whether it is built in or of another package. The
names keep their meaning as long as `API` stays. The modules behind them may change at any time. The errors are named
after what poller does about them: see `poller.errors`.
"""

from outputs.units import Duration
from poller.errors import Denied, Lasting, Shifted, SourceError, Throttled, Unavailable, Unexpected
from poller.humanize import format_duration
from poller.plugin import kinds, probes
from poller.plugin.assumptions import Asking, Assumption, Probe, Verdict, fails, holds, unknown
from poller.plugin.config_types import Address, Origin, Region, Secret
from poller.plugin.credentials import ClientCredentials, Credential, RefreshTokenGrant, StaticHeaders
from poller.plugin.fields.any_time import any_time_reader, read_any_time
from poller.plugin.fields.columns import Column, IdentityColumn, IdentityOf
from poller.plugin.fields.decoding import DECODE_ERRORS, decode_response, utf8
from poller.plugin.fields.documented import TypedDecoder
from poller.plugin.fields.paths import Getter, Path, compile_paths, follow_path, parse_path
from poller.plugin.fields.phones import e164
from poller.plugin.fields.scalars import (
    lead_status,
    letters_only,
    read_bool,
    read_id,
    read_named,
    read_number,
    read_own_fields,
    read_seconds,
    read_text,
)
from poller.plugin.fields.steady import SteadyRows, steady_rows
from poller.plugin.fields.structs import as_struct, column_of, identity_of, remember_latest, struct_of
from poller.plugin.fields.times import (
    ZoneName,
    is_same_zone,
    read_time,
    read_zone,
    require_time,
    seconds_between,
    time_after,
    wall_clock,
)
from poller.plugin.fields.undocumented import Changes, Undocumented, WholeRecords, leaves_reader
from poller.plugin.pagination.bisect import Span, bisect
from poller.plugin.pagination.envelope import SentRows, read_count, read_rows
from poller.plugin.pagination.filtered import FilterCheck, is_between
from poller.plugin.pagination.moving import read_moving
from poller.plugin.pagination.newest_first import NewestFirst
from poller.plugin.pagination.no_records import error_in, require_no_error, require_nowhere_else
from poller.plugin.pagination.numbered import Numbering, numbered_page, numbering
from poller.plugin.pagination.page_ends import PageEnds
from poller.plugin.pagination.pages import AskPage, ListPage, PageRef, read_in_turn, read_pages
from poller.plugin.pagination.seams import Seams
from poller.plugin.pagination.sync_token import SyncTokenExpired, follow_sync_token
from poller.plugin.pagination.truncated import TruncationGuess
from poller.plugin.record_type import Declared, JsonValue, RecordType
from poller.plugin.source import (
    ChosenStreams,
    Probed,
    Source,
    StreamSettings,
    Strict,
    SweepSettings,
    WholeList,
    Windowed,
    bearer,
)
from poller.plugin.stream import (
    BEGINNING,
    Cursor,
    End,
    Fetch,
    History,
    Http,
    Page,
    Query,
    Response,
    Stream,
    Sweep,
    Window,
)

API = 1
"""The version of this interface. It rises when a name goes or changes its meaning, and stays when one is added."""

__all__ = [
    "API",
    "BEGINNING",
    "DECODE_ERRORS",
    "Address",
    "AskPage",
    "Asking",
    "Assumption",
    "Changes",
    "ChosenStreams",
    "ClientCredentials",
    "Column",
    "Credential",
    "Cursor",
    "Declared",
    "Denied",
    "Duration",
    "End",
    "Fetch",
    "FilterCheck",
    "Getter",
    "History",
    "Http",
    "IdentityColumn",
    "IdentityOf",
    "JsonValue",
    "Lasting",
    "ListPage",
    "NewestFirst",
    "Numbering",
    "Origin",
    "Page",
    "PageEnds",
    "PageRef",
    "Path",
    "Probe",
    "Probed",
    "Query",
    "RecordType",
    "RefreshTokenGrant",
    "Region",
    "Response",
    "Seams",
    "Secret",
    "SentRows",
    "Shifted",
    "Source",
    "SourceError",
    "Span",
    "StaticHeaders",
    "SteadyRows",
    "Stream",
    "StreamSettings",
    "Strict",
    "Sweep",
    "SweepSettings",
    "SyncTokenExpired",
    "Throttled",
    "TruncationGuess",
    "TypedDecoder",
    "Unavailable",
    "Undocumented",
    "Unexpected",
    "Verdict",
    "WholeList",
    "WholeRecords",
    "Window",
    "Windowed",
    "ZoneName",
    "any_time_reader",
    "as_struct",
    "bearer",
    "bisect",
    "column_of",
    "compile_paths",
    "decode_response",
    "e164",
    "error_in",
    "fails",
    "follow_path",
    "follow_sync_token",
    "format_duration",
    "holds",
    "identity_of",
    "is_between",
    "is_same_zone",
    "kinds",
    "lead_status",
    "leaves_reader",
    "letters_only",
    "numbered_page",
    "numbering",
    "parse_path",
    "probes",
    "read_any_time",
    "read_bool",
    "read_count",
    "read_id",
    "read_in_turn",
    "read_moving",
    "read_named",
    "read_number",
    "read_own_fields",
    "read_pages",
    "read_rows",
    "read_seconds",
    "read_text",
    "read_time",
    "read_zone",
    "remember_latest",
    "require_no_error",
    "require_nowhere_else",
    "require_time",
    "seconds_between",
    "steady_rows",
    "struct_of",
    "time_after",
    "unknown",
    "utf8",
    "wall_clock",
]
