"""The connection to a Kafka cluster: the keys of the configuration that outputs and the state share."""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

import aiokafka.admin.client
import aiokafka.client
from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.protocol.metadata import MetadataRequest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, model_validator

from outputs.kafka.certificates import RenewedContext

Protocol: TypeAlias = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism: TypeAlias = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]

REQUEST_TIMEOUT = 5.0
"""Seconds for one connection, and for one answer."""
LOGIN = ("sasl_username", "sasl_password", "sasl_token")
_SCHEMES: Mapping[Mechanism, Mapping[str, str]] = {
    "PLAIN": {"type": "plain"},
    "SCRAM-SHA-256": {"type": "scramSha256"},
    "SCRAM-SHA-512": {"type": "scramSha512"},
    "OAUTHBEARER": {"type": "http", "scheme": "bearer"},
}
_FILES = ("ca_file", "cert_file", "key_file")

# Where the broker makes topics by itself, aiokafka's every look at a topic would make it, with whatever settings the
# broker thinks of, and there is no option that forbids it: https://kafka.apache.org/protocol#The_Messages_Metadata
for _module in (aiokafka.client, aiokafka.admin.client):
    _module.MetadataRequest = partial(MetadataRequest, allow_auto_topic_creation=False)


async def _open(*place: Any, on_close: Any = None, **options: Any) -> Any:
    """Connect. Who waits for an answer of the first connection of a client, and is cancelled, closes it.

    aiokafka leaves it open until it is collected, and then logs that; its client knows of no such connection yet
    (`AIOKafkaClient.bootstrap` of 0.14, which names no `on_close`).
    """
    connection = await create_conn(*place, on_close=on_close, **options)
    if on_close is None:
        connection.send = partial(_ask, connection)
    return connection


async def _ask(connection: Any, request: Any) -> Any:
    try:
        return await AIOKafkaConnection.send(connection, request)
    except asyncio.CancelledError:
        connection.close()
        raise


aiokafka.client.create_conn = _open


def _servers(text: str) -> str:
    servers = [server.strip() for server in text.split(",")]
    for server in servers:
        host, colon, port = server.rpartition(":")
        sound = host and colon and port.isascii() and port.isdecimal() and 0 < int(port) < 65536
        if not sound or not host.isprintable() or " " in host or "/" in host:
            raise ValueError("one or more brokers go here, such as kafka-1:9092,kafka-2:9092")
    return ",".join(servers)


def _filled(secret: SecretStr) -> SecretStr:
    """A file that holds a secret may end in a line break."""
    value = secret.get_secret_value().strip("\r\n")
    if not value or not value.isprintable():
        raise ValueError("a credential is one line and not empty: is its environment variable set?")
    return SecretStr(value)


Servers = Annotated[str, AfterValidator(_servers)]
Secret = Annotated[SecretStr, AfterValidator(_filled)]


class Cluster(BaseModel):
    """A cluster and how we log in: by a name and a password, a token, a certificate, or not at all."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    bootstrap_servers: Annotated[Servers, Field(examples=["localhost:9092"])]
    security_protocol: Protocol = "PLAINTEXT"
    sasl_mechanism: Mechanism = "PLAIN"
    sasl_username: Annotated[str, Field(min_length=1)] | None = None
    sasl_password: Secret | None = None
    sasl_token: Secret | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    _renewed: "Cluster | None" = PrivateAttr(None)

    def renew(self, login: "Cluster") -> None:
        """Log in as another configuration says, of the same cluster, from the next connection on.

        Connections that are open stay as they are: no batch that is on its way is lost.
        """
        self._renewed = login

    @property
    def login(self) -> "Cluster":
        """The configuration that says how we log in now."""
        return self._renewed or self

    @property
    def place(self) -> str:
        """The cluster in words, for errors."""
        return f"Kafka at {self.bootstrap_servers}"

    @property
    def reach(self) -> tuple[Any, ...]:
        """Return what tells apart clusters, and our rights there."""
        servers = frozenset(self.bootstrap_servers.split(","))
        return servers, *(getattr(self, name) for name in Cluster.model_fields if name != "bootstrap_servers")

    def login_scheme(self) -> dict[str, str] | None:
        """Return how one logs in, in the words of AsyncAPI; None where nobody does."""
        if self.security_protocol.startswith("SASL"):
            return dict(_SCHEMES[self.sasl_mechanism])
        return {"type": "X509"} if self.cert_file else None

    def connection(self) -> dict[str, Any]:
        """Return the options of every client of aiokafka. Raises OutputError if a certificate cannot be read."""
        tls = self.security_protocol.endswith("SSL")
        return {
            "bootstrap_servers": self.bootstrap_servers,
            "request_timeout_ms": int(REQUEST_TIMEOUT * 1000),
            "security_protocol": self.security_protocol,
            "ssl_context": RenewedContext(self.ca_file, self.cert_file, self.key_file) if tls else None,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.login.sasl_username,
            "sasl_plain_password": self.login.sasl_password and self.login.sasl_password.get_secret_value(),
            "sasl_oauth_token_provider": _Token(self) if self.sasl_token else None,
        }

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Refuse a key that the protocol has no use for, and miss one that it needs."""
        sasl, tls = self.security_protocol.startswith("SASL"), self.security_protocol.endswith("SSL")
        needed = self._needed() if sasl else frozenset()
        for key in LOGIN:
            if key in needed and getattr(self, key) is None:
                raise ValueError(f"{key}: {self.sasl_mechanism} needs this key")
            if key not in needed and getattr(self, key) is not None:
                by = f"sasl_mechanism {self.sasl_mechanism}" if sasl else f"security_protocol {self.security_protocol}"
                raise ValueError(f"{key}: means nothing with {by}")
        for key in _FILES:
            if not tls and getattr(self, key):
                raise ValueError(f"{key}: means nothing with security_protocol {self.security_protocol}")
        if self.key_file and not self.cert_file:
            raise ValueError("cert_file: the certificate of this key_file is needed")
        return self

    def _needed(self) -> frozenset[str]:
        return frozenset(LOGIN[2:] if self.sasl_mechanism == "OAUTHBEARER" else LOGIN[:2])


class _Token(AbstractTokenProvider):  # type: ignore[misc] # aiokafka has no types
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def token(self) -> str:
        token = self._cluster.login.sasl_token
        return token.get_secret_value() if token else ""
