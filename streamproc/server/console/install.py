"""The console as part of the server's app: its pages, and the little that runs in the background for them."""

import asyncio
import secrets
from collections.abc import Callable
from functools import partial

from fastapi import FastAPI
from nicegui import app as pages
from nicegui import ui

from streamproc.server.confirming import Confirming
from streamproc.server.console import data_health, frame, items, model, overview, system, users
from streamproc.server.holders import WorkerGroup
from streamproc.server.orders import Orders
from streamproc.server.sampling import History
from streamproc.server.state import ServerState

Build = Callable[[ServerState, History], None]


def install(app: FastAPI, state: ServerState, history: History) -> None:
    """Pages at their paths; everything they load comes from this server."""
    orders = Orders(state.config, state.clock)
    contents: dict[str, Build] = {
        "/": overview.build,
        "/users": users.build,
        "/items": items.build,
        "/model": partial(model.build, orders=orders, confirming=Confirming(app.state.admission)),
        "/data": data_health.build,
        "/system": partial(system.build, group=WorkerGroup(state.config, state.clock)),
    }
    for path, title, _ in frame.PAGES:
        _page(path, title, partial(contents[path], state, history))
    watching: list[asyncio.Task[None]] = []
    pages.on_startup(lambda: watching.append(asyncio.ensure_future(history.run())))
    pages.on_shutdown(lambda: [task.cancel() for task in watching])
    ui.run_with(app, title="streamproc", dark=None, show_welcome_message=False,
                storage_secret=secrets.token_hex(16))  # fmt: skip


def _page(path: str, title: str, build: Callable[[], None]) -> None:
    @ui.page(path, title=f"{title} · streamproc", dark=None)
    def contents() -> None:
        with frame.page(path, title):
            build()
