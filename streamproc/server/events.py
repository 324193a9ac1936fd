"""Events over HTTP, for who has no Kafka client."""

from typing import Any

import msgspec
from fastapi import APIRouter, Request

from streamproc.server.problems import Problem
from streamproc.server.producing import NotWritten, Refused
from streamproc.server.recommending import state_of

router = APIRouter(prefix="/v1", tags=["events"])

_EXAMPLE = {"type": "click", "user_id": "u1", "item_id": "oolong tea", "ts": "2026-11-24T10:00:00Z"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {
            "schema": {"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]},
            "examples": {"one": {"value": _EXAMPLE}, "several": {"value": [_EXAMPLE]}},
        }},
    }
}  # fmt: skip


@router.post("/events", status_code=202, summary="Send events", openapi_extra=_BODY)
async def events(request: Request) -> dict[str, Any]:
    """One event, or a list of them: all are taken, or none. Answered once Kafka has them."""
    state = state_of(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # anything else a browser sends for a page of anybody
        raise Problem(415, "Send JSON, with the header `Content-Type: application/json`")
    values = _split(await request.body(), state.config.server.max_events)
    try:
        written = await state.producer.send(values)
    except Refused as refused:
        faults = [msgspec.to_builtins(fault) for fault in refused.faults]
        first = refused.faults[0]
        detail = f"event {first.index}: {first.reason}: {first.detail}"
        raise Problem(422, f"Nothing was taken. {detail}", errors=faults) from None
    except NotWritten as error:
        again = "Send it again with these event_ids: that does no harm"
        raise Problem(503, f"{error.message}. {again}", event_ids=error.event_ids) from error
    state.metrics.produced.inc(len(written))
    return {"accepted": len(written), "events": [each._asdict() for each in written]}


def _split(body: bytes, most: int) -> list[bytes]:
    """The JSON of each event."""
    body = body.lstrip()
    try:
        raw = msgspec.json.decode(body, type=msgspec.Raw | list[msgspec.Raw]) if body[:1] == b"[" else [body]
    except msgspec.DecodeError as error:
        raise Problem(400, f"The body is not JSON: {error}") from None
    values = [bytes(value) for value in raw]
    if not values:
        raise Problem(422, "The list of events is empty")
    if len(values) > most:
        raise Problem(413, f"{len(values)} events; server.max_events is {most}")
    return values
