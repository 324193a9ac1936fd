"""A fresh process that fills a worker's tables and prints figures.

`python -m benchmarks.filling users COUNT EVENTS`, with so many events in the window of each user, or
`python -m benchmarks.filling items COUNT`.
"""

import ctypes
import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
import numpy as np

from benchmarks import cores
from benchmarks.result import Figures
from streamproc.config import Config
from streamproc.contracts import model as records
from streamproc.contracts.ids import strings
from streamproc.contracts.model import HEADER, ITEM, LASTING
from streamproc.engine import publishing
from streamproc.engine.publishing import SyncPoint
from streamproc.engine.view import ModelView
from streamproc.engine.warming import invented, warm_learner
from streamproc.engine.windows import Windows
from streamproc.worker import memory
from streamproc.worker.memory import Memory
from streamproc_models.arrays import I32
from streamproc_models.hashing import hash_strings

CHUNK = 5000  # at a time, so that what is read in at once does not weigh

Table = Windows | ModelView
Rows = list[tuple[bytes, bytes | None]]


def main() -> None:
    """Print the figures as JSON."""
    what, count, *events = sys.argv[1], *map(int, sys.argv[2:])
    fill: Callable[[int], Table] = partial(fill_windows, events=events[0]) if what == "users" else fill_view
    fill(CHUNK)  # what is compiled, and what reading in leaves with the allocator, is no user's memory
    before = _resident()
    table = fill(count)
    print(json.dumps(_figures(table, count, _resident() - before)))


def fill_windows(count: int, events: int) -> Windows:
    """Windows of `count` users in one partition, `events` entries each, loaded as a restore does it."""
    config = Config()
    windows = Windows(config)
    state = state_of(config, events)
    for chunk in _names(b"user-%09d", count):
        windows.load(dict.fromkeys(chunk, state))
    return windows


def state_of(config: Config, events: int) -> bytes:
    """The packed state of somebody with so many events in the window, and a recurrent state."""
    shorter = config.model_copy(update={"window": config.window.model_copy(update={"length": events})})
    learner = warm_learner(shorter)
    learner.learn(0, invented(8 * events))
    windows = learner.users[0].windows
    return windows.pack(np.zeros(1, np.int32))[0]


def fill_view(count: int) -> ModelView:
    """A model of `count` items with all neighbours there can be, taken over in several syncs."""
    config = Config()
    view = ModelView(config)
    header = publishing.header(warm_learner(config), SyncPoint(1, 0))
    for number, names in enumerate(_names(b"item-%09d", count)):
        known = number * CHUNK + len(names)
        rows = _rows(config, names, np.arange(known - len(names), known, dtype=np.int32))
        newer = msgspec.structs.replace(header, version=number + 1, items=known, generation=1)
        view.apply([*rows, (HEADER, records.pack_header(newer))])
    return view


def _names(form: bytes, count: int) -> Iterator[list[bytes]]:
    for start in range(0, count, CHUNK):
        yield [form % number for number in range(start, min(start + CHUNK, count))]


def _rows(config: Config, names: list[bytes], rows: I32) -> Rows:
    """Records of the heads that learn online and of the long-term head; every item is near every other."""
    online = np.zeros(len(names), records.item_row(config))
    online["item"] = hash_strings(*strings(names))
    lasting = np.zeros(len(names), records.lasting_row(config))
    for table, head in ((online, "markov_"), (online, "covisitation_"), (lasting, "")):
        slots = table[head + "neighbours"].shape[1]
        table["row"] = rows
        table[head + "neighbours"] = np.abs(rows[:, None] - 1 - np.arange(slots))
        table[head + "weights"] = 1.0
    return [
        *((ITEM + name, row.tobytes()) for name, row in zip(names, online, strict=True)),
        *((LASTING + name, row.tobytes()) for name, row in zip(names, lasting, strict=True)),
    ]


def _figures(table: Table, count: int, resident: int) -> Figures:
    measure: Callable[..., Memory] = memory.of_users if isinstance(table, Windows) else memory.of_items
    arrays = measure(table)
    return {
        "count": count,
        "rows": arrays.rows,  # there is room for
        "bytes_each": arrays.each,  # ids and hash tables included
        "resident_each": resident / count,  # the room that is not used yet included
        "resident_mb": resident / 2**20,
    }


def _resident() -> int:
    """Bytes, once everything that is not needed has been given back."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    return cores.resident(os.getpid())


if __name__ == "__main__":
    main()
