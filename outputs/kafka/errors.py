"""What a failure of Kafka means to its operator: one line that says where, why, and what would help."""

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
"""What aiokafka raises when something fails: the last two where it did not reckon with it."""
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
"""What only the operator can mend."""
_TORN = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
_hearing: ContextVar["ErrorCollector | None"] = ContextVar("_hearing", default=None)


class ErrorCollector:
    """Hears what aiokafka does not raise: why a connection failed stands in its log alone.

    Tasks that are started while it listens are heard for as long as they live.
    """

    def __init__(self) -> None:
        self.heard: deque[BaseException] = deque(maxlen=8)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear what is logged in here, and forget what was before."""
        self.heard.clear()
        token = _hearing.set(self)
        try:
            yield
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled us: aiokafka cancelled what we wait for, which would pass for the end of our own task.
            raise errors.KafkaError("the client gave up what it was asked for") from error
        finally:
            _hearing.reset(token)

    def judge(self, place: str, error: BaseException) -> OutputError:
        """Make of an error what the caller is to do: Unreachable is waited for, any other OutputError is mended."""
        causes = [cause for one in (error, *reversed(self.heard)) for cause in _causes(one)]
        for kind, remedy in _REMEDIES:
            found = next((one for one in causes if isinstance(one, kind) and not isinstance(one, _TORN)), None)
            if found:
                return OutputError(f"{place} refuses us ({_words(found)}): {remedy}")
        if any(isinstance(one, _PASSING) or getattr(one, "retriable", False) for one in causes):
            return Unreachable(f"{place} is away: {_words(_telling(causes))}")
        return OutputError(f"{place}: {_words(_telling(causes))}")


class _Ear(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        witness = _hearing.get()
        if witness:
            told = (*(record.args or ()), *(record.exc_info or ()))
            witness.heard.extend(one for one in told if isinstance(one, BaseException))


logging.getLogger("aiokafka").addHandler(_Ear(logging.WARNING))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__


def _telling(causes: list[BaseException]) -> BaseException:
    """Pick the cause that says most: the system's own word, else what is no mere time-out, else the first."""
    system = (one for one in causes if isinstance(one, OSError) and one.strerror)
    spoken = (one for one in causes if not isinstance(one, TimeoutError) and not _vague(one))
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
