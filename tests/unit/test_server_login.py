"""How people get to the console where the server asks for a token."""

import json
import os

import httpx
import pytest
from prometheus_client import CollectorRegistry

from streamproc import scrape
from streamproc.config import Config
from streamproc.server.admission import COOKIE, Admission
from streamproc.server.announcing import show_figures
from tests import serving

TOKEN = "s3cret"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://127.0.0.1:8080"}


def asking():
    return serving.client(serving.state({"server": {"token": TOKEN}}))


async def test_a_browser_is_asked_for_the_token():
    """A page, not a problem; programs get the problem, and so does everything that is no page."""
    async with asking() as client:
        page = await client.get("/users", headers=BROWSER)
        program = await client.get("/users")
        figures = await client.get("/v1/model", headers=BROWSER)

    assert page.headers["content-type"].startswith("text/html") and "password" in page.text
    assert [program.status_code, figures.status_code] == [401, 401]


async def test_the_token_opens_everything_and_stays_where_no_script_finds_it():
    """The cookie is no token: whoever sees it cannot tell it."""
    async with asking() as client:
        answer = await client.post("/login", content=f"token={TOKEN}", headers=FORM)
        afterwards = await client.get("/v1/model")

    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 303 and answer.headers["location"] == "/"
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and TOKEN not in cookie
    assert afterwards.status_code == 200


@pytest.mark.parametrize("body", ["token=s3cre", "token=", "", "token=s3cret2", "Token=s3cret", "%ff=%00"])
async def test_another_token_opens_nothing(body):
    """And is told so."""
    async with asking() as client:
        answer = await client.post("/login", content=body, headers=FORM)
        afterwards = await client.get("/v1/model")

    assert answer.status_code == 401 and "not the token" in answer.text
    assert "set-cookie" not in answer.headers
    assert afterwards.status_code == 401


@pytest.mark.parametrize("cookie", [TOKEN, "", "0" * 64, f"{Admission(Config().server).cookie}"])
async def test_a_cookie_that_is_made_up_opens_nothing(cookie):
    """Not even that of a server without a token."""
    async with asking() as client:
        answer = await client.get("/v1/model", headers={"Cookie": f"{COOKIE}={cookie}"})

    assert answer.status_code == 401


async def test_a_page_of_others_cannot_try_tokens():
    """As it cannot send anything else."""
    async with asking() as client:
        answer = await client.post(
            "/login", content=f"token={TOKEN}", headers=FORM | {"Origin": "http://evil.example"}
        )

    assert answer.status_code == 403


@pytest.mark.parametrize("token", [None, TOKEN])
def test_status_finds_the_figures_with_and_without_a_token(tmp_path, token):
    """With one, on loopback at a port of their own, without a password like those of every part."""
    config = Config(data_dir=tmp_path, server={"token": token})
    registry = CollectorRegistry()
    serving.ServerMetrics(registry).ready.set(1)

    show_figures(config, registry, "http://127.0.0.1:8080", token is not None)

    entry = json.loads((tmp_path / "run" / "server.json").read_text())
    assert entry["pid"] == os.getpid()
    assert scrape.page(tmp_path) == "http://127.0.0.1:8080"
    if token is None:
        assert entry["metrics"] == "http://127.0.0.1:8080/metrics"
    else:
        assert scrape.scrape(tmp_path).highest("server", "ready") == 1.0
        assert httpx.get(entry["metrics"]).status_code == 200
