"""A model of three items, as the trainer would publish it: enough to run every kernel once."""

import numpy as np

from streamproc.config import Config
from streamproc.contracts import model as records
from streamproc.contracts.events import Event, encode
from streamproc.contracts.model import HEADER, ITEM, LASTING, Header
from streamproc.engine import model, pool
from streamproc.engine.view import ModelView
from streamproc_models import evaluation
from streamproc_models.hashing import hash_strings

ITEMS = (b"tea", b"cup", b"spoon")
GONE = b"fork"

Rows = list[tuple[bytes, bytes | None]]


def view(config: Config) -> ModelView:
    """A worker's view of it."""
    known = ModelView(config)
    known.apply(rows(config))
    return known


def rows(config: Config) -> Rows:
    """The records of one sync: three items that follow one another, and one that is taken out."""
    items = np.zeros(len(ITEMS), records.item_row(config))
    items["item"] = hash_strings(np.frombuffer(b"".join(ITEMS), np.uint8), np.cumsum([len(i) for i in ITEMS]))
    items["row"], items["counts"] = np.arange(len(ITEMS)), 1.0
    lasting = np.zeros(len(ITEMS), records.lasting_row(config))
    lasting["row"] = items["row"]
    for head, table in (*((name + "_", items) for name in records.TABLES), ("", lasting)):
        table[head + "neighbours"], table[head + "weights"] = -1, 0.0
        table[head + "neighbours"][:, 0], table[head + "weights"][:, 0] = [1, 2, 0], 1.0
    for name in records.TABLES:
        items[name + "_total"] = 1.0
    named = [(ITEM + name, row.tobytes()) for name, row in zip(ITEMS, items, strict=True)]
    named += [(LASTING + name, row.tobytes()) for name, row in zip(ITEMS, lasting, strict=True)]
    return [(ITEM + GONE, None), *named, (HEADER, records.pack_header(_header(config)))]


def events(config: Config) -> list[bytes]:
    """Two users; both ways of writing a time, an id of each kind, one session."""
    names = [kind for kind, settings in config.events.types.items() if not settings.ignore]
    kind = next((name for name in names if config.events.types[name].strength > 0), names[0])

    def event(user: str, item: bytes, second: int, name: str | None, session: str | None) -> bytes:
        return encode(
            Event(
                type=kind,
                user_id=user,
                item_id=item.decode(),
                ts=second * 1000,
                value=5.0,
                event_id=name,
                session_id=session,
            )
        )

    return [
        event("u1", ITEMS[0], 1, None, "s1"),
        event("u2", ITEMS[1], 2, "seq:file:1", None),
        event("u1", ITEMS[1], 3, "e1", None),
        event("u1", ITEMS[0], 4, None, None),
    ]


def _header(config: Config) -> Header:
    bare = model.empty(config, 1)
    tops = np.full((3, pool.TOP), -1, np.int32)
    tops[:, : len(ITEMS)] = range(len(ITEMS))
    return Header(
        layout=records.layout(config),
        version=1,
        learned_to=1,
        generation=1,
        events=10,
        items=len(ITEMS),
        serving=0,
        newest=4000,
        weights=bare.fusion.weights.tobytes(),
        twin=bare.fusion.twin.tobytes(),
        increments=bare.increments.tobytes(),
        totals=np.full_like(bare.popularity.totals, 3.0).tobytes(),
        tops=tops.tobytes(),
        cell=bare.gru.cell.tobytes(),
        figures={name: [0.0] * 6 for name in evaluation.MODELS},
        gate=[0.0] * 4,
    )
