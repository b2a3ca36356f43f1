"""Posts every batch to an address, a message a line: at least once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, Self

import httpx
from pydantic import SecretStr

from outputs import Duration, Message, OutputConfig, OutputError, StreamRef, Undeliverable, Unreachable


class WebhookConfig(OutputConfig):
    API = 1
    type: Literal["webhook"]
    address: str
    token: SecretStr = SecretStr("")
    timeout: Duration = timedelta(seconds=10)

    def open(self, marks: Mapping[str, bytes], places: Collection[StreamRef] = ()) -> "Webhook":
        return Webhook(self)

    def check(self, marks: Mapping[str, bytes] | None = None) -> str:
        try:
            return f"{self.address} answers: HTTP {httpx.head(self.address).status_code}"
        except httpx.HTTPError as error:
            raise Unreachable(f"{self.address} does not answer: {error}") from None

    def destinations(self) -> Sequence[str]:
        return [self.address]


class Webhook:
    exact = False  # what was posted cannot be taken back
    notices: Sequence[str] = ()

    def __init__(self, config: WebhookConfig) -> None:
        headers = {"Content-Type": "application/jsonl", "Authorization": config.token.get_secret_value()}
        self._client = httpx.AsyncClient(timeout=config.timeout.total_seconds(), headers=headers)
        self._address = config.address

    async def __aenter__(self) -> Self:
        return self

    def announce(self, batch: Sequence[Message]) -> dict[str, bytes | None]:
        return {}

    async def write(self, batch: Sequence[Message]) -> dict[str, bytes | None]:
        try:
            answer = await self._client.post(self._address, content=b"".join(m.value + b"\n" for m in batch))
        except httpx.HTTPError as error:
            raise Unreachable(f"{self._address} does not answer: {error!r}") from None
        if answer.status_code == 413 and len(batch) == 1:
            raise Undeliverable(f"{self._address}: the message is too large", batch)
        if not answer.is_success:
            raise OutputError(f"{self._address} refuses: HTTP {answer.status_code}")
        return {}

    async def __aexit__(self, *exc: Any) -> None:
        await self._client.aclose()
