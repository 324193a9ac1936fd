"""Users who change their taste and come back to it: does what was learned in between cost the old one?

Everybody watched has one planted taste. The returning ones get another one for the middle third of the
stream; the others keep theirs, so that what the shop itself changes (demand, new items) can be told from
forgetting.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from benchmarks.cores import Load
from benchmarks.result import Figures, Result
from benchmarks.workloads import SHOP
from streamproc.config import Config
from streamproc.contracts.events import Event, encode
from streamproc.evaluate.predictions import Predictions
from streamproc.evaluate.run import measure
from streamproc.refresh.offline import OfflineRefresh
from streamproc.simulate.shop import Shop
from streamproc_models import evaluation
from streamproc_models.arrays import I64, Bool

EVENTS, QUICK_EVENTS = 120_000, 3000
USERS, ITEMS, SEED = 500, 400, 7
GROUP = 100  # users who return, and as many who stay
SOON = 20  # events of a user after a change
BATCH = 4096  # events
PHASES = ("before", "away", "back")


class Told(NamedTuple):
    """The shop's events (n,), and what is known of who took them."""

    values: list[bytes]
    group: I64  # 1 returning, 2 staying, 0 anybody else
    phase: I64  # 0, 1, 2
    since: I64  # events of the user since the phase began


def run(quick: bool) -> Iterator[Result]:
    """With and without refreshes, by the request clock."""
    events = QUICK_EVENTS if quick else EVENTS
    told = planted(events)
    yield _measured(told, events // 25)
    yield _measured(told, 0)


def _measured(told: Told, every: int) -> Result:
    config, load = Config(), Load()
    batches = (told.values[start : start + BATCH] for start in range(0, len(told.values), BATCH))
    found = measure(config, batches, "request", OfflineRefresh(config, every) if every else None)
    name = "quality/returning" if every else "quality/returning unrefreshed"
    figures = {
        "events": found.report.events,
        "promoted": found.report.refreshes.promoted,
        "rejected": found.report.refreshes.rejected,
        "seconds": found.report.seconds,
    }
    return Result(name, SHOP, config, figures | _figures(told, found.predictions), (), load.foreign())


def planted(events: int) -> Told:
    """All three phases, of the same length."""
    shop = Shop(SEED, USERS, ITEMS)
    watched = {name: 1 + number // GROUP for number, name in enumerate(shop.user_ids[: 2 * GROUP])}
    first = _tastes(shop, 0)
    second = _tastes(shop, len(shop.items.categories) // 2)
    for name in watched:
        shop.plant(name, first[name])
    told: list[tuple[Event, int, int]] = []
    for phase in range(3):
        if phase:
            for name in (name for name, group in watched.items() if group == 1):
                shop.plant(name, (first, second, first)[phase][name])
        told += ((event, watched.get(event.user_id, 0), phase) for event in shop.events(events // 3))
    return Told(
        [encode(event) for event, _, _ in told],
        np.array([group for _, group, _ in told]),
        np.array([phase for _, _, phase in told]),
        _since([(event.user_id, phase) for event, _, phase in told]),
    )


def _tastes(shop: Shop, shift: int) -> dict[str, str]:
    """A category for each user, and with another `shift` another one."""
    categories = shop.items.categories
    return {name: categories[(number + shift) % len(categories)] for number, name in enumerate(shop.user_ids)}


def _since(keys: list[tuple[str, int]]) -> I64:
    counts: dict[tuple[str, int], int] = {}
    found = []
    for key in keys:
        found.append(counts.get(key, 0))
        counts[key] = found[-1] + 1
    return np.array(found)


def _figures(told: Told, p: Predictions) -> Figures:
    """By group and phase; what comes soon after a change apart from what comes later."""
    group, phase, soon = told.group[p.key], told.phase[p.key], told.since[p.key] < SOON
    found: Figures = {}
    for number, who in ((1, "returning"), (2, "staying")):
        for step, when in enumerate(PHASES):
            for name, part in (("soon", soon), ("later", ~soon)):
                found |= _part(f"{who}/{when}/{name}", p, (group == number) & (phase == step) & part)
    return found


def _part(name: str, p: Predictions, chosen: Bool) -> Figures:
    n = int(np.count_nonzero(chosen))
    recall = float(p.hits(evaluation.FUSION)[chosen].mean()) if n else 0.0
    error = float(np.sqrt(recall * (1.0 - recall) / n)) if n else 0.0
    return {f"{name}/events": n, f"{name}/recall_at_20": recall, f"{name}/recall_at_20_error": error}
