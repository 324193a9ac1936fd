"""How long an item, and a user's own item, has not been seen; counted by hand."""

import numpy as np

from streamproc.evaluate.absence import NEVER, Occurrences, since
from streamproc.evaluate.segments import segments
from tests.event_columns import columns
from tests.predictions import Prediction, predictions


def test_steps_go_back_to_the_last_with_the_same_key():
    """5 at 0, 2 and 3; 7 at 1 alone."""
    keys = np.array([5, 7, 5, 5], np.uint64)

    assert since(keys, np.ones(4, np.bool_)).tolist() == [NEVER, NEVER, 2, 1]


def test_what_does_not_count_is_no_occurrence():
    """The 5 in the middle was a dislike."""
    keys = np.array([5, 5, 5], np.uint64)

    assert since(keys, np.array([True, False, True])).tolist() == [NEVER, NEVER, 2]


def test_items_are_anybodys_and_pairs_are_ones_own():
    """Over two batches: tea by ann, tea by bob, a cup by ann, tea by ann."""
    occurrences = Occurrences()
    occurrences.add(columns([("ann", "tea"), ("bob", "tea"), ("ann", "cup")]))
    occurrences.add(columns([("ann", "tea")], 3))

    absence = occurrences.absence(np.array([1, 2, 3]))

    assert absence.item.tolist() == [1, NEVER, 2]
    assert absence.own.tolist() == [NEVER, NEVER, 3]


def test_who_was_told_nothing_has_seen_nothing():
    """A trace alone does not say what was learned without being predicted."""
    assert Occurrences().absence(np.array([4, 5])).item.tolist() == [NEVER, NEVER]


def test_segments_go_by_powers_of_ten():
    """At both ends of each; the parts make up the whole."""
    ages = [NEVER, 1, 99, 100, 9_999, 10_000, 100_000]
    found = segments(predictions(*(Prediction(since_item=age) for age in ages)))["since_item"]

    assert {name: part.events for name, part in found.items()} == {
        "<100": 2, "<1000": 1, "<10000": 1, "<100000": 1, "longer": 1, "unseen": 1,
    }  # fmt: skip
