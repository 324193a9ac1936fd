"""What a request passes first: host, origin, token, rate, size; and what every answer carries."""

import time
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamproc.config import ServerConfig
from streamproc.metrics import ServerMetrics
from streamproc.server import login
from streamproc.server.admission import Admission
from streamproc.server.counting import Counting
from streamproc.server.problems import MEDIA_TYPE, body

OPEN = frozenset(("/live", "/ready", login.PATH))  # for probes, and for who has yet to show the token
EVENTS = "/v1/events"
EVENT_BYTES = 2048  # what a request of events may have for each
MOST_CLIENTS = 10_000  # whose rates are remembered
API = "/v1/"
ANSWERS = (API, "/live", "/ready", "/metrics", "/openapi.json")
READING = frozenset(("GET", "HEAD", "OPTIONS"))  # change nothing
NOT_KEPT = (b"cache-control", b"no-store")
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Others learn nothing; `no-referrer` would hide our own pages from us as well, as `Origin: null`.
    (b"referrer-policy", b"same-origin"),
    NOT_KEPT,
]
ASSETS = "/_nicegui/"  # have names of their own for each version, and may be kept
ANSWER_HEADERS = [*HEADERS, (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")]
PAGE_HEADERS = [  # pages make their parts in the browser; nothing comes from, or goes to, other machines
    *HEADERS,
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        b"font-src 'self' data:; base-uri 'self'; form-action 'self'; "
        b"frame-ancestors 'none'",
    ),
]


class Refusal(NamedTuple):
    """Why a request is not passed on, with the status of its answer."""

    code: int
    why: str
    wait: int = 1  # seconds after which it may be tried again, of a 429


class Guard:
    """An ASGI app around the real one."""

    def __init__(
        self, app: ASGIApp, config: ServerConfig, admission: Admission, metrics: ServerMetrics
    ) -> None:
        self._app = app
        self._config = config
        self._counting = Counting(metrics)
        self._admission = admission
        own = {"localhost", "127.0.0.1", "[::1]", written(config.host), *map(str.lower, config.hosts)}
        self._hosts = frozenset(name.encode() for name in own)
        self._rates: dict[str, tuple[int, int]] = {}  # client -> second, requests in it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        refused = self._refusal(scope, headers)
        if refused is not None:
            if refused.code == 401 and _is_browser(scope, headers):
                scope["path"] = login.PATH
                await self._app(scope, receive, _with_headers(login.PATH, send))
            else:
                await self._refuse(scope, send, refused)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            if scope["method"] != "GET":
                receive = _measured(receive, self._limit(scope["path"]))
            await self._counting.count(self._app, scope, receive, _with_headers(scope["path"], send))

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> Refusal | None:
        host = headers.get(b"host", b"").lower()
        if _name(host) not in self._hosts:
            return Refusal(
                421, f"{host.decode('latin-1')} is not a name of this server: add it to server.hosts"
            )
        if scope["type"] == "websocket" or scope["method"] not in READING:
            if (refused := self._foreign(host, headers)) is not None:
                return refused
        if scope["path"] not in OPEN and (refused := self._unknown(scope, headers)) is not None:
            return refused
        if self._too_many(scope):
            return Refusal(429, f"More than {self._config.rate} requests in a second (server.rate)")
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._limit(scope["path"]):
            return Refusal(413, f"More than {self._limit(scope['path'])} bytes")
        return None

    def _unknown(self, scope: Scope, headers: dict[bytes, bytes]) -> Refusal | None:
        """Who does not know the token, or has guessed at it too often."""
        if not self._admission.needed:
            return None
        address, guesses = _client(scope), b"authorization" in headers
        if guesses and (seconds := self._admission.sent.wait(address)):
            return Refusal(429, f"Too many wrong tokens from this address. Wait {seconds} s", seconds)
        if self._admission.admits(headers):
            return None
        if guesses:
            self._admission.sent.wrong(address)
        return Refusal(401, "Send the server's token as `Authorization: Bearer TOKEN`")

    def _foreign(self, host: bytes, headers: dict[bytes, bytes]) -> Refusal | None:
        """Browsers let a page of anybody send to us, and say whose it is."""
        origin = headers.get(b"origin")
        if origin is None:
            return None
        from_host = origin.lower().split(b"://")[-1]
        named = _name(from_host).decode("latin-1") in self._config.hosts
        if from_host == host or named:
            return None
        return Refusal(403, f"A page of {origin.decode('latin-1')} may not send to this server")

    def _too_many(self, scope: Scope) -> bool:
        client = _client(scope)
        second = int(time.monotonic())
        began, count = self._rates.get(client, (second, 0))
        if began != second:
            count = 0
            if len(self._rates) > MOST_CLIENTS:
                self._rates.clear()
        self._rates[client] = (second, count + 1)
        return count >= self._config.rate

    def _limit(self, path: str) -> int:
        most = self._config.max_body
        return max(most, EVENT_BYTES * self._config.max_events) if path == EVENTS else most

    async def _refuse(self, scope: Scope, send: Send, refused: Refusal) -> None:
        code, why, wait = refused
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": why})
            return
        self._counting.refused(code)
        text = body(code, why, scope["path"])
        headers: list[Any] = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(text))]
        if code == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if code == 429:
            headers.append((b"retry-after", b"%d" % wait))
        send = _with_headers(scope["path"], send)
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": text})


def _client(scope: Scope) -> str:
    """Its address."""
    return scope["client"][0] if scope.get("client") else ""


def _is_browser(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """A person's, who wants to see a page and can be asked for the token."""
    page = scope["type"] == "http" and scope["method"] == "GET" and not scope["path"].startswith(ANSWERS)
    return page and b"text/html" in headers.get(b"accept", b"")


def written(host: str) -> str:
    """As it stands in an address."""
    return f"[{host}]" if ":" in host else host.lower()


def _name(host: bytes) -> bytes:
    """Without the port."""
    return host if host.endswith(b"]") else host.rsplit(b":", 1)[0]


def _measured(receive: Receive, limit: int) -> Receive:
    """A body that says nothing of its length is cut off at the limit. Its reader gets HTTPException."""
    left = limit

    async def limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, f"More than {limit} bytes")
        return message

    return limited


def _with_headers(path: str, send: Send) -> Send:
    more = ANSWER_HEADERS if path.startswith(ANSWERS) else PAGE_HEADERS
    if path.startswith(ASSETS):
        more = [header for header in more if header != NOT_KEPT]

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *more]
        await send(message)

    return told
