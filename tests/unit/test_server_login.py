"""How people get to the console where the server asks for a token."""

import json
import os

import httpx
import pytest
from prometheus_client import CollectorRegistry

from streamproc import scrape
from streamproc.config import Config
from streamproc.server.admission import BEARERS, COOKIE, LOGINS, Admission
from streamproc.server.announcing import show_figures
from streamproc.server.attempts import MOST_ADDRESSES, Attempts
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


async def guess(client, times, headers=FORM):
    """The answers' codes."""
    return [
        (await client.post("/login", content="token=no", headers=headers)).status_code for _ in range(times)
    ]


async def test_who_guesses_too_often_has_to_wait_even_with_the_right_token():
    """A problem for programs, a page for people, and both say for how long; then it goes on."""
    made = serving.state({"server": {"token": TOKEN}})
    async with serving.client(made) as client:
        guessed = await guess(client, LOGINS)
        made.clock.advance(20.0)
        right = await client.post("/login", content=f"token={TOKEN}", headers=FORM)
        person = await client.post("/login", content=f"token={TOKEN}", headers=FORM | BROWSER)
        made.clock.advance(40.0)
        later = await client.post("/login", content=f"token={TOKEN}", headers=FORM)

    assert guessed == [401] * LOGINS
    assert (right.status_code, right.headers["retry-after"]) == (429, "40")
    assert (
        right.headers["content-type"] == "application/problem+json" and "Wait 40 s" in right.json()["detail"]
    )
    assert (person.status_code, person.headers["retry-after"]) == (429, "40") and "Wait 40 s" in person.text
    assert later.status_code == 303


async def test_a_right_token_now_and_then_does_not_reset_the_count():
    """Whoever has one cookie may still be guessing at the token."""
    async with asking() as client:
        await guess(client, LOGINS - 1)
        right = await client.post("/login", content=f"token={TOKEN}", headers=FORM)
        codes = await guess(client, 2)

    assert (right.status_code, codes) == (303, [401, 429])


def test_others_do_not_wait_for_who_guesses():
    """Each address has a count of its own; of IPv6, each network of 64 bits."""
    seconds, wrong = [0.0], Attempts(lambda: seconds[0], most=1)
    wrong.wrong("10.0.0.1")
    wrong.wrong("2001:db8::1")

    waits = [wrong.wait(each) for each in ("10.0.0.1", "10.0.0.2", "2001:db8::ffff", "2001:db8:0:1::1")]

    assert waits == [60, 0, 60, 0]


def test_what_is_remembered_of_guesses_is_bounded():
    """The one that began first is forgotten."""
    wrong = Attempts(lambda: 0.0, most=1)
    for number in range(MOST_ADDRESSES + 1):
        wrong.wrong(f"client {number}")

    assert [wrong.wait("client 0"), wrong.wait("client 1")] == [0, 60]


async def test_programs_cannot_guess_without_end():
    """Nor does the right token help then; a cookie does, as nobody guesses that."""
    async with asking() as client:
        entered = await client.post("/login", content=f"token={TOKEN}", headers=FORM)
        bearer = {"Authorization": "Bearer no"}
        codes = {(await client.get("/v1/model", headers=bearer)).status_code for _ in range(BEARERS)}
        right = await client.get("/v1/model", headers={"Authorization": f"Bearer {TOKEN}"})
        person = await client.get("/v1/model")

    assert (entered.status_code, codes) == (303, {401})
    assert (right.status_code, right.headers["retry-after"]) == (429, "60")
    assert person.status_code == 200


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
