"""A seeded simulated shop: who comes in, with what in mind, and what comes of it.

Users have long-term tastes over categories; a visit has a short-term intent in one of them, in which one
thing leads to the next (teapot, oolong tea, tea strainer); what is used up is bought again when its time is
over; demand drifts, and new items appear. Event time advances by itself: nothing here reads a clock.
"""

import heapq
from bisect import bisect
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from streamproc.contracts.events import Event
from streamproc.simulate.catalogue import catalogue
from streamproc.simulate.names import people
from streamproc.simulate.popularity import Popularity

OPENING = 1_767_600_000_000  # ms, 2026-01-05 08:00 UTC
DAY = 86_400_000  # ms
TASTE = 0.15  # of the Dirichlet: under 1 a user likes few categories
VISITS_PER_DAY = 1.0  # of a middling user
STEPS = 6.0  # items looked at in a visit, on average
PAUSE = 25_000.0  # ms between two events of a visit, at the median
BY_TASTE = 0.85  # of the intents; the others are a whim
AGAIN = 0.8  # that a visit starts with what has run out
FOLLOW, BROWSE, BACK = (
    0.62,
    0.24,
    0.08,
)  # next step: the usual successor, the category, something seen; else a new intent
LIKE, CART, BUY = 0.06, 0.2, 0.7  # after a look; after a look; at the end, of what is in the cart
PLANTED = 0.95  # weight of a planted taste


@dataclass
class User:
    """One customer."""

    user_id: str
    taste: list[float]  # running sums of the weights of the categories
    visit_gap: float  # ms between visits, on average
    visits: int = 0
    coming: deque[tuple[str, int]] = field(default_factory=deque)  # type and item of this visit's events
    seen: deque[int] = field(default_factory=lambda: deque(maxlen=20))
    due: dict[int, int] = field(default_factory=dict)  # item: when it is used up, ms


class Shop:
    """Two shops with the same arguments have the same events."""

    def __init__(
        self,
        seed: int = 7,
        users: int = 500,
        items: int = 400,
        opening: int = OPENING,
        day: int = DAY,
        source: str = "",
    ) -> None:
        """Opens at `opening` ms; a `day` under 24 h (in ms) brings users back so much sooner.

        Ids of events are `seq:<source>:<number>`; without a source it is made from the seed.
        """
        self._day = day
        self._random = np.random.default_rng(seed)
        self.items = catalogue(self._random, items)
        self._popularity = Popularity(self._random, self.items)
        self._users = [self._new_user(name) for name in islice(people(), users)]
        self._by_id = {user.user_id: user for user in self._users}
        self._opening = opening
        self._source = source or f"shop-{seed}"
        self._count = 0
        self._next = [(opening + self._gap(user), place) for place, user in enumerate(self._users)]
        heapq.heapify(self._next)

    @property
    def user_ids(self) -> list[str]:
        return list(self._by_id)

    def regular(self) -> str:
        """A user who comes more often than nineteen in twenty."""
        by_gap = sorted(self._users, key=lambda user: user.visit_gap)
        return by_gap[len(by_gap) // 20].user_id

    def events(self, count: int | None = None) -> Iterator[Event]:
        """The next `count` events, or all without end; they go on where the last call stopped."""
        done = 0
        while count is None or done < count:
            yield self._event()
            done += 1

    def plant(self, user_id: str, category: str) -> None:
        """Switch a user's taste to one category, from the next event on. Raises KeyError, ValueError."""
        user, wanted = self._by_id[user_id], self.items.categories.index(category)
        others = (1.0 - PLANTED) / max(1, len(self.items.categories) - 1)
        weights = np.full(len(self.items.categories), others)
        weights[wanted] = PLANTED
        user.taste = np.cumsum(weights).tolist()
        user.coming.clear()

    def _event(self) -> Event:
        time, place = self._next[0]
        user = self._users[place]
        if not user.coming:
            self._visit(user, time)
        kind, item = user.coming.popleft()
        user.seen.append(item)
        if kind == "purchase":
            self._bought(user, item, time)
        later = self._pause() if user.coming else self._gap(user)
        heapq.heapreplace(self._next, (time + later, place))
        self._count += 1
        return Event(
            event_id=f"seq:{self._source}:{self._count}",
            type=kind,
            user_id=user.user_id,
            item_id=self.items.item_ids[item],
            ts=time,
            session_id=f"{user.user_id}/{user.visits}",
        )

    def _visit(self, user: User, time: int) -> None:
        self._popularity.advance((time - self._opening) // self._day)
        user.visits += 1
        cart: dict[int, None] = {}
        for item in self._looked_at(user, time):
            user.coming.append(("view", item))
            if self._chance() < LIKE:
                user.coming.append(("like", item))
            if self._chance() < CART and item not in cart:
                user.coming.append(("cart", item))
                cart[item] = None
        user.coming.extend(("purchase", item) for item in cart if self._chance() < BUY)

    def _looked_at(self, user: User, time: int) -> Iterator[int]:
        used_up = [item for item, due in user.due.items() if due <= time]
        if used_up and self._chance() < AGAIN:
            item = used_up[0]
            del user.due[item]
            user.coming.extend((("view", item), ("purchase", item)))
            item = self._step(user, item)
        else:
            item = self._intent(user)
        for _ in range(int(self._random.geometric(1.0 / STEPS))):
            yield item
            item = self._step(user, item)

    def _step(self, user: User, item: int) -> int:
        chance = self._chance()
        if chance < FOLLOW:
            return self._successor(item)
        if chance < FOLLOW + BROWSE:
            return self._popularity.draw(int(self.items.category[item]), self._chance())
        if chance < FOLLOW + BROWSE + BACK and user.seen:
            return user.seen[int(self._chance() * len(user.seen))]
        return self._intent(user)

    def _successor(self, item: int) -> int:
        """Mostly the first one that is there, at times a later one."""
        for successor in self.items.successors[item]:
            if self._popularity.is_there(successor) and self._chance() < 0.7:
                return successor
        return self._popularity.draw(int(self.items.category[item]), self._chance())

    def _intent(self, user: User) -> int:
        chance = self._chance()
        if self._chance() < BY_TASTE:
            category = min(bisect(user.taste, chance), len(user.taste) - 1)
        else:
            category = int(chance * len(self.items.categories))
        return self._popularity.draw(category, self._chance())

    def _bought(self, user: User, item: int, time: int) -> None:
        cycle = self.items.cycle_days[item]
        if not np.isnan(cycle):
            user.due[item] = time + int(self._day * cycle * self._random.lognormal(0.0, 0.15))

    def _new_user(self, name: str) -> User:
        taste = self._random.dirichlet(np.full(len(self.items.categories), TASTE))
        gap = self._day / VISITS_PER_DAY * self._random.lognormal(0.0, 0.7)
        return User(name, np.cumsum(taste).tolist(), gap)

    def _gap(self, user: User) -> int:
        return 1 + int(self._random.exponential(user.visit_gap))

    def _pause(self) -> int:
        return 1000 + int(PAUSE * self._random.lognormal(0.0, 0.8))

    def _chance(self) -> float:
        return self._random.random()
