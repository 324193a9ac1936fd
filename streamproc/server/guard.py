"""What a request passes first: host, token, rate, size; and what every answer carries."""

import hmac
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamproc.config import ServerConfig
from streamproc.errors import ConfigError
from streamproc.exposition import is_loopback
from streamproc.metrics import ServerMetrics
from streamproc.server.problems import MEDIA_TYPE, body

OPEN = frozenset(("/live", "/ready"))  # for probes, which have no token
EVENTS = "/v1/events"
EVENT_BYTES = 2048  # what a request of events may have for each
MOST_CLIENTS = 10_000  # whose rates are remembered
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


def token(config: ServerConfig) -> str | None:
    """The token that is asked for. Raises ConfigError where one is needed or cannot be read."""
    found = config.token.get_secret_value() if config.token else None
    if config.token_file is not None:
        try:
            found = config.token_file.read_text("utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"server.token_file {config.token_file} cannot be read: {error.strerror}", "Give another one"
            ) from None
    if not found and not is_loopback(config.host):
        raise ConfigError(
            f"server.host is {config.host}, which other machines can reach, and there is no token",
            "Set STREAMPROC_SERVER__TOKEN or server.token_file, or use 127.0.0.1",
        )
    return found or None


class Guard:
    """An ASGI app around the real one."""

    def __init__(self, app: ASGIApp, config: ServerConfig, metrics: ServerMetrics) -> None:
        self._app = app
        self._config = config
        self._metrics = metrics
        secret = token(config)
        self._expected = f"Bearer {secret}".encode() if secret else None
        own = {"localhost", "127.0.0.1", "[::1]", config.host.lower(), *map(str.lower, config.hosts)}
        self._hosts = frozenset(name.encode() for name in own)
        self._rates: dict[str, tuple[int, int]] = {}  # client -> second, requests in it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        refused = self._refusal(scope, headers)
        if refused is not None:
            await self._refuse(scope, receive, send, *refused)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await self._answer(scope, self._measured(scope, receive), send)

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        host = headers.get(b"host", b"").lower()
        name = host if host.endswith(b"]") else host.rsplit(b":", 1)[0]
        if name not in self._hosts:
            return 421, f"{host.decode('latin-1')} is not a name of this server: add it to server.hosts"
        if not self._is_open(scope["path"]) and not self._may(headers):
            return 401, "Send the server's token as `Authorization: Bearer TOKEN`"
        if self._too_many(scope):
            return 429, f"More than {self._config.rate} requests in a second (server.rate)"
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._limit(scope["path"]):
            return 413, f"More than {self._limit(scope['path'])} bytes"
        return None

    def _is_open(self, path: str) -> bool:
        return path in OPEN

    def _may(self, headers: dict[bytes, bytes]) -> bool:
        if self._expected is None:
            return True
        given = headers.get(b"authorization", b"")
        if not given and b"streamproc_token=" in headers.get(b"cookie", b""):
            cookies = headers[b"cookie"].split(b"streamproc_token=", 1)[1]
            given = b"Bearer " + cookies.split(b";", 1)[0].strip()
        return hmac.compare_digest(given, self._expected)

    def _too_many(self, scope: Scope) -> bool:
        client = scope["client"][0] if scope.get("client") else ""
        second = int(time.monotonic())
        began, count = self._rates.get(client, (second, 0))
        if began != second:
            count = 0
            if len(self._rates) > MOST_CLIENTS:
                self._rates.clear()
        self._rates[client] = (second, count + 1)
        return count >= self._config.rate

    def _limit(self, path: str) -> int:
        return max(self._config.max_body, EVENT_BYTES * self._config.max_events) if path == EVENTS else (
            self._config.max_body
        )  # fmt: skip

    def _measured(self, scope: Scope, receive: Receive) -> Receive:
        """A body that says nothing of its length is cut off at the limit."""
        left = self._limit(scope["path"])

        async def limited() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                return {"type": "http.disconnect"}
            return message

        return limited

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, code = time.perf_counter(), 500

        async def told(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, told)
        finally:
            route = _route(scope)
            self._metrics.in_flight.dec()
            self._metrics.requests.labels(route, str(code)).inc()
            self._metrics.request.labels(route).observe(time.perf_counter() - began)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, code: int, why: str) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": why})
            return
        headers: list[Any] = [(b"content-type", MEDIA_TYPE.encode()), *HEADERS]
        if code == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if code == 429:
            headers.append((b"retry-after", b"1"))
        self._metrics.requests.labels("refused", str(code)).inc()
        text = body(code, why, scope["path"])
        headers.append((b"content-length", str(len(text)).encode()))
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": text})


def _route(scope: Scope) -> str:
    """The path's pattern, never an id."""
    route = scope.get("route")
    return getattr(route, "path", "other") if route is not None else "other"
