"""What the simulated shop sells: items with a category, usual successors, and a day on which they appear."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

from streamproc.simulate.names import CONSUMABLES, styles, things
from streamproc_models.arrays import F64, I64

LATER = 0.15  # share of the items that appear after the opening
APPEARING_DAYS = 45.0  # until the last of them is there
CYCLE_DAYS = (5.0, 25.0)  # how long what is used up lasts
POPULARITY_SPREAD = 1.0  # of the logarithm


class Item(NamedTuple):
    """What an item is called, and where it belongs."""

    item_id: str
    style: int  # 0: the plain one
    category: int
    step: int  # place of the thing in the usual order of its category
    consumable: bool


class Catalogue(NamedTuple):
    """All items, also those that are not there yet; an item is its place in the arrays."""

    item_ids: list[str]
    categories: list[str]
    category: I64  # (items,) place in `categories`
    successors: list[list[int]]  # items that usually come next, the likeliest first
    cycle_days: F64  # (items,) until it is bought again; NaN: never
    opening_day: F64  # (items,) day on which it appears; 0 for most
    appeal: F64  # (items,) logarithm of the lasting part of its popularity


def catalogue(random: np.random.Generator, count: int) -> Catalogue:
    """`count` items called "oolong tea", then "blue oolong tea", and so on."""
    items = list(islice(_items(), count))
    consumable = np.array([item.consumable for item in items])
    return Catalogue(
        item_ids=[item.item_id for item in items],
        categories=[category for category, _ in things()[: max(item.category for item in items) + 1]],
        category=np.array([item.category for item in items], np.int64),
        successors=_successors(random, items),
        cycle_days=np.where(consumable, random.uniform(*CYCLE_DAYS, count), np.nan),
        opening_day=_opening_days(random, count),
        appeal=random.normal(0.0, POPULARITY_SPREAD, count),
    )


def _items() -> Iterator[Item]:
    for style, before in enumerate(styles()):
        for category, (_, line) in enumerate(things()):
            for step, thing in enumerate(line):
                yield Item(before + thing, style, category, step, thing in CONSUMABLES)


def _successors(random: np.random.Generator, items: list[Item]) -> list[list[int]]:
    """The next thing in the same style, the next in another style, the one after the next."""
    places = {(item.category, item.step, item.style): place for place, item in enumerate(items)}
    steps = {category: len(line) for category, (_, line) in enumerate(things())}
    all_styles = 1 + max(item.style for item in items)
    found = []
    for item in items:
        other = int(random.integers(all_styles))
        wanted = [(1, item.style), (1, 0), (1, other), (2, item.style)]
        keys = [(item.category, (item.step + on) % steps[item.category], style) for on, style in wanted]
        found.append(list(dict.fromkeys(places[key] for key in keys if key in places)))
    return found


def _opening_days(random: np.random.Generator, count: int) -> F64:
    days = np.zeros(count)
    later = random.choice(count, int(count * LATER), replace=False)
    days[later] = random.uniform(0.0, APPEARING_DAYS, later.size)
    return days
