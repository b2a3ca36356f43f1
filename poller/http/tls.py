"""Whom a source trusts: TLS contexts, shared by all who trust the same authorities."""

import ssl
from pathlib import Path

import certifi

from poller.errors import ConfigError

_Version = tuple[int, int, int] | None
_contexts: dict[Path | None, tuple[_Version, ssl.SSLContext]] = {}


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return the context that trusts the authorities in `ca_file`, or Mozilla's list; nothing from the environment.

    All who trust the same share one context, for its certificates take most of a megabyte. The file is read again
    once it has changed. Raises ConfigError where it cannot be read or holds no certificates.
    """
    try:
        version = _version(ca_file)
        known = _contexts.get(ca_file)
        if known is None or known[0] != version:
            known = _contexts[ca_file] = (version, _read_certificates(ca_file))
    except OSError:  # an SSLError is one
        raise ConfigError(f"ca_file: {ca_file} holds no certificates; PEM is what it takes") from None
    return known[1]


def _version(path: Path | None) -> _Version:
    if path is None:
        return None
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read_certificates(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # `create_default_context` would obey SSLKEYLOGFILE
    context.load_verify_locations(cafile=str(ca_file or certifi.where()))
    return context
