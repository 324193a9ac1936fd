"""The HTTP app: routes, errors and documentation around one state."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from streamproc.server import events, health, items, login, problems, recommending
from streamproc.server.admission import Admission
from streamproc.server.guard import Guard
from streamproc.server.newest import Newest
from streamproc.server.state import ServerState

ABOUT = "Recommendations that change with every event, and why. Events go in, slates come out."


def make_app(state: ServerState, registry: CollectorRegistry) -> FastAPI:
    """The app without its guard; the docs at /docs need nothing from other machines."""

    @asynccontextmanager
    async def following(_: FastAPI) -> AsyncIterator[None]:
        state.start()
        yield
        await state.close()

    app: FastAPI = FastAPIOffline(
        title="streamproc", version=_version(), description=ABOUT, lifespan=following, redoc_url=None
    )
    app.state.streamproc = state
    app.state.registry = registry
    app.state.admission = Admission(state.config.server, state.clock)
    problems.install(app)
    for part in (recommending, items, events, health, login):
        app.include_router(part.router)
    return app


def guarded(app: FastAPI) -> ASGIApp:
    """The app behind its guard."""
    state: ServerState = app.state.streamproc
    return Guard(Newest(app, state), state.config.server, app.state.admission, state.metrics)


def _version() -> str:
    try:
        return version("streamproc")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "unknown"
