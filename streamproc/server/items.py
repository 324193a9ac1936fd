"""What goes with an item, by what the model has learned."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request

from streamproc.engine.model import Model
from streamproc.server import addresses
from streamproc.server.recommending import Name, state_of, unknown
from streamproc.server.state import ServerState

addresses.register()
router = APIRouter(prefix="/v1", tags=["items"])

Shares = dict[int, float]  # row -> share


@router.get("/items/{item_id:id}/similar", summary="Items that go with this one")
async def similar(
    request: Request, item_id: Name, n: Annotated[int, Query(ge=1, le=50)] = 20
) -> dict[str, Any]:
    """Neighbours by the heads that keep any; `score` is the mean of their shares, best first."""
    state = state_of(request)
    items = await state.run(around, state, item_id, n)
    if items is None:
        raise unknown(item_id)
    return {"item_id": item_id, **state.described(item_id), "items": items}


def around(state: ServerState, item_id: str, n: int) -> list[dict[str, Any]] | None:
    """All in one go, between two syncs: afterwards a row may be another item's."""
    row = state.asker.row(item_id)
    return None if row < 0 else told(state, neighbours(state.view.model, row), n)


def neighbours(m: Model, row: int) -> dict[str, Shares]:
    """Shares of the rows next to `row`, by head."""
    found = {}
    for name in ("covisitation", "markov", "session"):
        head = getattr(m, name)
        found[name] = _shares(head.neighbours[row], head.weights[row])
    if m.lasting[0] > 0:
        found["long_term"] = _shares(m.long_term.neighbours[row], m.long_term.weights[row])
    return found


def told(state: ServerState, found: dict[str, Shares], n: int) -> list[dict[str, Any]]:
    """The n best of all heads together, with what each says."""
    speaking = [shares for shares in found.values() if shares]
    rows = {row for shares in speaking for row in shares}
    means = {row: sum(shares.get(row, 0.0) for shares in speaking) / len(speaking) for row in rows}
    best = sorted(rows, key=lambda row: (-means[row], row))[:n]
    names = state.asker.names(best)
    return [
        {
            "item_id": name,
            "score": round(means[row], 5),
            "parts": {head: round(shares[row], 5) for head, shares in found.items() if row in shares},
            **state.described(name),
        }
        for name, row in zip(names, best, strict=True)
        if name
    ]


def _shares(rows: Any, weights: Any) -> Shares:
    known = (rows >= 0) & (weights > 0)
    total = float(weights[known].sum())
    if total <= 0:
        return {}
    shares = weights[known].astype(np.float64) / total
    return dict(zip(rows[known].tolist(), shares.tolist(), strict=True))
