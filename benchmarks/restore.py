"""How fast a worker is back: users from their published states, then the journal since."""

import time
from collections.abc import Iterator, Sequence

from benchmarks import workloads
from benchmarks.cores import Load, pinned
from benchmarks.filling import state_of
from benchmarks.result import Result
from streamproc.clock import SystemClock
from streamproc.config import Config
from streamproc.contracts.columns import EventColumns
from streamproc.contracts.journal import Reader, pack_range, unpack_events
from streamproc.engine.learner import Learner
from streamproc.engine.observer import Observer
from streamproc.engine.publishing import SyncPoint, changed_rows
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc.worker.warmup import warm_up

USERS, QUICK_USERS = 200_000, 2000
EVENTS, QUICK_EVENTS = 200_000, 3000
ROUNDS = 3
WINDOW = 64  # events of each user


def run(quick: bool) -> Iterator[Result]:
    """States, then the tail, in memory: without the time that Kafka takes to deliver them."""
    config = Config()
    warm_up(config, SystemClock())
    with pinned(1):
        yield _states(config, QUICK_USERS if quick else USERS)
        name, events = (workloads.SHOP, QUICK_EVENTS) if quick else (workloads.YOOCHOOSE, EVENTS)
        yield _tail(config, workloads.load(name, events))


def _states(config: Config, count: int) -> Result:
    states = dict.fromkeys([b"user-%09d" % number for number in range(count)], state_of(config, WINDOW))
    load = Load()
    seconds = [_load(config, states) for _ in range(ROUNDS)]
    figures = {
        "users": count,
        "users_per_second": count / min(seconds),
        "users_per_second_worst": count / max(seconds),
    }
    return Result("restore", f"windows of {WINDOW} events", config, figures, foreign_cpu=load.foreign())


def _load(config: Config, states: dict[bytes, bytes]) -> float:
    windows = Windows(config, 1)
    began = time.thread_time()
    windows.load(states)
    return time.thread_time() - began


def _tail(config: Config, workload: workloads.Workload) -> Result:
    """Half of the stream makes the model; the other half is the tail."""
    batches = workloads.batches(workload, config)
    half = len(batches) // 2
    learner = Learner(config, 1)
    for columns in batches[:half]:
        learner.learn(0, columns)
    view = ModelView(config)
    view.apply(changed_rows(learner, SyncPoint(1, 0)))
    journal = [_record(columns) for columns in batches[half:]]
    events = sum(columns.users.size for columns in batches[half:])
    load = Load()
    seconds = [_observe(config, view, journal) for _ in range(ROUNDS)]
    figures = {
        "events": events,
        "events_per_second": events / min(seconds),
        "events_per_second_worst": events / max(seconds),
    }
    return Result("restore", f"{workload.name}, journal's tail", config, figures, foreign_cpu=load.foreign())


def _record(columns: EventColumns) -> bytes:
    first, last = int(columns.offsets[0]), int(columns.offsets[-1])
    return pack_range(0, first - 1, last, columns)[0]


def _observe(config: Config, view: ModelView, journal: Sequence[bytes]) -> float:
    """What a restoring worker does with each record of the journal."""
    windows, observer = Windows(config, 1), Observer(config, view)
    reader = Reader({0: unpack_events(journal[0]).prev})
    began = time.thread_time()
    for value in journal:
        columns = reader.accept(unpack_events(value))
        if columns is not None:
            observer.apply(windows, columns)
    return time.thread_time() - began
