"""What an evaluation keeps of every single prediction; empty, and without cost, in a trainer.

How popular a target was is a rank among all items: `at_least[c]` of them had c events or more, so how many
were ahead of one with c events is looked up, not counted.
"""

from typing import NamedTuple

import numpy as np

from streamproc.engine.choosing import Slate
from streamproc_models import evaluation
from streamproc_models.arrays import F32, I32, I64, longer
from streamproc_models.evaluation import Record
from streamproc_models.kernel import tight

EVENT, OFFSET, TARGET, HISTORY, TAKEN, OPENS, REPEATS = range(7)  # columns of `numbers`
GATE, RANK, NOVELTY = 0, 3, 4  # columns of `shares`; the gate has three
FILL, EVENTS = 0, 1  # places in `counters`
MOST = 1 << 16  # counts above it rank alike
_NOBODY = -1


class Trace(NamedTuple):
    """One row per prediction since the last `drain`, and what has to be known of the items meanwhile."""

    places: I32  # (rows, models), the target's; MISS where it was no candidate, NOT_ASKED of who was not
    numbers: I64  # (rows, 7): events learned before, source offset, target's row, entries in the user's
    #               window, target's events before, 1 if the event opens a session, 1 if in the window already
    shares: F32  # (rows, 5): gate, share of the known items ahead of the target (equal ones half), novelty
    taken: I64  # (items,), events so far
    shown: I64  # (items,), slates so far
    at_least: I64  # (MOST + 2,), items with so many events or more
    counters: I64  # (2,): rows filled, events of all items


def empty(on: bool, items: int) -> Trace:
    """Nothing kept yet; without `on` nothing ever will be."""
    items = items if on else 0
    return Trace(
        np.zeros((1 if on else 0, len(evaluation.MODELS)), np.int32),
        np.zeros((1 if on else 0, 7), np.int64),
        np.zeros((1 if on else 0, 5), np.float32),
        np.zeros(items, np.int64), np.zeros(items, np.int64),
        np.zeros(MOST + 2 if on else 0, np.int64), np.zeros(2, np.int64),
    )  # fmt: skip


def is_on(trace: Trace) -> bool:
    """Whether predictions are kept."""
    return len(trace.numbers) > 0


def reserve(trace: Trace, events: int) -> Trace:
    """Room for the predictions of so many more events."""
    needed = int(trace.counters[FILL]) + events
    if not is_on(trace) or needed <= len(trace.numbers):
        return trace
    rows = max(needed, 2 * len(trace.numbers))
    wider = {name: longer(getattr(trace, name), rows) for name in ("places", "numbers", "shares")}
    return trace._replace(**wider)


def grow(trace: Trace, items: int) -> Trace:
    """The same for a larger catalogue."""
    if not is_on(trace):
        return trace
    return trace._replace(taken=longer(trace.taken, items), shown=longer(trace.shown, items))


def drain(trace: Trace) -> tuple[I32, I64, F32]:
    """Copies of the rows filled so far: `places`, `numbers` and `shares`; the trace begins anew."""
    n = int(trace.counters[FILL])
    trace.counters[FILL] = 0
    return trace.places[:n].copy(), trace.numbers[:n].copy(), trace.shares[:n].copy()


def forget(trace: Trace, rows: I32) -> None:
    """These items (n,) are known no longer."""
    if not is_on(trace):
        return
    for row in rows.tolist():
        trace.at_least[1 : min(int(trace.taken[row]), MOST) + 1] -= 1
    trace.taken[rows] = 0
    trace.shown[rows] = 0


@tight
def begin(record: Record, slate: Slate) -> None:
    """Before a prediction: nobody was asked, nothing is shown."""
    for model in range(record.places.size):
        record.places[model] = evaluation.NOT_ASKED
    for p in range(slate.items.size):
        slate.items[p] = _NOBODY


@tight
def finish(
    trace: Trace, record: Record, slate: Slate, event: int, offset: int, target: int, history: int,
    opens: bool, repeats: bool,
) -> None:  # fmt: skip
    """After a prediction, and before its event is learned."""
    row = trace.counters[FILL]
    trace.counters[FILL] += 1
    for model in range(record.places.size):
        trace.places[row, model] = record.places[model]
    numbers, shares = trace.numbers[row], trace.shares[row]
    numbers[EVENT], numbers[OFFSET], numbers[TARGET] = event, offset, target
    numbers[HISTORY], numbers[TAKEN] = history, trace.taken[target]
    numbers[OPENS], numbers[REPEATS] = int(opens), int(repeats)
    for family in range(3):
        shares[GATE + family] = slate.gate[family]
    shares[RANK] = _ahead(trace, target)
    shares[NOVELTY] = _show(trace, slate)


@tight
def _ahead(trace: Trace, target: int) -> float:
    """Share of the known items with more events than `target`; of those with as many, half."""
    count = min(trace.taken[target], MOST)
    if count == 0:
        return 1.0
    better = trace.at_least[count + 1]
    level = trace.at_least[count] - better
    return float((better + 0.5 * (level - 1)) / trace.at_least[1])


@tight
def _show(trace: Trace, slate: Slate) -> float:
    """Counts the slate's items as shown; returns their mean -log2 of the share of all events, -1 for none."""
    bits, n = 0.0, 0
    for p in range(slate.items.size):
        item = slate.items[p]
        if item != _NOBODY:
            trace.shown[item] += 1
            bits += np.log2(max(trace.counters[EVENTS], 1) / max(trace.taken[item], 1))
            n += 1
    return bits / n if n > 0 else -1.0


@tight
def take(trace: Trace, item: int) -> None:
    """One more event of `item`."""
    trace.counters[EVENTS] += 1
    trace.taken[item] += 1
    if trace.taken[item] <= MOST:
        trace.at_least[trace.taken[item]] += 1
