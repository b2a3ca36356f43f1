"""The first request that a pass would make, found out without asking anybody."""

from collections.abc import Collection, Mapping
from urllib.parse import unquote_plus, urlencode

from poller.plugin.stream import Cursor, Fetch, Http, Response, Window


async def first_request(
    fetch: Fetch, cursor: Cursor | None, asked: Window, base_url: str
) -> tuple[str | None, str | None]:
    """The request, readable and without credentials, and in which zone its times are; None where none is made."""
    try:
        async for _ in fetch(_Noted(), cursor, asked):
            pass
    except _AskedError as request:
        query = unquote_plus(urlencode(request.params, safe=" :,"))
        zone = next((value for name, value in request.params.items() if "zone" in name and value != "UTC"), None)
        return f"GET {base_url}{request.path}{'?' if query else ''}{query}", zone and f"its times are those of {zone}"
    return None, None


class _AskedError(Exception):
    """A request would be made now."""

    def __init__(self, path: str, params: Mapping[str, str]) -> None:
        super().__init__(path)
        self.path, self.params = path, params


class _Noted(Http):
    """A session that asks nobody: it breaks off at the first request."""

    async def get(self, path: str, params: Mapping[str, str], *, accept: Collection[int] = (200,)) -> Response:
        """Raise what would be asked."""
        raise _AskedError(path, params)

    def answered(self, path: str) -> bool:
        """Return False: nobody has been asked."""
        return False
