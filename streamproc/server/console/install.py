"""The console as part of the server's app: its pages, and the little that runs in the background for them."""

import asyncio
import secrets
from collections.abc import Callable

from fastapi import FastAPI
from nicegui import app as pages
from nicegui import ui

from streamproc.server.console import data_health, frame, items, model, overview, system, users
from streamproc.server.sampling import History
from streamproc.server.state import ServerState

CONTENTS: dict[str, Callable[[ServerState, History], None]] = {
    "/": overview.build,
    "/users": users.build,
    "/items": items.build,
    "/model": model.build,
    "/data": data_health.build,
    "/system": system.build,
}


def install(app: FastAPI, state: ServerState, history: History) -> None:
    """Pages at their paths; everything they load comes from this server."""
    for path, title, _ in frame.PAGES:
        _page(path, title, state, history)
    watching: list[asyncio.Task[None]] = []
    pages.on_startup(lambda: watching.append(asyncio.ensure_future(history.run())))
    pages.on_shutdown(lambda: [task.cancel() for task in watching])
    ui.run_with(app, title="streamproc", dark=None, show_welcome_message=False,
                storage_secret=secrets.token_hex(16))  # fmt: skip


def _page(path: str, title: str, state: ServerState, history: History) -> None:
    @ui.page(path, title=f"{title} · streamproc", dark=None)
    def contents() -> None:
        with frame.page(path, title):
            CONTENTS[path](state, history)
