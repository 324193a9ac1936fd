"""What the learner has to publish: changed rows of items, changed users, and the header of a sync."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.contracts import model as records
from streamproc.contracts.model import ENCODED, HEADER, ITEM, LASTING, TABLES, Header
from streamproc.engine import ids
from streamproc.engine.learner import Learner, Users
from streamproc.engine.memory import DIRTY
from streamproc.engine.model import EVENTS, ITEMS, SERVING
from streamproc.errors import NotFinite
from streamproc_models import evaluation
from streamproc_models.arrays import I32

Rows = list[tuple[bytes, bytes | None]]
_PREFIXES = (ITEM, LASTING, ENCODED)
SWEEP, SWEEP_ROWS = 60, 500  # every row within so many syncs; at most so many rows at each


class SyncPoint(NamedTuple):
    """Which publication this is."""

    version: int
    learned_to: int  # journal offset


def changed_rows(learner: Learner, point: SyncPoint) -> Rows:
    """Records for `model`, the header last; forgets what was changed."""
    gone: Rows = [(prefix + name, None) for name in learner.gone_items for prefix in _PREFIXES]
    learner.gone_items.clear()
    _sweep_on(learner)
    rows = _take_dirty_items(learner)
    changed = gone + _item_rows(learner, rows) + _encoded_rows(learner, rows)
    if learner.lasting_changed:
        learner.lasting_changed = False
        changed += _lasting_rows(learner)
    return [*changed, (HEADER, records.pack_header(header(learner, point)))]


def header(learner: Learner, point: SyncPoint) -> Header:
    """What is not per item."""
    m, record = learner.model, learner.memory.record
    named = {"weights": m.fusion.weights, "twin": m.fusion.twin, "cell": m.gru.cell}
    _require_finite(named | {"increments": m.increments, "totals": m.popularity.totals})
    tops = np.stack([m.pool.lately, m.pool.popular, m.pool.newest])
    figures = {name: record.sums[k].tolist() for k, name in enumerate(evaluation.MODELS)}
    return Header(
        layout=records.layout(learner.config),
        version=point.version,
        learned_to=point.learned_to,
        generation=int(m.lasting[0]),
        events=int(m.counters[EVENTS]),
        items=int(m.counters[ITEMS]),
        serving=int(m.counters[SERVING]),
        newest=learner.newest,
        weights=m.fusion.weights.tobytes(),
        twin=m.fusion.twin.tobytes(),
        increments=m.increments.tobytes(),
        totals=m.popularity.totals.tobytes(),
        tops=tops.tobytes(),
        cell=m.gru.cell.tobytes(),
        figures=figures,
        gate=learner.memory.gate.tolist(),
        encoder=int(m.encoder.since[0]),
        encoder_cell=m.encoder.gru.cell.tobytes() if m.encoder.since[0] > 0 else b"",
    )


def changed_users(learner: Learner) -> list[Rows]:
    """Records for each partition of `users`; forgets what was changed. Marks are the caller's."""
    return [_changed_users(users) for users in learner.users]


def _changed_users(users: Users) -> Rows:
    n = int(users.dirty_count[0])
    rows = users.dirty_rows[:n].copy()
    users.dirty[rows] = 0
    users.dirty_count[0] = 0
    buried = np.arange(int(users.gone_count[0]), dtype=np.int32)
    gone = ids.text(users.gone, buried)
    users.gone_count[0] = 0
    users.gone = ids.empty(1)
    live = rows[users.windows.arrays.user[rows] != 0]
    back = set(names := users.windows.user_ids(live))
    states = users.windows.pack(live)
    return [(name, None) for name in gone if name not in back] + list(zip(names, states, strict=True))


def _sweep_on(learner: Learner) -> None:
    """Vectors also move as sampled negatives, which marks no row: so all rows are renewed in turn."""
    if learner.memory.counters[DIRTY] == 0:
        return  # nothing was learned, so nothing moved
    share = min(-(-learner.items // SWEEP), SWEEP_ROWS)
    start = learner.swept if learner.swept < learner.items else 0
    learner.swept = min(start + share, learner.items)
    learner.mark_items(np.arange(start, learner.swept, dtype=np.int32))


def _take_dirty_items(learner: Learner) -> I32:
    memory = learner.memory
    rows = memory.dirty_rows[: int(memory.counters[DIRTY])].copy()
    memory.dirty[rows] = 0
    memory.counters[DIRTY] = 0
    live: I32 = rows[learner.model.item[rows] != 0]
    return live


def _item_rows(learner: Learner, rows: I32) -> Rows:
    m, out = learner.model, np.zeros(rows.size, records.item_row(learner.config))
    out["item"], out["row"] = m.item[rows], rows
    for name in ("last", "first", "counts"):
        out[name] = getattr(m.popularity, name)[rows]
    for name in TABLES:
        head = getattr(m, name)
        out[name + "_neighbours"], out[name + "_weights"] = head.neighbours[rows], head.weights[rows]
        out[name + "_total"] = head.totals[rows]
    out["factors"], out["embedding"] = m.factors.items[rows], m.gru.embeddings[rows]
    out["embedding_bias"], out["bias"] = m.gru.bias[rows], m.bias.values[rows]
    return _keyed(learner, ITEM, rows, out)


def _encoded_rows(learner: Learner, changed: I32) -> Rows:
    """The same rows, or all of them where the encoder is a new one; none without an encoder."""
    m = learner.model
    if m.encoder.since[0] == 0:
        return []
    rows = _live(learner) if learner.encoder_changed else changed
    learner.encoder_changed = False
    head, out = m.encoder.gru, np.zeros(rows.size, records.encoded_row(learner.config))
    out["row"], out["embedding"], out["embedding_bias"] = rows, head.embeddings[rows], head.bias[rows]
    return _keyed(learner, ENCODED, rows, out)


def _live(learner: Learner) -> I32:
    return np.flatnonzero(learner.model.item[: learner.items]).astype(np.int32)


def _lasting_rows(learner: Learner) -> Rows:
    rows = _live(learner)
    head, out = learner.model.long_term, np.zeros(rows.size, records.lasting_row(learner.config))
    out["row"], out["neighbours"], out["weights"] = rows, head.neighbours[rows], head.weights[rows]
    return _keyed(learner, LASTING, rows, out)


def _keyed(learner: Learner, prefix: bytes, rows: I32, out: NDArray[np.void]) -> Rows:
    _require_finite({name: out[name] for name in out.dtype.names or ()})
    whole, size = out.tobytes(), out.dtype.itemsize
    names = ids.text(learner.item_ids, rows)
    return [(prefix + name, whole[k * size : (k + 1) * size]) for k, name in enumerate(names)]


def _require_finite(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Workers rank with kernels that do not expect a NaN: rather an older model than one with that."""
    wrong = [
        name for name, array in arrays.items() if array.dtype.kind == "f" and not np.isfinite(array).all()
    ]
    if wrong:
        raise NotFinite(
            f"the sync would publish numbers that are not finite in {', '.join(wrong)}",
            "What was published before stays: lower the learning rates, and go on from an older snapshot",
        )
