"""What an encoder is fed: sequences, chunks, batches, windows, expected counts, and the rate."""

import numpy as np
import pytest

from streamproc.encoder_config import EncoderConfig
from streamproc.refresh.encoder import sequences
from streamproc.refresh.encoder.sampling import log_expected, sampler
from streamproc.refresh.encoder.training import rate


def test_sequences_are_the_users_items_in_order():
    """Users 5 and 2 in turns, user 9 once: who has one event only teaches nothing."""
    users, items = np.array([5, 2, 5, 9, 2, 5], np.int32), np.array([10, 20, 11, 30, 21, 12], np.int32)

    found = sequences.sequences(users, items, newest=2)

    rows = [found.items[a:b].tolist() for a, b in zip(found.starts, found.ends, strict=True)]
    assert rows == [[20, 21], [10, 11, 12]]
    assert (found.known - found.starts).tolist() == [1, 2]  # user 2 keeps 20, user 5 keeps 10 and 11
    assert sequences.trained(found).tolist() == [0, 1]


def test_chunks_hold_every_pair_once_and_are_not_too_long():
    """Whatever the random places of the cuts; another epoch cuts elsewhere."""
    starts, targets = np.array([0, 50, 60]), np.array([40, 0, 7])
    draw = np.random.default_rng(1)

    first, second = (sequences.chunks(starts, targets, 8, draw) for _ in range(2))

    for cut in (first, second):
        places = np.concatenate([np.arange(a, a + n) for a, n in zip(*cut, strict=True)])
        assert sorted(places) == [*range(40), *range(60, 67)]
        assert cut.lengths.max() <= 8
    assert first.starts.tolist() != second.starts.tolist()


def test_batches_hold_every_chunk_once_and_their_number_of_targets():
    """A chunk above the limit has a batch of its own."""
    cut = sequences.Chunks(np.arange(6) * 10, np.array([3, 9, 3, 2, 20, 1]))

    parts = sequences.batches(cut, 10, np.random.default_rng(0))

    assert sorted(np.concatenate([part.starts for part in parts])) == cut.starts.tolist()
    assert all(part.lengths.sum() <= 10 or part.lengths.size == 1 for part in parts)


def test_a_batch_is_a_rectangle_of_inputs_with_the_item_after_each_as_target():
    """Chunks of 2 and 3 out of ten items."""
    made = sequences.batch(np.arange(10, 20), sequences.Chunks(np.array([0, 7]), np.array([3, 2])))

    assert made.inputs[made.used].tolist() == [10, 11, 12, 17, 18]
    assert made.used.tolist() == [[True] * 3, [True, True, False]]
    assert made.targets.tolist() == [11, 12, 13, 18, 19]


@pytest.mark.parametrize("length", [4, 7, 20])
def test_windows_predict_every_event_of_the_newest_slice_once(length):
    """With what led up to it, and nothing of other users."""
    draw = np.random.default_rng(2)
    users, items = draw.integers(0, 60, 720), draw.integers(0, 30, 720)
    found = sequences.sequences(users, items, newest=300)

    targets = []
    for cut, first in sequences.windows(found, length):
        assert cut.lengths.max() <= length
        for start, size, lead in zip(*cut, first, strict=True):
            targets += range(start + lead + 1, start + size + 1)

    expected = [np.arange(max(k, a + 1), b) for a, b, k in zip(*found[1:], strict=True)]
    assert sorted(targets) == np.concatenate(expected).tolist()


def test_scores_are_corrected_by_the_expected_count():
    """Two items, used 3 and 1 times of 4; 5 targets mean 10 uses, and of 6 negatives sqrt(3) : 1."""
    counts = sampler(np.array([2, 0]), np.array([1, 1]))

    found = np.exp(log_expected(counts, np.array([0, 1]), 5, 6))

    shares = np.sqrt([3, 1]) / (np.sqrt(3) + 1)
    assert found == pytest.approx(10 * np.array([0.75, 0.25]) + 6 * shares, rel=1e-2)


def test_the_rate_rises_and_falls_in_lines():
    """From 0 to 0.2 in the first tenth of the steps, then to a half of it."""
    config = EncoderConfig(rate=0.2, warm_up=0.1, decay=0.5)

    assert [rate(config, share) for share in (0.0, 0.05, 0.1, 0.55, 1.0)] == pytest.approx(
        [0.0, 0.1, 0.2, 0.15, 0.1]
    )
