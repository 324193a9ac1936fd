"""Every benchmark by its name: the module of this name, whose `run(quick)` yields results."""

import importlib
from collections.abc import Callable, Iterator

from benchmarks.result import Result

Run = Callable[..., Iterator[Result]]  # takes whether it shall be quick; one takes names of sets as well

BENCHMARKS = {
    "learner": "The learner alone, in memory, on one core: events a second, and how well they were predicted",
    "memory": "Bytes per user and per item in a worker",
    "restore": "A worker taking over a partition: users a second, events of the journal's tail a second",
    "pipeline": "Broker, worker and trainer on two cores, against a stock Faust agent that does nothing",
    "latency": "From a click to its slate, and from an event to the model that has learned it",
    "serve": "Recommendations over HTTP, asked for by wrk while events are learned",
    "kills": "kill -9 while events come: what is lost and what counts twice, beside a stock Faust agent",
    "recovery": "kill -9 of a worker and of the trainer until all goes on, and what a snapshot holds up",
    "drift": "A shop that becomes another one: when that is noticed, and how soon it is over",
    "quality": "How well every event of real streams is predicted before it is learned, beside others",
}
LONG = {"quality"}  # hours: only where it is named


def load(name: str) -> Run:
    """The benchmark of that name; its imports wait until then."""
    run: Run = importlib.import_module(f"benchmarks.{name}").run
    return run
