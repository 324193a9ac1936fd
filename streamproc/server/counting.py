"""Figures of the requests: how many, how long, how many at once."""

import time

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamproc.metrics import ServerMetrics


class Counting:
    """By the pattern of the path, never by an id. Looking a series up by its labels costs more than it."""

    def __init__(self, metrics: ServerMetrics) -> None:
        self._metrics = metrics
        self._series: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    async def count(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it once it is answered, or once it broke."""
        began, code = time.perf_counter(), 500

        async def told(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
            await send(message)

        self._metrics.in_flight.inc()
        try:
            await app(scope, receive, told)
        finally:
            self._metrics.in_flight.dec()
            requests, seconds = self._of(_route(scope), code)
            requests.inc()
            seconds.observe(time.perf_counter() - began)

    def refused(self, code: int) -> None:
        """A request that was not passed on."""
        self._metrics.requests.labels("refused", str(code)).inc()

    def _of(self, route: str, code: int) -> tuple[Counter, Histogram]:
        found = self._series.get((route, code))
        if found is None:
            found = self._metrics.requests.labels(route, str(code)), self._metrics.request.labels(route)
            self._series[route, code] = found
        return found


def _route(scope: Scope) -> str:
    """The path's pattern."""
    return getattr(scope.get("route"), "path_format", "other")
