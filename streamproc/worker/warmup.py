"""Every kernel of a worker, run once on a toy before the worker joins its group.

Compiling takes a minute on a machine that has not done it yet, and loading what was compiled takes a second:
too long for a stream that waits.
"""

import numpy as np

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.events import Decoder
from streamproc.contracts.journal import pack_range, unpack_events
from streamproc.contracts.record_batch import batch
from streamproc.engine import model, toy
from streamproc.engine.inquiry import Inquirer
from streamproc.engine.observer import Observer
from streamproc.engine.windows import Windows
from streamproc.logs import get_logger
from streamproc.worker.answering import Answerer

logger = get_logger(__name__)

LATE_ENOUGH = 10**13  # ms; no toy event is in the future then


def warm_up(config: Config, clock: Clock) -> float:
    """Compile or load all that a worker runs; returns the seconds it took."""
    began = clock.seconds()
    logger.info("loads the kernels; the first time on a machine they are compiled, for minutes")
    view, windows = toy.view(config), Windows(config)
    model.rehash(view.model)
    observer = Observer(config, view)
    answerer = Answerer(config, view, observer, clock)
    events = toy.events(config)
    count = len(events)
    columns, _ = Decoder(config.events).decode(events, np.arange(count), np.full(count, LATE_ENOUGH), 0)
    observer.decide(windows, columns)
    for value in pack_range(0, -1, count - 1, columns):
        observer.apply(windows, unpack_events(value).columns)
    rows = windows.find(columns.users)[:1]
    restored = Windows(config)
    restored.load(dict(zip(windows.user_ids(rows), windows.pack(rows), strict=True)))
    *_, answered = answerer.for_each(Windows(config), columns, 0)
    batch(*answered, 0, 1 << 20, 0)
    answerer.for_events(windows, rows, 0)
    answerer.for_generation(restored, np.zeros(1, np.int32))
    Inquirer(config).ask(view, restored, 0, 0)
    seconds = clock.seconds() - began
    logger.info("the kernels are ready", seconds=round(seconds, 1))
    return seconds
