"""Types of a source's configuration values; each check raises a ValueError that says what would be right."""

import ssl
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from outputs.units import but, duration
from poller.plugin.fields.phones import region_code
from poller.plugin.fields.times import read_time


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not text.isprintable() or " " in text:
        raise ValueError("an address begins with http:// or https:// and names a host, such as https://api.example.com")
    if "@" in parts.netloc or "?" in text or "#" in text:
        raise ValueError("an address holds no user, no query and no fragment: credentials have keys of their own")
    return text


def _origin(text: str) -> str:
    return _address(text).rstrip("/")


def _proxy(text: str) -> str:
    scheme, _, rest = text.partition("://")
    _address(f"{scheme}://{rest.rpartition('@')[2]}")
    return text


def _readable(path: Path) -> Path:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError as error:
        raise ValueError(f"a file of certificates in PEM that can be read: {error.strerror or error}") from None
    return path


def _droppable(path: str) -> str:
    first, *rest = path.split(".")
    if first != "data" or not rest or not all(rest) or rest[0] == "id":
        raise ValueError("a dotted path into data, such as data.raw.caller.name; data.id stays")
    return path


def _filled(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value().strip()
    if not value or not value.isascii() or not value.isprintable():
        raise ValueError("a credential is one line of ASCII and not empty: is its environment variable set?")
    return SecretStr(value)


def read_start(text: str) -> timedelta | datetime | None:
    """Read `start`: how long before the first poll, or when; None for `all`."""
    if text == "all":
        return None
    try:
        return duration(text)
    except ValueError:
        found = read_time(text)
    if found is None:
        wanted = "a duration such as 24h, a time with its offset such as 2026-03-14T09:00:00Z, or all"
        raise ValueError(f"{wanted}{but(text)}")
    return found


def _start(value: object) -> str:
    read_start(text := str(value))  # YAML reads times by itself
    return text


Address = Annotated[str, AfterValidator(_address)]
Origin = Annotated[str, AfterValidator(_origin)]
Proxy = Annotated[str, AfterValidator(_proxy)]
Certificates = Annotated[Path, AfterValidator(_readable)]
Droppable = Annotated[str, AfterValidator(_droppable)]
Secret = Annotated[SecretStr, AfterValidator(_filled)]
Start = Annotated[str, BeforeValidator(_start)]
Region = Annotated[str, AfterValidator(region_code)]
