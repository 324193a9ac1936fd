"""Errors over HTTP as RFC 9457 problem details: what is wrong, where, and what to do."""

from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "Bad request", 401: "Token needed", 403: "Not allowed", 404: "Not found", 405: "Method not allowed",
    409: "Conflict", 413: "Too large", 421: "Another host was meant", 415: "Another media type is needed",
    422: "Invalid request",
    429: "Too many requests", 500: "Our mistake", 503: "Not ready",
}  # fmt: skip


class Problem(Exception):
    """Ends a request. `more` are further members of the answer, as `errors`."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.more = more


def body(status: int, detail: str, instance: str, more: dict[str, Any] | None = None) -> bytes:
    """A problem as JSON."""
    title = TITLES.get(status, "Error")
    kind = f"urn:streamproc:problem:{title.lower().replace(' ', '-')}"
    told = {"type": kind, "title": title, "status": status, "detail": detail, "instance": instance}
    return msgspec.json.encode(told | (more or {}))


def answer(status: int, detail: str, instance: str, more: dict[str, Any] | None = None) -> Response:
    """The same as a response."""
    return Response(body(status, detail, instance, more), status, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Every error of the app becomes a problem."""

    @app.exception_handler(Problem)
    async def _ours(request: Request, error: Problem) -> Response:
        return answer(error.status, error.detail, request.url.path, error.more)

    @app.exception_handler(HTTPException)
    async def _theirs(request: Request, error: HTTPException) -> Response:
        response = answer(error.status_code, str(error.detail), request.url.path)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [{"where": ".".join(map(str, each["loc"])), "what": each["msg"]} for each in error.errors()]
        told = "; ".join(f"{each['where']}: {each['what']}" for each in errors)
        return answer(422, told, request.url.path, {"errors": errors})

    @app.exception_handler(Exception)
    async def _unforeseen(request: Request, error: Exception) -> Response:
        return answer(500, "An error that was not foreseen; the server's log has it", request.url.path)
