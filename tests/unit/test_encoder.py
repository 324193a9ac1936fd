"""The encoder of a refresh: what it learns, when it stops, and what it hands over."""

import numpy as np
import pytest
import torch

from streamproc.contracts.encoder import EncoderArrays
from streamproc.encoder_config import EncoderConfig
from streamproc.refresh.encoder import descent, sequences
from streamproc.refresh.encoder.handing import arrays
from streamproc.refresh.encoder.judging import judge
from streamproc.refresh.encoder.network import Encoder
from streamproc.refresh.encoder.sequences import Sequences
from streamproc.refresh.encoder.training import Trained, train
from streamproc_models.arrays import F32
from streamproc_models.heads import gru

ITEMS = 30
SMALL = EncoderConfig(
    size=16, length=8, batch=32, negatives=16, rate=0.2, dropout=0.1, newest=0.1, epochs=8, patience=8
)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def chain(users=60, events=12, items=ITEMS):
    """Everybody walks i -> 7 i + 3 (mod items) from a start of their own, in turns."""
    start = np.random.default_rng(0).integers(0, items, users)
    walks = [start]
    for _ in range(events - 1):
        walks.append((7 * walks[-1] + 3) % items)
    return np.tile(np.arange(users), events).astype(np.int32), np.concatenate(walks).astype(np.int32)


def no_time():
    return 0.0


def learn(config=SMALL, seed=7, seconds=no_time, told=None) -> Trained:
    return train(*chain(), ITEMS, config, seed, seconds, told.append if told is not None else lambda _: None)


def handed(trained: Trained) -> EncoderArrays:
    return arrays(trained, 720)


def as_head(given: EncoderArrays) -> gru.Weights:
    return gru.Weights(given.embeddings, given.bias, np.ascontiguousarray(given.cell))


def by_torch(trained: Trained, items: list[int]) -> tuple[F32, F32]:
    """Hidden vectors (t, h) after each item, and logits (t, items)."""
    steps = len(items)
    batch = sequences.Batch(np.array([items]), np.ones((1, steps), bool), np.empty(0, np.int32))
    hidden = trained.encoder.hidden(batch)[0]
    return hidden.numpy(), (hidden @ trained.encoder.embeddings.T + trained.encoder.bias).numpy()


@pytest.mark.parametrize("cell", ["gru", "lstm", "attention"])
def test_a_chain_of_items_is_learned(cell):
    """The next item is a function of the last: nearly always at rank 1, where a guess is at 15."""
    config = SMALL.model_copy(update={"cell": cell, "enabled": "off"})

    best = learn(config).best

    assert best.targets == 72
    assert best.mrr > 0.9


@pytest.mark.parametrize("cell", ["gru", "lstm", "attention"])
def test_what_comes_later_does_not_change_what_came_before(cell):
    """Neither by looking ahead nor across the rows of a batch."""
    config = SMALL.model_copy(update={"cell": cell, "enabled": "off"})
    encoder = Encoder(config, ITEMS, 1)
    items = np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
    other = np.array([[1, 2, 9, 9], [5, 6, 7, 8]])
    used, nothing = np.ones((2, 4), bool), np.empty(0, np.int32)

    first, second = (encoder.hidden(sequences.Batch(each, used, nothing)) for each in (items, other))

    assert torch.equal(first[0, :2], second[0, :2])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[0, 2], second[0, 2])


def test_the_online_head_goes_on_with_the_same_states_and_scores():
    """What torch computes over a sequence, the compiled step and scores compute from the handed arrays."""
    trained = learn(SMALL.model_copy(update={"epochs": 2}))
    given = handed(trained)
    head, size = as_head(given), SMALL.size
    items = np.random.default_rng(3).integers(0, given.items.size, 40).tolist()
    hidden, room = np.zeros(size, np.float32), np.zeros(6 * size, np.float32)
    expected_hidden, expected_scores = by_torch(trained, given.items[items].tolist())
    rows, out = np.arange(given.items.size, dtype=np.int32), np.zeros(given.items.size, np.float32)

    for step, item in enumerate(items):
        gru.advance(head, item, hidden, hidden, room)
        gru.scores(head, hidden, rows, rows.size, out)

        assert hidden == pytest.approx(expected_hidden[step], abs=1e-5)
        assert out == pytest.approx(expected_scores[step, given.items], abs=1e-5)


def test_sums_and_counts_are_handed_over_with_the_weights():
    """Adagrad goes on where it was; logQ needs to know how often each item was a target."""
    trained = learn()
    given = handed(trained)
    _, sums = trained.encoder.split()

    assert given.embeddings_sums.tolist() == sums[0].numpy()[given.items].tolist()
    assert given.cell_sums.shape == given.cell.shape == (34, 48)
    assert (given.cell_sums[: SMALL.size].T == sums[2].numpy()).all()
    assert (given.cell_sums > 1e-6).any()
    assert descent.FIRST_SUM == gru.FIRST_SUM
    assert given.counts.sum() == 720 - 60  # all but each user's first
    assert given.unknown_bias < np.median(given.bias)


def test_items_outside_the_sequences_are_not_handed_over():
    """Item 29 of 31 occurs once, for a user with nothing else; item 30 never."""
    users, items = chain(items=29)
    trained = train(
        np.append(users, 99).astype(np.int32), np.append(items, 29).astype(np.int32), 31,
        SMALL.model_copy(update={"epochs": 1}), 7, no_time,
    )  # fmt: skip

    assert handed(trained).items.tolist() == list(range(29))


def test_other_cells_cannot_be_handed_over():
    """There is no head for them."""
    trained = learn(SMALL.model_copy(update={"cell": "lstm", "enabled": "off", "epochs": 1}))

    with pytest.raises(ValueError, match="lstm cannot be handed over"):
        arrays(trained, 720)


def test_the_same_history_gives_the_same_encoder():
    """To the bit; another seed gives another one."""
    config = SMALL.model_copy(update={"epochs": 2})
    first, second, third = (handed(learn(config, seed)) for seed in (7, 7, 8))

    assert [a.tobytes() for a in first] == [a.tobytes() for a in second]
    assert first.cell.tobytes() != third.cell.tobytes()


def test_training_stops_when_the_newest_slice_is_predicted_no_better():
    """A chain is learned in a few epochs; then nothing gets better and two more are enough."""
    trained = learn(SMALL.model_copy(update={"epochs": 50, "patience": 2}))

    assert trained.stopped == "patience"
    assert trained.epochs == trained.epoch + 2 < 50


def test_the_weights_are_those_of_the_best_epoch(monkeypatch):
    """Training on to a worse end changes nothing but the final look at the newest slice, left out here."""
    monkeypatch.setattr("streamproc.refresh.encoder.training._Training._learn_newest", lambda _: None)
    trained = learn(SMALL.model_copy(update={"epochs": 6, "rate": 0.5}))

    events = sequences.sequences(*chain(), 72)

    assert judge(trained.encoder, events) == trained.best


def test_the_newest_slice_is_learned_at_the_end():
    """An item that only occurs in the slice is in nobody's training pairs before."""
    users, items = chain(items=29)
    items[-40:] = 29
    trained = train(users, items, ITEMS, SMALL.model_copy(update={"epochs": 1}), 7, no_time)

    assert 29 in handed(trained).items
    assert trained.encoder.split()[1][1][29] > descent.FIRST_SUM


def test_training_stops_when_its_time_is_up():
    """In the middle of the third epoch, with the best so far."""
    clock = iter(range(10_000))
    told: list = []

    trained = learn(SMALL.model_copy(update={"seconds": 6.0}), seconds=lambda: float(next(clock)), told=told)

    assert trained.stopped == "seconds"
    assert trained.epochs == max(progress.epoch for progress in told) < SMALL.epochs
    assert trained.epoch <= trained.epochs
    assert trained.best.targets == 72


def test_progress_is_told():
    """From the first epoch to the last, with the best so far from the second on."""
    told: list = []

    learn(SMALL.model_copy(update={"epochs": 3}), told=told)

    assert [progress.epoch for progress in told] == [1, 2, 3]
    assert told[0].best is None
    assert told[1].best is not None


def test_a_history_of_strangers_is_refused():
    """One event each: there is no pair to learn from."""
    with pytest.raises(ValueError, match="no user has two events"):
        train(np.arange(50, dtype=np.int32), np.zeros(50, np.int32), 1, SMALL, 7, no_time)


def test_l2_makes_weights_smaller():
    """And 0 leaves them alone."""
    plain, pulled = (learn(SMALL.model_copy(update={"l2": l2, "epochs": 3})) for l2 in (0.0, 0.01))

    assert np.abs(handed(pulled).cell).mean() < np.abs(handed(plain).cell).mean()


def test_judging_counts_ties_against_the_target():
    """All scores equal: every target is last."""
    encoder = Encoder(SMALL, ITEMS, 1)
    encoder.embeddings.zero_()
    events = Sequences(np.array([1, 2, 3], np.int32), np.array([0]), np.array([3]), np.array([1]))

    assert judge(encoder, events) == (0.0, 0.0, 2)
