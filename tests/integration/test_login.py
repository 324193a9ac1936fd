"""The login as people meet it: a real browser before the guarded server, which needs no Kafka for that."""

import socket
import threading

import pytest
import uvicorn
from prometheus_client import CollectorRegistry

from streamproc.server.app import guarded, make_app
from tests import serving
from tests.browser import MISSING, Watched, browser, chromium
from tests.integration.supervised import wait_until

pytestmark = pytest.mark.skipif(chromium() is None, reason=MISSING)

TOKEN = "s3cret"


@pytest.fixture
def address():
    """Of a server that asks for a token."""
    app = guarded(make_app(serving.state({"server": {"token": TOKEN}}), CollectorRegistry()))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    wait_until(lambda: server.started, "the server answers")
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


def test_a_browser_gets_in_by_the_token_alone(address):
    """A browser says of its own accord whose page sends a form, and that has to be ours."""
    with browser() as chrome:
        page = Watched(chrome).page
        page.goto(address + "/docs")
        field = page.get_by_label("The server's token")

        field.fill("another")
        field.press("Enter")
        page.get_by_text("That is not the token.").wait_for()
        refused = page.goto(address + "/v1/model")
        page.goto(address + "/docs")
        field.fill(TOKEN)
        with page.expect_navigation():
            field.press("Enter")
        let_in = page.goto(address + "/v1/model")

    assert (refused.status, let_in.status) == (401, 200)
