"""`poller sandbox --replay`: serves a recording, and says how a poller reads it."""

from collections.abc import Callable
from pathlib import Path

import anyio

from poller.clock import utc_now
from poller.commands.demo import listen
from poller.commands.lifecycle import stop_signals
from poller.commands.replay_config import TOKEN_PATH, config_text
from poller.errors import ConfigError
from poller.recording.file import Exchange, Header, RecordingError, read_recording
from poller.recording.matching import Tape
from poller.sandbox import server as serving
from poller.sandbox.replay import Replay


async def replay(path: Path, *, port: int, say: Callable[[str], None], show: Callable[[str], None]) -> int:
    """Serve a recording until a signal; `say` where it is and what is asked in vain, `show` a configuration for it.

    Raises ConfigError where the file is no recording, or the port is taken.
    """
    with listen(port) as sock:
        at = f"http://127.0.0.1:{sock.getsockname()[1]}"
        header, exchanges, config = load(path, at)
        tape = Tape(exchanges, header.credential_params)
        app = Replay(
            tape, header.base_path, TOKEN_PATH, lambda asked: say(f"replay: nothing like this was recorded: {asked}")
        )
        with stop_signals() as signals:
            async with anyio.create_task_group() as around:
                around.start_soon(serving.serve_app, sock, app)
                show(config.rstrip())
                say(
                    f"replay: {at}: {len(exchanges):,} answers to {header.type}, recorded {header.recorded_at}. "
                    "Save the configuration on standard output as replay.yaml: `poller run --once -c replay.yaml`"
                )
                await anext(signals)
                around.cancel_scope.cancel()
    say(f"replay: {tape.left:,} of {len(exchanges):,} answers were not asked for")
    return 0


def load(path: Path, at: str) -> tuple[Header, list[Exchange], str]:
    """Read a recording; also return a configuration for its replay at this origin. Raises ConfigError."""
    try:
        header, exchanges = read_recording(path)
        return header, exchanges, config_text(header, at, utc_now())
    except (OSError, RecordingError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"--replay: {path}: {why}") from None
