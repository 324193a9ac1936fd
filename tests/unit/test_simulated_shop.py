"""The simulated shop: the same for everybody with the same seed, and worth learning from."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import islice, pairwise

import pytest

from streamproc.contracts.events import Event
from streamproc.simulate.names import CONSUMABLES, people, styles, things
from streamproc.simulate.shop import DAY, OPENING, Shop


@pytest.fixture(scope="module")
def events() -> list[Event]:
    """A few days of a shop of the usual size."""
    return list(Shop(seed=7).events(20_000))


def recall(events: Iterable[Event], ranked) -> float:
    """Share of the events whose item is among the 20 that `ranked(user's last item, counts)` gives."""
    hits = trials = 0
    counts: Counter[str] = Counter()
    followers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    last: dict[str, str] = {}
    for event in events:
        before = last.get(event.user_id)
        if before:
            trials += 1
            hits += event.item_id in ranked(followers[before], counts)
            followers[before][event.item_id] += 1
        counts[event.item_id] += 1
        last[event.user_id] = event.item_id
    return hits / trials


def first_20(counts: Counter[str]) -> list[str]:
    return [item for item, _ in counts.most_common(20)]


def test_two_shops_with_one_seed_have_the_same_events():
    """And with another seed others."""
    first = list(Shop(seed=3, users=50, items=60).events(500))

    assert list(Shop(seed=3, users=50, items=60).events(500)) == first
    assert list(Shop(seed=4, users=50, items=60).events(500)) != first


def test_events_go_on_where_the_last_call_stopped():
    """A shop is one stream, however it is taken."""
    shop = Shop(users=20, items=40)

    in_parts = [*shop.events(30), *shop.events(70)]

    assert in_parts == list(Shop(users=20, items=40).events(100))


def test_time_advances_by_itself(events):
    """From the opening on, never back, some days for 500 users."""
    times = [event.ts for event in events]

    assert times == sorted(times)
    assert times[0] > OPENING
    assert 2 < (times[-1] - times[0]) / DAY < 10


def test_ids_number_the_events_of_one_source(events):
    """So that a repetition is known at once."""
    assert [event.event_id for event in events[:2]] == ["seq:shop-7:1", "seq:shop-7:2"]


def test_names_are_words_and_each_is_there_once():
    """A reader sees "oolong tea", not item_17."""
    items = Shop().items.item_ids
    everybody = list(islice(people(), 2000))

    assert "oolong tea" in items
    assert len(set(items)) == 400
    assert everybody[0] == "Ada"
    assert len(set(everybody)) == 2000
    assert len(set(islice(styles(), 100))) == 100


def test_every_consumable_is_sold():
    """A word that is written in two places is written alike."""
    assert {thing for _, line in things() for thing in line} >= CONSUMABLES


def test_every_type_is_there_and_views_are_most(events):
    counts = Counter(event.type for event in events)

    assert set(counts) == {"view", "like", "cart", "purchase"}
    assert counts["view"] > len(events) / 2
    assert counts["cart"] > counts["purchase"] > counts["like"]


def test_what_comes_next_is_told_much_better_by_the_last_item_than_by_popularity(events):
    """Without order within visits there would be nothing to learn: over .5 against under .25."""
    assert recall(events, lambda followers, counts: first_20(counts)) < 0.25
    assert recall(events, lambda followers, counts: first_20(followers)) > 0.5


def test_users_keep_to_their_tastes(events):
    """A user's first three categories are most of what they look at; of all users together under half."""
    shop = Shop(seed=7)
    category = dict(zip(shop.items.item_ids, shop.items.category.tolist(), strict=True))
    by_user: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for event in events:
        by_user[event.user_id][category[event.item_id]] += 1

    own = sum(count for counts in by_user.values() for _, count in counts.most_common(3))
    shared = sum(count for _, count in sum(by_user.values(), Counter()).most_common(3))

    assert own / len(events) > 0.75
    assert shared / len(events) < 0.5


def test_demand_drifts():
    """The twenty that sell best in the first days are not those of some weeks later."""
    events = list(Shop(seed=7, users=100, items=200).events(30_000))

    early, late = (
        set(first_20(Counter(e.item_id for e in part))) for part in (events[:5000], events[-5000:])
    )

    assert 2 <= len(early & late) <= 16


def test_new_items_appear():
    """Some are not there in the first days, and are looked at later."""
    shop = Shop(seed=7, users=100, items=200)
    opening = dict(zip(shop.items.item_ids, shop.items.opening_day, strict=True))

    events = list(shop.events(30_000))

    assert all((event.ts - OPENING) / DAY >= opening[event.item_id] for event in events)
    assert len({event.item_id for event in events if opening[event.item_id] > 3}) >= 10


def test_what_is_used_up_is_bought_again():
    """The gap between two purchases of one item by one user is its cycle, more or less."""
    shop = Shop(seed=7, users=30, items=130)
    cycle = dict(zip(shop.items.item_ids, shop.items.cycle_days, strict=True))
    bought: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for event in shop.events(30_000):
        if event.type == "purchase" and cycle[event.item_id] > 10:
            bought[event.user_id, event.item_id].append(event.ts)

    ratios = [
        (later - earlier) / DAY / cycle[item]
        for (_, item), times in bought.items()
        for earlier, later in pairwise(times)
    ]

    assert sum(0.7 < ratio < 1.5 for ratio in ratios) > 0.3 * len(ratios) > 30


def test_visits_are_told_apart_by_their_session(events):
    """Within one visit minutes pass, between two hours or days."""
    times: defaultdict[str | None, list[int]] = defaultdict(list)
    for event in events:
        times[event.session_id].append(event.ts)

    assert max(later - earlier for visit in times.values() for earlier, later in pairwise(visit)) < DAY / 24
    assert 5 < len(events) / len(times) < 15


def test_a_planted_taste_takes_over():
    """What a drift looks like: from one event on another category."""
    shop = Shop(seed=7, users=5)
    category = dict(zip(shop.items.item_ids, shop.items.category.tolist(), strict=True))
    toys = shop.items.categories.index("toys")

    def toy_share() -> float:
        visits = [event for event in shop.events(3000) if event.user_id == "Ada"]
        return sum(category[event.item_id] == toys for event in visits) / len(visits)

    before = toy_share()
    shop.plant("Ada", "toys")

    assert before < 0.3
    assert toy_share() > 0.5


def test_a_stranger_and_an_unknown_category_cannot_be_planted():
    with pytest.raises(KeyError):
        Shop(users=1).plant("Nobody", "toys")
    with pytest.raises(ValueError):
        Shop(users=1).plant("Ada", "weapons")
