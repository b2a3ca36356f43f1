"""Errors of Kafka in the words of an operator: one line that says where, why, and what would help."""

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from aiokafka import errors

from outputs import OutputError, Unreachable

FAILURES = (errors.KafkaError, errors.IllegalOperation, OSError, AssertionError, AttributeError)
"""The errors that aiokafka raises when something fails: the last two where it did not expect the failure."""
_PASSING = (OSError, errors.KafkaConnectionError)
_REMEDIES: tuple[tuple[type[BaseException], str], ...] = (
    (errors.SaslAuthenticationFailed, "check sasl_username and sasl_password, or sasl_token"),
    (errors.UnsupportedSaslMechanismError, "check sasl_mechanism"),
    (errors.IllegalSaslStateError, "check security_protocol: this port wants no login"),
    (ssl.SSLCertVerificationError, "its certificate is not trusted: check ca_file, and the name in bootstrap_servers"),
    (ssl.SSLError, "check security_protocol: does this port speak TLS? And cert_file: does it take our certificate?"),
    (
        errors.TopicAuthorizationFailedError,
        "we need the rights Describe and Write on this topic, and Read where it holds the state",
    ),
    (errors.ClusterAuthorizationFailedError, "we need the right IdempotentWrite or, to create topics, Create"),
    (errors.TransactionalIdAuthorizationFailed, "we need the rights Describe and Write on this transactional id"),
    (errors.GroupAuthorizationFailedError, "we need the right Read on this group"),
    (errors.InvalidSessionTimeoutError, "session_timeout: the broker's group.min.session.timeout.ms or max forbids it"),
    (errors.InvalidTransactionTimeout, "the broker's transaction.max.timeout.ms is too short"),
)
"""The errors that only the operator can mend, each with its remedy."""
_TORN = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
_hearing: ContextVar["ErrorCollector | None"] = ContextVar("_hearing", default=None)


@contextmanager
def cancelled_by_us_alone() -> Iterator[None]:
    """Raise KafkaConnectionError where nobody cancelled our task, and aiokafka cancelled what it waits for.

    It does so when a connection breaks, and that would pass for the end of our own task, and end all others beside it.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise errors.KafkaConnectionError("the client gave up what it was asked for") from error


class ErrorCollector:
    """A collector of errors that aiokafka logs and does not raise, such as why a connection failed.

    Tasks that start while it listens are heard for as long as they live.
    """

    def __init__(self) -> None:
        self.heard: deque[BaseException] = deque(maxlen=8)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Collect what is logged in this context; forget what was collected before."""
        self.heard.clear()
        token = _hearing.set(self)
        try:
            with cancelled_by_us_alone():
                yield
        finally:
            _hearing.reset(token)

    def judge(self, place: str, error: BaseException) -> OutputError:
        """Return Unreachable for an error that may pass, and another OutputError for one that somebody has to mend."""
        causes = [cause for heard in (error, *reversed(self.heard)) for cause in _causes(heard)]
        for kind, remedy in _REMEDIES:
            found = next((cause for cause in causes if isinstance(cause, kind) and not isinstance(cause, _TORN)), None)
            if found:
                return OutputError(f"{place} refuses us ({_words(found)}): {remedy}")
        if any(isinstance(cause, _PASSING) or getattr(cause, "retriable", False) for cause in causes):
            return Unreachable(f"{place} is away: {_words(_telling(causes))}")
        return OutputError(f"{place}: {_words(_telling(causes))}")


class _Ear(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        witness = _hearing.get()
        if witness:
            logged = (*(record.args or ()), *(record.exc_info or ()))
            witness.heard.extend(part for part in logged if isinstance(part, BaseException))


logging.getLogger("aiokafka").addHandler(_Ear(logging.WARNING))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__


def _telling(causes: list[BaseException]) -> BaseException:
    """Pick the cause that says most: the system's own word, else what is no mere time-out, else the first."""
    system = (cause for cause in causes if isinstance(cause, OSError) and cause.strerror)
    spoken = (cause for cause in causes if not isinstance(cause, TimeoutError) and not _vague(cause))
    return next(system, None) or next(spoken, None) or causes[0]


def _vague(error: BaseException) -> bool:
    return isinstance(error, errors.KafkaConnectionError) and "bootstrap" in str(error)


def _cut(error: BaseException) -> bool:
    return isinstance(error, errors.KafkaConnectionError) and str(error).endswith("closed")


def _words(error: BaseException) -> str:
    if isinstance(error, asyncio.IncompleteReadError | ConnectionResetError) or _cut(error):
        return "the connection was closed before it answered: check security_protocol, if this does not pass"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, TimeoutError) and not error.strerror:
        return "no answer in time"
    text = (error.strerror if isinstance(error, OSError) else None) or " ".join(map(str, error.args))
    return " ".join(text.split()) or type(error).__name__
