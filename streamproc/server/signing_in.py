"""The token for people: a page that asks for it, and a cookie that only this server gets back."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from streamproc.server import guard
from streamproc.server.recommending import state_of

PATH = "/login"
COOKIE = "streamproc_token"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>streamproc</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>body { font: 16px/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh }
form { display: grid; gap: 12px; width: min(340px, 90vw) } input, button { font: inherit; padding: 10px 12px }
p { margin: 0; color: #d03b3b }</style>
<form method="post" action="/login"><b>streamproc</b>
<label for="token">The server's token (STREAMPROC_SERVER__TOKEN)</label>
<input id="token" name="token" type="password" autocomplete="current-password" autofocus required>
<p>%s</p><button>Open the console</button></form></html>"""

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def ask() -> HTMLResponse:
    """The page."""
    return HTMLResponse(PAGE % "")


@router.post(PATH)
async def take(request: Request, token: Annotated[str, Form(max_length=1024)] = "") -> Response:
    """The right token opens the console; it stays in the browser until that is closed."""
    expected = guard.token(state_of(request).config.server)
    if expected is None or not hmac.compare_digest(token.encode(), expected.encode()):
        return HTMLResponse(PAGE % "That is not the server's token", 401)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return answer
