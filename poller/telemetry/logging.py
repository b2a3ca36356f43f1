"""The set-up of logging: JSON for machines, columns for a person at a terminal."""

import logging
import os
from collections.abc import MutableMapping
from contextlib import suppress
from json import dumps
from typing import Any, TextIO

import orjson
import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.typing import Processor, WrappedLogger

from outputs.escapes import escape_controls
from poller.redaction import SECRETS

_LONGEST = 4000
"""The most characters of one value: an error may quote what a vendor sent, and none of that is logged whole."""
_NAMES = frozenset({"event", "level", "timestamp", "source", "stream", "sweep", "output", "outcome"})
"""Keys whose values are words of ours, or names of the user's choice, which are no secrets."""


def configure_logging(stream: TextIO, json: bool | None = None) -> None:
    """Send every log line to `stream`, as JSON unless it is a terminal (`json` overrules that).

    That goes for the whole process: warnings and errors of libraries too, logged or warned. A line that cannot be
    written is lost, and nothing else with it. May be called again. NO_COLOR, set to anything, leaves colours out
    (https://no-color.org).
    """
    terminal, plain = stream.isatty(), bool(os.environ.get("NO_COLOR"))
    lines = _Lines(stream)
    structlog.configure(
        processors=_processors(colors=terminal and not plain, json=not terminal if json is None else json),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,  # configuring again reaches the loggers that exist
    )
    root = logging.getLogger()
    root.handlers[:] = [_Forward()]
    root.setLevel(logging.WARNING)  # httpx logs every address at INFO, and some vendors want their key in the query
    logging.getLogger("aiokafka").propagate = False  # a line per attempt; outputs.kafka hears it, and says it once
    logging.captureWarnings(True)


def _processors(*, colors: bool, json: bool) -> list[Processor]:
    # No traceback renderer that shows local variables (both of structlog's rich ones do): a secret is one.
    console = ConsoleRenderer(colors=colors, repr_native_str=True, exception_formatter=plain_traceback, sort_keys=False)
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hide_secrets,
        _shorten,
        structlog.processors.JSONRenderer(serializer=_dumps) if json else console,
    ]


def _hide_secrets(_: WrappedLogger, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if level != "info":  # which tells of no error; and some of it is said of every page
        for key, value in event.items():
            if isinstance(value, str) and key not in _NAMES:
                event[key] = SECRETS.hide(value)
    return event


def _shorten(_: WrappedLogger, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str) and len(value) > _LONGEST:
            event[key] = f"{value[: _LONGEST // 2]} … {value[-_LONGEST // 2 :]}"
    return event


def _dumps(event: MutableMapping[str, Any], **_: object) -> str:
    return escape_controls(_json(event))


def _json(event: MutableMapping[str, Any]) -> str:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z).decode()
    except TypeError:  # half a surrogate pair, a number beyond 64 bits, a key that is no string
        return dumps(event, default=str, ensure_ascii=False).encode("utf-8", "replace").decode()


class _Lines:
    """A stream as structlog wants it: one method a level, one write a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def info(self, line: str) -> None:
        with suppress(OSError, ValueError):  # a closed pipe, a full disk, a closed file: polling matters more
            self._stream.write(line + "\n")
            self._stream.flush()

    warning = error = info


class _Forward(logging.Handler):
    """A handler that turns what libraries log into lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger()
        log = logger.error if record.levelno >= logging.ERROR else logger.warning
        log("library.warned", logger=record.name, message=_message(record), exc_info=record.exc_info)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # arguments that do not fit their format: the library's bug, not our end
        return str(record.msg)
