"""The control socket of a running poller: made, or only looked at."""

import errno
import os
import socket
from pathlib import Path

from poller.errors import ConfigError


def listen(path: Path) -> socket.socket:
    """Make a socket at a path, for its owner alone; one that a dead process left is replaced.

    Raises ConfigError where somebody listens there, or where no socket can be made.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_dead(path)
        before = os.umask(0o177)
        try:
            sock.bind(str(path))
        finally:
            os.umask(before)
        sock.listen()
    except OSError as error:
        sock.close()
        raise _no_socket(path, error) from None
    return sock


def could_listen(path: Path) -> None:
    """Return where `listen` could make a socket, or take the place of one; makes nothing. Raises ConfigError."""
    number = 0
    if not path.parent.is_dir():
        number = errno.ENOTDIR if path.parent.exists() else errno.ENOENT
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        number = errno.EACCES
    elif path.exists() and not path.is_socket():
        number = errno.EADDRINUSE
    if number:
        raise _no_socket(path, OSError(number, os.strerror(number)))


def is_heard(path: Path) -> bool:
    """Return True where a running poller takes orders at a path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(1.0)
        try:
            caller.connect(str(path))
        except OSError:
            return False
    return True


def _no_socket(path: Path, error: OSError) -> ConfigError:
    why = error.strerror or error
    return ConfigError(f"server.control: no socket can be made at {path}: {why}; name another path there")


def _remove_dead(path: Path) -> None:
    """Remove a socket on which nobody listens. Raises OSError where somebody does."""
    if not path.is_socket():
        return  # what else is there makes binding fail
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        try:
            caller.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
