"""Recommendations: the newest slate of a user, why an item is on it, and rankings of made-up windows."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from streamproc.contracts.ids import MAX_ID_CHARACTERS
from streamproc.contracts.slates import Slate, SlateItem, decode_slate
from streamproc.engine.inquiry import BARRED, UNLINKED, Standing
from streamproc.server import addresses
from streamproc.server.asking import DEEP
from streamproc.server.newest import all_at_hand
from streamproc.server.problems import Problem
from streamproc.server.state import ServerState

JSON = "application/json"
MOST_WINDOW = 256

Name = Annotated[str, Path(min_length=1, max_length=MAX_ID_CHARACTERS)]
Count = Annotated[int | None, Query(ge=1, le=DEEP, description="Items at most; the slate's size if missing.")]
addresses.register()
router = APIRouter(prefix="/v1", tags=["recommendations"])


class AdHoc(BaseModel):
    """A window of somebody whom the stream does not know."""

    items: list[Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARACTERS)]] = Field(
        max_length=MOST_WINDOW, description="Item ids, the newest last; none: a stranger."
    )
    type: str | None = Field(default=None, description="Event type of all of them.")
    n: int = Field(default=20, ge=1, le=DEEP)
    exclude: list[str] = Field(default_factory=list, description="Item ids that are not wanted.")
    category: str | None = Field(default=None, description="Only items of this category (topic `items`).")


def state_of(request: Request) -> ServerState:
    """The app's."""
    state: ServerState = request.app.state.streamproc
    return state


@router.get("/users/{user_id:id}/recommendations", summary="A user's newest slate")
async def recommendations(
    request: Request,
    user_id: Name,
    n: Count = None,
    exclude: Annotated[list[str] | None, Query(description="Item ids that are not wanted.")] = None,
    category: Annotated[str | None, Query(description="Only items of this category.")] = None,
) -> Response:
    """The slate as it lies on the topic. A stranger gets what is popular, with `trigger.kind` = "cold"."""
    state = state_of(request)
    kept = state.slates.get(user_id)
    if kept is None:
        _needs_model(state)
    elif n is None and not exclude and category is None and all_at_hand(state.catalogue, kept.value):
        return Response(kept.value, media_type=JSON)
    slate = decode_slate(kept.value) if kept else await _strangers(state, user_id)
    wanted = n or state.config.publish.slate_size
    unwanted = set(exclude or ())
    items = _filtered(state, slate, unwanted, category)
    if len(items) < wanted and state.view.version:
        windows = state.states.windows(user_id)
        if windows is not None:
            slate = msgspec.structs.replace(slate, gate=(deeper := await state.rank(user_id, windows)).gate)
            items = _filtered(state, deeper, unwanted, category)
    return _answer(state, slate, items[:wanted])


@router.get("/users/{user_id:id}/why/{item_id:id}", summary="Why an item is on a slate, or is not")
async def why(request: Request, user_id: Name, item_id: Name) -> dict[str, Any]:
    """Asked of the present model about the user's window as it was last published."""
    state = state_of(request)
    _needs_model(state)
    windows = state.states.windows(user_id)
    asked = await state.run(state.asker.inquire, windows, item_id)
    if asked is None:
        raise unknown(item_id)
    kept = state.slates.get(user_id)
    slate = decode_slate(kept.value) if kept else None
    shown = next((item for item in slate.items if item.item_id == item_id), None) if slate else None
    return {
        "user_id": user_id,
        "item_id": item_id,
        "known_user": windows is not None,
        "on_slate": shown is not None,
        "slate_rank": shown.rank if shown else None,
        "gate": msgspec.to_builtins(slate.gate) if slate else None,
        **told(state, *asked),
        **state.described(item_id),
    }


@router.post("/rank", summary="Rank for a window that you make up")
async def rank(request: Request, wanted: AdHoc) -> Response:
    """For anonymous sessions, and for trying out; nothing is remembered or learned."""
    state = state_of(request)
    _needs_model(state)
    known = state.config.events.types
    if wanted.type is not None and wanted.type not in known:
        raise Problem(422, f"type {wanted.type} is not in events.types: {', '.join(known)}")
    windows = None
    if wanted.items:
        windows = await state.run(state.asker.made_up, wanted.items, wanted.type)
    slate = await state.rank("anonymous", windows, "cold")
    items = _filtered(state, slate, set(wanted.exclude), wanted.category)
    return _answer(state, slate, items[: wanted.n])


async def _strangers(state: ServerState, user_id: str) -> Slate:
    return msgspec.structs.replace(await state.cold(), user_id=user_id)


def unknown(item_id: str) -> Problem:
    """To be raised where the model has no row for an item."""
    return Problem(404, f"The model does not know the item {item_id}: no event had it, or it was forgotten")


def _needs_model(state: ServerState) -> None:
    if not state.view.version:
        raise Problem(503, "No model yet: the trainer publishes the first one soon after the first events")


def _filtered(state: ServerState, slate: Slate, exclude: set[str], category: str | None) -> list[SlateItem]:
    catalogue = state.catalogue

    def fits(item_id: str) -> bool:
        item = catalogue.get(item_id)
        if item is not None and not item.available:
            return False
        return category is None or (item is not None and category in item.categories)

    return [item for item in slate.items if item.item_id not in exclude and fits(item.item_id)]


def _answer(state: ServerState, slate: Slate, items: list[SlateItem]) -> Response:
    """Ranks anew from 1; where nothing is left, a `note` says why."""
    ranked = [msgspec.structs.replace(item, rank=place) for place, item in enumerate(items, 1)]
    told = msgspec.to_builtins(msgspec.structs.replace(slate, items=ranked))
    if not ranked:
        told["note"] = (
            "No candidate is left after `exclude`, `category` and what the catalogue says is not available"
            if slate.items
            else "The model knows no items yet"
        )
    return Response(msgspec.json.encode(told), media_type=JSON)


def told(state: ServerState, standing: Standing, because: list[str]) -> dict[str, Any]:
    return {
        "rank": standing.place + 1 if standing.place >= 0 else None,
        "score": standing.score if standing.place >= 0 else None,
        "reason": _reason(standing, state.config.publish.slate_size),
        "answering": standing.answering,
        "source": standing.source,
        "parts": dict(sorted(standing.parts.items(), key=lambda part: -abs(part[1]))),
        "because": because,
    }


def _reason(standing: Standing, size: int) -> str:
    if standing.place == UNLINKED:
        return "It is no candidate: nothing in the window leads to it, and it is neither popular nor new"
    if standing.place == BARRED:
        return "It may not be shown: the user disliked it, or had it and rules.exclude_seen is on"
    if standing.place >= size:
        return f"{standing.place} candidates score higher, and a slate has {size}"
    return "It is among the best candidates"
