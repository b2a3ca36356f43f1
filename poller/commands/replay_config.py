"""The configuration of a recorded source: kept with its recording, and given back for a replay of it."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, SecretStr

from poller.humanize import format_duration
from poller.plugin.credentials import StaticHeaders
from poller.plugin.source import Source
from poller.polling.progress.windows import first_window, window
from poller.polling.runtime import StreamRuntime
from poller.recording.file import VERSION, Header, RecordingError

TOKEN_PATH = "/_sandbox/token"  # noqa: S105  a path
"""Where a replay gives out access tokens."""
_NOT_KEPT = frozenset({"type", "base_url", "start", "proxy", "ca_file", "fixed_headers"})
"""Settings that a replay has of its own, or has no use for."""
_ANY_SECRET = "replay"  # noqa: S105  a replay asks for none


def make_header(source: Source, streams: Sequence[StreamRuntime], now: datetime) -> Header:
    """Return the header of a recording of this source that begins now, its streams being where the state has them."""
    credential = source.credential()
    beside = credential if isinstance(credential, StaticHeaders) else credential.beside
    return Header(
        poller_recording=VERSION,
        type=source.type,
        base_path=urlsplit(source.base_url).path,
        recorded_at=_rfc3339(now),
        start=_rfc3339(min([now, *(at for stream in streams for at in _asked_from(stream, now))])),
        source=spelt_settings(source, _NOT_KEPT),
        credential_params=tuple(beside.params),
        follow_changes=tuple(
            f"{stream.stream.name}.{run.sweep.name}"
            for stream in streams
            for run in stream.sweeps
            if run.sweep.from_lookback_only and not run.sweep.advisory
        ),
    )


def config_text(header: Header, at: str, now: datetime) -> str:
    """Return a whole configuration, in YAML, by which a poller reads a replay of this recording at this origin.

    Windows move with the clock while records do not, so `start` lies before all that was asked for, and sweeps that
    follow changes look back as far. Raises RecordingError where the header's settings are none.
    """
    source: dict[str, Any] = {"type": header.type, "base_url": f"{at}{header.base_path}", "start": header.start}
    source |= _at_replay(header.source, at)
    reach = format_duration(timedelta(minutes=1 + (now - datetime.fromisoformat(header.start)) // timedelta(minutes=1)))
    for sweep in header.follow_changes:
        stream, _, name = sweep.partition(".")
        settings = source
        for key in ("streams", stream, "sweeps", name):
            settings = settings.setdefault(key, {})
            if not isinstance(settings, dict):
                raise RecordingError(f"its first line has settings that are none: {key} is no mapping")
        settings["lookback"] = reach
    return yaml.safe_dump(
        {
            "sources": {"replay": source},
            "outputs": {"console": {"type": "stdout"}},
            "state": {"path": "replay-state/poller.db"},
            "server": {"port": 0},
        },
        sort_keys=False,
        allow_unicode=True,
    )


def _at_replay(value: Any, at: str) -> Any:
    """Return settings with the token endpoint of a replay."""
    if not isinstance(value, dict):
        return value
    return {
        name: f"{at}{TOKEN_PATH}" if name == "token_url" else _at_replay(child, at) for name, child in value.items()
    }


def _asked_from(stream: StreamRuntime, now: datetime) -> list[datetime]:
    """Return since when each sweep of the stream, and each of its gaps, will ask."""
    reaches = {run.sweep.name: run.sweep.lookback or timedelta(0) for run in stream.sweeps}
    gaps = [gap.start - reaches.get(gap.sweep, timedelta(0)) for gap in stream.checkpoint.gaps]
    first = [first_window(run.sweep, stream.checkpoint.start, now) for run in stream.sweeps]
    return [
        *gaps,
        *first,
        *(window(run.sweep, run.state.origin, run.state.cursor, now).start for run in stream.sweeps),
    ]


def _rfc3339(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def spelt_settings(value: Any, without: Collection[str] = ()) -> Any:
    """Return settings as a configuration has them, without those left at their defaults; no secret is in them."""
    if isinstance(value, BaseModel):
        names = {name: field.alias or name for name, field in type(value).model_fields.items()}
        chosen = [name for name in names if name in value.model_fields_set and name not in without]
        return {names[name]: spelt_settings(getattr(value, name)) for name in chosen}
    if isinstance(value, SecretStr):
        return _ANY_SECRET
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, dict):
        return {name: spelt_settings(child) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [spelt_settings(child) for child in value]
    return value if isinstance(value, str | int | float | None) else str(value)
