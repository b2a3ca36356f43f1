"""Any list endpoint that answers in JSON, described in the configuration: docs/rest.md."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from poller.plugin import Credential, Http, Source, StaticHeaders, Stream, ZoneName, bearer
from poller.sources.rest.settings import ONLY_WORDS, Auth, StreamFields, Word
from poller.sources.rest.streams import Description


class Rest(Source):
    """An account of any vendor whose lists are described here."""

    type: Literal["rest"]
    auth: Auth = Auth()
    fixed_headers: dict[str, str] = Field(default={}, alias="headers")
    timezone: ZoneName | None = None
    rate_limit_headers: str | None = None
    streams: Annotated[dict[Word, StreamFields], Field(min_length=1, json_schema_extra=ONLY_WORDS)]

    @property
    def headers(self) -> dict[str, str]:
        """The fixed headers."""
        return self.fixed_headers

    def credential(self) -> Credential:
        """Return the credential as the configuration has it."""
        headers = dict(self.auth.headers)
        if self.auth.bearer:
            headers |= bearer(self.auth.bearer).headers
        if self.auth.basic:
            pair = f"{self.auth.basic.username.get_secret_value()}:{self.auth.basic.password.get_secret_value()}"
            headers["Authorization"] = SecretStr(f"Basic {b64encode(pair.encode()).decode()}")
        return StaticHeaders(headers, self.auth.params)

    def build_streams(self) -> Sequence[Stream]:
        """Build the described streams."""
        return [
            Description(name, stream, self.timezone, self.default_region).build()
            for name, stream in self.streams.items()
        ]

    async def probe(self, http: Http) -> str:
        """Ask for one page of the first list."""
        raise NotImplementedError
