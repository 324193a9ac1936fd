"""The page on which a person shows the token to a browser, where there is one."""

from html import escape
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from streamproc.logs import get_logger
from streamproc.server.admission import COOKIE, Admission
from streamproc.server.problems import answer as problem

logger = get_logger(__name__)

PATH = "/login"
WRONG = "That is not the token."
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>streamproc</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>body{{font:16px system-ui;max-width:22rem;margin:20vh auto;padding:0 1rem}}
input,button{{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;margin:.3rem 0}}</style>
<h1>streamproc</h1><form method="post" action="/login">
<label for="token">The server's token (server.token)</label>
<input id="token" name="token" type="password" autocomplete="current-password" autofocus required>
<button>Open the console</button><p role="alert">{said}</p></form></html>"""

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def ask() -> Response:
    """Ask for the token."""
    return _page()


@router.post(PATH)
async def take(request: Request) -> Response:
    """A cookie for the token; no script can read it, and no other page's request carries it."""
    admission: Admission = request.app.state.admission
    address = request.client.host if request.client else ""
    if seconds := admission.typed.wait(address):
        return _too_many(request, seconds)
    given = parse_qs((await request.body()).decode("utf-8", "replace")).get("token", [""])[0]
    if admission.needed and not admission.is_token(given.encode()):
        admission.typed.wrong(address)
        logger.warning("a wrong token was typed", address=address)
        return _page(WRONG, 401)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        COOKIE, admission.cookie, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return answer


def _too_many(request: Request, seconds: int) -> Response:
    """Whatever the token: who guesses must not learn from the answer."""
    words = f"Too many wrong tokens from this address. Wait {seconds} s."
    if "text/html" in request.headers.get("accept", ""):
        answer = _page(words, 429)
    else:
        answer = problem(429, words, PATH)
    answer.headers["retry-after"] = str(seconds)
    return answer


def _page(said: str = "", status: int = 200) -> Response:
    return HTMLResponse(PAGE.format(said=escape(said)), status)
