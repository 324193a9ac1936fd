"""A history in, a generation out: both methods on numbers that can be checked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from streamproc.config import Config
from streamproc.contracts.ids import strings, texts
from streamproc.refresh import als
from streamproc.refresh.ease import ease
from streamproc.refresh.fit import Factors, Fitted, History, choose, fit, most_frequent, shown_by_users
from streamproc.refresh.strongest import strongest
from streamproc_models.slots import FREE

NAMES = [b"tea", b"cup", b"spoon", b"jam"]
TEA, CUP, SPOON, JAM = range(4)


def history_of(pairs: list[tuple[int, int]], names: list[bytes] = NAMES) -> History:
    """One event of strength 1 per pair (user, item)."""
    users, items = np.array(pairs, np.int32).reshape(-1, 2).T
    return History(users, items, np.ones(len(pairs), np.float32), int(users.max()) + 1, strings(names))


def two_circles(size: int = 6, users: int = 12) -> History:
    """Users of even number take the first half of the items, the others the second half, one left out."""
    pairs = [
        (user, item)
        for user in range(users)
        for item in range(size * (user % 2), size * (user % 2 + 1))
        if item % size != user // 2
    ]
    return history_of(pairs, [b"item %d" % item for item in range(2 * size)])


def settings(method: str = "auto", **refresh: object) -> Config:
    return Config(refresh={"method": method, **refresh}, heads={"long_term": {"slots": 4}})


def dense(fitted: Fitted) -> np.ndarray:
    """B (items, items), 0 where nothing was kept."""
    items = fitted.neighbours.shape[0]
    full = np.zeros((items, items))
    for row, slot in np.argwhere(fitted.neighbours != FREE):
        full[row, fitted.neighbours[row, slot]] = fitted.weights[row, slot]
    return full


def test_ease_is_the_closed_form_of_its_paper() -> None:
    """Three users, four items, lambda 2: against P from a direct solve of (X'X + 2 I) P = I."""
    shown = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1]], np.float32)
    inverse = np.linalg.solve(shown.T @ shown + 2 * np.eye(4), np.eye(4))
    expected = np.maximum(np.eye(4) - inverse / np.diag(inverse), 0)
    np.fill_diagonal(expected, 0)

    kept = ease(csr_matrix(shown), slots=3, regularisation=2.0)

    found = dense(Fitted(strings(NAMES), *kept, np.empty((4, 0), np.float32), "ease"))
    assert found == pytest.approx(expected, abs=1e-6)


def test_ease_of_two_items_by_hand() -> None:
    """X'X = [[2, 1], [1, 2]], lambda 2: P = [[4, -1], [-1, 4]] / 15, so B off the diagonal is 1/4."""
    shown = csr_matrix(np.array([[1, 1], [1, 0], [0, 1]], np.float32))

    names, weights = ease(shown, slots=2, regularisation=2.0)

    assert names.tolist() == [[1, FREE], [0, FREE]]
    assert weights[:, 0] == pytest.approx([0.25, 0.25])


def test_linearised_als_of_two_items_by_hand() -> None:
    """V'V = 10 and mu = 10 with one factor: W = 1/20, so B[0, 1] = 1 * 3 / 20."""
    names, weights = als.linearise(np.array([[1.0], [3.0]], np.float32), slots=1)

    assert names.tolist() == [[1], [0]]
    assert weights[:, 0] == pytest.approx([0.15, 0.15])


@pytest.mark.parametrize("method", ["ease", "als"])
def test_items_speak_only_for_their_own_circle(method: str) -> None:
    """Two groups of users who share nothing: every kept neighbour is of the item's own half."""
    fitted = fit(two_circles(), settings(method))

    halves = np.arange(12) // 6
    full = dense(fitted)
    assert fitted.method == method
    assert (fitted.neighbours[:, 0] != FREE).all()
    assert full[halves[:, None] == halves].sum() > 100 * full[halves[:, None] != halves].sum()


@pytest.mark.parametrize("method", ["ease", "als"])
def test_the_same_history_gives_the_same_generation(method: str) -> None:
    """Bit by bit: nothing is drawn that the seed does not give."""
    first, second = (fit(two_circles(), settings(method)) for _ in range(2))

    assert first.neighbours.tobytes() == second.neighbours.tobytes()
    assert first.weights.tobytes() == second.weights.tobytes()
    assert first.factors.tobytes() == second.factors.tobytes()


def test_ease_is_for_small_catalogues_only() -> None:
    """Whatever is asked for: the limit bounds the time."""
    config = settings(ease_max_items=100)

    assert choose(100, config) == "ease"
    assert choose(101, config) == "als"
    assert choose(101, settings("ease", ease_max_items=100)) == "als"
    assert choose(100, settings("als")) == "als"


def test_a_warm_start_goes_on_where_the_earlier_generation_stopped() -> None:
    """Three sweeps from converged factors move them less than three from the cold start."""
    history = two_circles()
    shown = shown_by_users(history)
    settled = als.sweep(shown, als.cold_start(12, 7), 60)

    warm = fit(history, settings("als"), Factors(history.item_ids, settled)).factors
    cold = als.sweep(shown, als.cold_start(12, 7), als.WARM_SWEEPS)

    assert np.abs(warm - settled).max() < 0.1 * np.abs(cold - settled).max()


def test_earlier_factors_are_found_by_the_id_of_the_item() -> None:
    """The order of the items and the newcomers among them do not matter."""
    history = two_circles()
    settled = als.sweep(shown_by_users(history), als.cold_start(12, 7), 60)
    names = texts(history.item_ids)
    backwards = Factors(strings([b"gone", *names[::-1]]), np.vstack([settled[:1], settled[::-1]]))

    straight = fit(history, settings("als"), Factors(history.item_ids, settled))

    assert fit(history, settings("als"), backwards).factors.tobytes() == straight.factors.tobytes()


def test_a_new_event_of_mean_strength_counts_one() -> None:
    """Strength 5 throughout gives what strength 1 throughout gives; twice is log2(1 + 2)."""
    history = history_of([(0, TEA), (0, CUP), (0, CUP)])

    shown = shown_by_users(history._replace(strengths=np.full(3, 5, np.float32))).toarray()

    assert shown[0] == pytest.approx([1.0, np.log2(3.0), 0.0, 0.0], abs=1e-4)


def test_only_the_most_frequent_items_stay_within_the_limit() -> None:
    """SPOON and TEA have two events each, CUP and JAM one: order and events of the others survive."""
    history = history_of([(0, TEA), (0, CUP), (1, SPOON), (1, TEA), (2, SPOON), (2, JAM)])

    bounded = most_frequent(history, 2)

    assert texts(bounded.item_ids) == [b"tea", b"spoon"]
    assert bounded.items.tolist() == [0, 1, 0, 1]
    assert bounded.users.tolist() == [0, 1, 1, 2]


def test_a_history_without_events_is_refused() -> None:
    """There is nothing to fit."""
    nothing = History(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32), 0, strings([]))

    with pytest.raises(ValueError, match="without events"):
        fit(nothing, settings())


@given(
    entries=st.lists(st.lists(st.integers(-3, 5), min_size=6, max_size=6), min_size=6, max_size=6),
    slots=st.integers(1, 7),
)
def test_the_strongest_entries_are_those_of_a_full_sort(entries: list[list[int]], slots: int) -> None:
    """Off the diagonal, above 0, descending, the earlier column first among equals."""
    matrix = np.array(entries, np.float32)

    names, weights = strongest(lambda rows: matrix[rows], 6, slots)

    for row in range(6):
        order = sorted(
            (c for c in range(6) if c != row and matrix[row, c] > 0), key=lambda c: -matrix[row, c]
        )
        expected = (order + [FREE] * 7)[:slots]
        assert names[row].tolist() == expected
        assert weights[row].tolist() == [matrix[row, c] if c != FREE else 0.0 for c in expected]
