"""One source made ready to be polled: its session, and its streams as the state knows them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from poller.clock import Clock, Now
from poller.errors import ConfigError
from poller.events.cloudevent import StreamInfo
from poller.events.digest import MOST_PROJECTIONS
from poller.http.auth import make_auth
from poller.http.recorder import Recorder
from poller.http.session import open_session
from poller.plugin.credentials import SaveToken
from poller.plugin.source import Source
from poller.plugin.stream import Stream
from poller.polling.loop import SourceLoop
from poller.polling.progress.windows import first_window
from poller.polling.runtime import StreamRuntime, SweepRuntime
from poller.state.checkpoint import Checkpoint, SweepState
from poller.state.ledger import Ledger
from poller.state.reader import Restored, StateReader, restore
from poller.state.rows import identity_mismatch
from poller.telemetry import Telemetry


async def restore_streams(name: str, source: Source, ledger: Ledger, now: Now) -> Sequence[StreamRuntime]:
    """The source's streams where the ledger has them."""
    streams = source.built_streams
    known = [await ledger.restore(f"{name}/{stream.name}", _keep_seconds(source, stream)) for stream in streams]
    return [
        stream_runtime(name, source, stream, restored, now()) for stream, restored in zip(streams, known, strict=True)
    ]


def read_stream(name: str, source: Source, stream: Stream, state: StateReader | None) -> Restored:
    """Read what a state that is only looked at knows of one stream."""
    return restore(state, f"{name}/{stream.name}", _keep_seconds(source, stream))


def _keep_seconds(source: Source, stream: Stream) -> float | None:
    keep = None if stream.forever else source.retention
    return keep.total_seconds() if keep else None


def stream_runtime(name: str, source: Source, stream: Stream, restored: Restored, now: datetime) -> StreamRuntime:
    """Make a stream of what a state knows of it, which belongs to the stream from now on."""
    keep = None if stream.forever else source.retention
    drop = tuple(tuple(path.split(".")[1:]) for path in source.drop)
    checkpoint = _checkpoint(restored, source, stream, now)
    stream = _with_declared(f"{name}/{stream.name}", stream, checkpoint)
    run = StreamRuntime(
        source=name,
        stream=stream,
        shape=StreamInfo(
            name, source.type, stream.name, stream.records.kind.KIND, source.raw, drop, stream.records.kinds
        ),
        checkpoint=checkpoint,
        seen=restored.seen,
        doubts=set(restored.doubts),
        keep=keep,
    )
    run.sweeps = [SweepRuntime(sweep, run) for sweep in stream.sweeps]
    return run


def _checkpoint(restored: Restored, source: Source, stream: Stream, now: datetime) -> Checkpoint:
    """The saved checkpoint; a sweep it does not know begins as at the stream's first poll."""
    checkpoint = restored.checkpoint or Checkpoint(started=now, start=source.start_at(now))
    known = {sweep.name: sweep for sweep in stream.sweeps}
    for name, sweep in known.items():
        origin = first_window(sweep, checkpoint.start, now)
        state = checkpoint.sweeps.setdefault(name, SweepState(origin=origin, due=now))
        state.due = min(state.due or now, now + sweep.every)  # a clock that was wrong, an `every` that was longer
        state.fetched = {record_id: min(at, now) for record_id, at in state.fetched.items()}
    for name in checkpoint.sweeps.keys() - known.keys():
        del checkpoint.sweeps[name]
    checkpoint.gaps = [gap for gap in checkpoint.gaps if gap.sweep in known]
    checkpoint.suspect = min(checkpoint.suspect, now) if checkpoint.suspect else None
    return checkpoint


def _with_declared(name: str, stream: Stream, checkpoint: Checkpoint) -> Stream:
    """Note in the checkpoint what is declared of the records; return the stream that compares in former ways, too.

    Raises ConfigError where the records are named otherwise than before.
    """
    declared = stream.records.declared
    if declared is None:
        return stream
    if problem := identity_mismatch(name, checkpoint.identity, declared.identity):
        raise ConfigError(problem)
    checkpoint.identity = declared.identity
    if declared.compared not in checkpoint.compared[-1:]:
        checkpoint.compared += (declared.compared,)
    if len(checkpoint.compared) >= MOST_PROJECTIONS:
        raise ConfigError(
            f"{name}: volatile and signed_urls changed too often: `poller state reset` forgets the stream"
        )
    contents = tuple(map(declared.contents, checkpoint.compared))
    return replace(stream, records=replace(stream.records, contents=contents))


@asynccontextmanager
async def source_loop(
    name: str,
    source: Source,
    *,
    ledger: Ledger,
    telemetry: Telemetry,
    now: Clock,
    save: SaveToken | None,
    once: bool,
    sweeps: bool = True,
    progress: timedelta | None = None,
    recorder: Recorder | None = None,
) -> AsyncIterator[SourceLoop | None]:
    """The source, ready to run (`once`, `sweeps` see SourceLoop); None where a dry run has no token for it."""
    saving, proving = (partial(save, name), partial(ledger.prove, name)) if save else (None, None)
    auth = make_auth(source, await ledger.token(name), saving, now, proving)
    if save is None and not auth.at_hand:
        telemetry.notice("source.left_out", source=name, reason="no valid access token at hand, and none is asked for")
        yield None
        return
    async with open_session(name, source, auth, telemetry, now, recorder=recorder) as session:
        yield SourceLoop(
            name,
            await restore_streams(name, source, ledger, now),
            session,
            ledger,
            telemetry=telemetry,
            now=now,
            concurrency=source.max_concurrency,
            once=once,
            sweeps=sweeps,
            progress=progress,
        )
