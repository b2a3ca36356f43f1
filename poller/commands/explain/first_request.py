"""The first request that a pass would make, found out without asking anybody."""

from collections.abc import Collection
from urllib.parse import unquote_plus, urlencode

from poller.plugin.stream import Cursor, Fetch, Http, Query, Response, Window
from poller.redaction import SECRETS


async def first_request(
    fetch: Fetch, cursor: Cursor | None, asked: Window, base_url: str
) -> tuple[str | None, str | None]:
    """The request, readable and without credentials, and in which zone its times are; None where none is made."""
    try:
        async for _ in fetch(_Noted(), cursor, asked):
            pass
    except _AskedError as request:
        params = {} if isinstance(request.query, str) else request.query
        query = unquote_plus(urlencode(params, safe=" :,", doseq=True))
        zone = next((str(value) for name, value in params.items() if "zone" in name and value != "UTC"), None)
        method, body = ("GET", "") if request.body is None else ("POST", f" {request.body.decode()}")
        text = f"{method} {base_url}{request.path}{'?' if query else ''}{query}{body}"
        return text, zone and f"its times are those of {zone}"
    return None, None


async def request_in_words(
    fetch: Fetch, cursor: Cursor | None, asked: Window, base_url: str
) -> tuple[str | None, str | None]:
    """Return what `first_request` does; where a package's code fails before it asks, what it fails with."""
    try:
        return await first_request(fetch, cursor, asked, base_url)
    except Exception as error:  # noqa: BLE001  a bug costs what is said of its own sweep
        return SECRETS.hide(f"none, for a bug: {type(error).__name__}: {error}"), None


class _AskedError(Exception):
    """A request would be made now."""

    def __init__(self, path: str, query: Query, body: bytes | None) -> None:
        super().__init__(path)
        self.path, self.query, self.body = path, query, body


class _Noted(Http):
    """A session that asks nobody: it breaks off at the first request."""

    async def ask(
        self, path: str, query: Query, *, body: bytes | None = None, accept: Collection[int] = (200,)
    ) -> Response:
        """Raise what would be asked."""
        raise _AskedError(path, query, body)

    def answered(self, path: str) -> bool:
        """Return False: nobody has been asked."""
        return False
