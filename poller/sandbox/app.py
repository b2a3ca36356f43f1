"""The sandbox as one ASGI application: every vendor under its own path, and the controls under /_sandbox."""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp

from poller.sandbox.api.backend import Desk, json_answer
from poller.sandbox.faults import Front, Log
from poller.sandbox.registry import VENDORS
from poller.sandbox.world.breaches import BREACHES
from poller.sandbox.world.truth import History
from poller.sandbox.world.vices import AMOUNTS, RATES, Vices
from poller.sandbox.world.world import World


def sandbox(world: World, vices: Vices | None = None) -> ASGIApp:
    """Return all vendors over this world: Callcap under `/callcap`, and so on; `vices` replace the world's own."""
    if vices is not None:
        world.vices = vices
    log = Log()
    lost = HTMLResponse("<h1>Not Found</h1>", 404)
    mounts = [
        Mount(f"/{vendor.name}", Router(vendor.routes(Desk(vendor.name, world)), redirect_slashes=False, default=lost))
        for vendor in VENDORS
    ]
    inner = Starlette(routes=[Mount("/_sandbox", routes=_controls(world, log)), *mounts])
    inner.router.redirect_slashes = False
    return Front(inner, world, log)


def _controls(world: World, log: Log) -> list[Route]:
    async def truth(request: Request) -> Response:
        query = request.query_params
        try:
            view = tuple(query["view"].split(",")) if "view" in query else None
            told = world.truth(query.get("stream", ""), view)
        except KeyError:
            return json_answer({"message": "no such stream"}, 404)
        return json_answer({"now": world.now(), "records": {name: _told(history) for name, history in told.items()}})

    async def vices(request: Request) -> Response:
        if request.method == "POST":
            try:
                world.vices.set(await request.json())
            except (ValueError, AttributeError) as error:
                return json_answer({"message": str(error)}, 422)
        return json_answer({"set": world.vices.settings(), "known": RATES, "breaches": BREACHES, "amounts": AMOUNTS})

    async def quiet(request: Request) -> Response:
        world.quiet()
        world.vices.clear()
        return json_answer({"now": world.now()})

    async def tail(request: Request) -> Response:
        return json_answer(log.since(int(request.query_params.get("since", "0"))))

    return [
        Route("/truth", truth),
        Route("/vices", vices, methods=["GET", "POST"]),
        Route("/quiet", quiet, methods=["POST"]),
        Route("/log", tail),
    ]


def _told(history: History) -> Mapping[str, object]:
    versions = [
        {"at": shown.at, "deleted": shown.deleted, "vices": shown.vices, "record": shown.record}
        for shown in history.versions
    ]
    return {"first_visible": history.first_visible, "vanished": history.deletion_event, "versions": versions}
