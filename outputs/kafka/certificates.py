"""Certificates in files that are renewed while clients live: each new connection takes them as they are then."""

import ssl
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeAlias

from outputs import OutputError

_Version: TypeAlias = list[tuple[int, int, int]]


class RenewedContext(ssl.SSLContext):
    """A TLS context of the authorities in `ca_file`, and of our certificate and its key.

    Clients of aiokafka are given a context once, for all connections of their lives; renewed certificates, as those of
    cert-manager, would never reach them. While new files cannot be read, what was read before counts.
    """

    def __new__(cls, ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> Self:
        """Make a context for a client."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> None:
        """Read the files. Raises OutputError where that cannot be done."""
        self._files = ca_file, cert_file, key_file
        self._seen = _version([file for file in self._files if file])
        self._context = _read(*self._files)

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        """Begin a connection, as `ssl.SSLContext.wrap_bio` does; asyncio calls nothing else."""
        seen = _version([file for file in self._files if file])
        if seen != self._seen:
            with suppress(OutputError):  # of half a renewal: the next connection reads again
                self._context, self._seen = _read(*self._files), seen
        return self._context.wrap_bio(*args, **options)


def _version(files: Collection[Path]) -> _Version:
    found = []
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            continue
        found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return found


def _read(ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> ssl.SSLContext:
    reading = ca_file
    try:
        context = ssl.create_default_context(cafile=reading)
        if cert_file:
            reading = cert_file
            # With no password given, OpenSSL would ask the terminal for that of an encrypted key.
            context.load_cert_chain(cert_file, key_file, password="")
    except OSError as error:
        and_key = f" with {key_file}" if reading == cert_file and key_file else ""
        raise OutputError(f"{reading}{and_key}: PEM that can be read is needed: {error.strerror or error}") from None
    return context
