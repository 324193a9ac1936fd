"""Whether the server lives and is ready, and which model it answers with."""

from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from streamproc.server.recommending import state_of
from streamproc_models import evaluation

router = APIRouter(tags=["health"])


@router.get("/live", summary="The process runs")
async def live(request: Request) -> JSONResponse:
    """For a liveness probe; 503 once a topic is not followed any more, which only a restart mends."""
    error = state_of(request).failed
    if error is not None:
        return JSONResponse({"status": "failed", "detail": str(error)}, 503)
    return JSONResponse({"status": "live"})


@router.get("/ready", summary="It has read what was published before")
async def ready(request: Request) -> JSONResponse:
    """For a readiness probe; 503 with what is missing."""
    missing = state_of(request).missing()
    if missing:
        return JSONResponse({"status": "starting", "detail": missing}, 503)
    return JSONResponse({"status": "ready"})


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Prometheus's text format."""
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/model", tags=["model"], summary="The model that answers")
async def model(request: Request) -> dict[str, Any]:
    """How far it has learned, how old it is, and how good it has been: predicted first, then learned."""
    state = state_of(request)
    header, now = state.view.header, state.clock.now_ms()
    if header is None:
        return {"version": 0, "detail": "No model yet: nothing was learned"}
    return {
        "version": header.version,
        "learned_to": header.learned_to,
        "generation": header.generation,
        "events": header.events,
        "items": header.items,
        "serving": evaluation.MODELS[header.serving],
        "age_seconds": max(now - state.synced_at, 0) / 1000.0,
        "newest_event_at": header.newest,
        "users_with_slates": len(state.slates),
        "recall_at_20": {name: state.view.recall(name) for name in header.figures if header.figures[name][0]},
    }
