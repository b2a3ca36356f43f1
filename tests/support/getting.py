"""A double of a session that is only asked by GET."""

from collections.abc import Collection
from typing import cast

from poller.plugin.stream import Http, Query, Response


class Getting(Http):
    """Gives to `get` what it is asked; a double has but that to write."""

    async def ask(
        self, path: str, query: Query, *, body: bytes | None = None, accept: Collection[int] = (200,)
    ) -> Response:
        assert body is None, path
        return await self.get(path, cast("dict[str, str]", query), accept=accept)
