"""What is in demand in the simulated shop: it drifts from day to day, and the newest is looked at most."""

from bisect import bisect
from itertools import accumulate

import numpy as np

from streamproc.simulate.catalogue import Catalogue

MEMORY = 0.97  # of the drift, from one day to the next
DRIFT = 0.25  # spread of one day's step, of the logarithm
NEW_APPEAL = 2.0  # how much more of the logarithm an item has on its first day
NEW_DAYS = 7.0  # after which a third of that is left


class Popularity:
    """Draws items of a category by what is in demand today."""

    def __init__(self, random: np.random.Generator, items: Catalogue) -> None:
        self._random = random
        self._items = items
        self._drift = np.zeros(len(items.item_ids))
        self._members = [np.flatnonzero(items.category == each) for each in range(len(items.categories))]
        self._day = -1
        self._there: list[list[int]] = []
        self._limits: list[list[float]] = []  # running sums of the weights of `_there`
        self.advance(0)

    def advance(self, day: int) -> None:
        """Drift on until `day`."""
        if day <= self._day:
            return
        for _ in range(day - self._day):
            self._drift = MEMORY * self._drift + self._random.normal(0.0, DRIFT, self._drift.size)
        self._day = day
        age = day - self._items.opening_day  # (items,) days, negative where not there yet
        newness = np.where(
            self._items.opening_day > 0, NEW_APPEAL * np.exp(-np.maximum(age, 0) / NEW_DAYS), 0
        )
        weights = np.where(age >= 0, np.exp(self._items.appeal + self._drift + newness), 0.0)
        self._there = [members[weights[members] > 0].tolist() for members in self._members]
        self._limits = [list(accumulate(weights[there].tolist())) for there in self._there]

    def is_there(self, item: int) -> bool:
        return bool(self._items.opening_day[item] <= self._day)

    def draw(self, category: int, chance: float) -> int:
        """The item of a category that a chance in [0, 1) falls on."""
        limits = self._limits[category]
        return self._there[category][bisect(limits, chance * limits[-1])]
