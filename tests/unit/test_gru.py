"""The GRU head: its step, its gradients, what it learns, and what must leave no trace."""

import hashlib

import numpy as np
import pytest
import torch

from streamproc_models.arrays import F32
from streamproc_models.heads import gru as head
from streamproc_models.heads.gru import BATCHES, FILL, REPLAYED, TARGETS, Gru, GruConfig
from streamproc_models.heads.gru_sampling import Scratch, draw, scratch
from streamproc_models.heads.gru_training import train

ITEMS = 40
SMALL = GruConfig(size=16, batch=12, replay=5, negatives=9, replay_ring=64, seed=3)
LEARNED = ("embeddings", "bias", "cell", "embeddings_sums", "bias_sums", "cell_sums")


def digest(gru: Gru) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in gru)).hexdigest()


def fill_batch(gru: Gru, rng: np.random.Generator, items: int = ITEMS) -> None:
    while gru.counters[FILL] < gru.batch_targets.size:
        hidden = rng.uniform(-0.9, 0.9, gru.batch_hidden.shape[1]).astype(np.float32)
        head.remember(gru, hidden, int(rng.integers(items)), int(rng.integers(items)))


def trained(config: GruConfig, batches: int, seed: int = 0) -> tuple[Gru, Scratch, np.random.Generator]:
    gru, rng = head.empty(config, ITEMS), np.random.default_rng(seed)
    work = scratch(gru, config)
    for _ in range(batches):
        fill_batch(gru, rng)
        train(gru, config, work, ITEMS)
    return gru, work, rng


def torch_parameters(gru: Gru) -> dict[str, torch.Tensor]:
    size = gru.embeddings.shape[1]
    arrays = {
        "weight_ih": gru.cell[:size].T,
        "weight_hh": gru.cell[size : 2 * size].T,
        "bias_ih": gru.cell[2 * size],
        "bias_hh": gru.cell[2 * size + 1],
    }
    return {name: torch.tensor(array.copy(), requires_grad=True) for name, array in arrays.items()}


def torch_cell(gru: Gru) -> torch.nn.GRUCell:
    size = gru.embeddings.shape[1]
    cell = torch.nn.GRUCell(size, size)
    cell.load_state_dict({name: value.detach() for name, value in torch_parameters(gru).items()})
    return cell


def copied(gru: Gru) -> Gru:
    return Gru(*(array.copy() for array in gru))


def torch_gradients(gru: Gru, work: Scratch, examples: int, columns: int) -> tuple[float, dict[str, F32]]:
    """The same loss by automatic differentiation, on the examples and items that a step drew."""
    inputs = torch.tensor(work.items[work.inputs[:examples]].astype(np.int64))
    targets = torch.tensor(work.targets[:examples].astype(np.int64))
    items = torch.tensor(work.items[:columns].astype(np.int64))
    embeddings = torch.tensor(gru.embeddings, requires_grad=True)
    bias = torch.tensor(gru.bias, requires_grad=True)
    cell = torch_parameters(gru)
    before = torch.tensor(work.hidden_before[:examples])
    hidden = torch.gru_cell(embeddings[inputs], before, *cell.values())  # (m, h), (m, h) -> (m, h)
    log_expected = bias.detach()[items] - torch.tensor(work.offsets[:columns])
    logits = hidden @ embeddings[items].T + bias[items] - log_expected  # (m, h), (h, c) -> (m, c)
    loss = torch.nn.functional.cross_entropy(logits, targets)
    leaves = {"embeddings": embeddings, "bias": bias, **cell}
    gradients = torch.autograd.grad(loss, list(leaves.values()))
    return loss.item(), {name: value.numpy() for name, value in zip(leaves, gradients, strict=True)}


def our_gradients(gru: Gru, work: Scratch, columns: int, items: int) -> dict[str, F32]:
    """What a step left in its scratch, one row per item of the vocabulary."""
    size = gru.embeddings.shape[1]
    embeddings, bias = np.zeros_like(gru.embeddings), np.zeros_like(gru.bias)
    embeddings[work.items[:items]] = work.embeddings_gradient[:items]
    bias[work.items[:columns]] = work.bias_gradient[:columns]
    return {
        "embeddings": embeddings,
        "bias": bias,
        "weight_ih": work.cell_gradient[:size].T,
        "weight_hh": work.cell_gradient[size : 2 * size].T,
        "bias_ih": work.cell_gradient[2 * size],
        "bias_hh": work.cell_gradient[2 * size + 1],
    }


def take_in(gru: Gru, items: list[int]) -> F32:
    size = gru.embeddings.shape[1]
    hidden, room = np.zeros(size, np.float32), np.zeros(6 * size, np.float32)
    for item in items:
        head.advance(gru, item, hidden, hidden, room)
    return hidden


def all_scores(gru: Gru, hidden: F32, items: int) -> F32:
    out = np.zeros(items, np.float32)
    head.scores(gru, hidden, np.arange(items, dtype=np.int32), items, out)
    return out


def test_a_step_is_that_of_torch():
    """The compiled step equals torch.nn.GRUCell for any size that is a multiple of 8."""
    for size in (8, 24, 48):
        gru = head.empty(GruConfig(size=size, replay_ring=8), ITEMS)
        gru.cell[2 * size :] = np.random.default_rng(0).normal(size=(2, 3 * size))
        before = np.random.default_rng(1).uniform(-1, 1, size).astype(np.float32)
        after = np.zeros(size, np.float32)

        head.advance(gru, 5, before, after, np.zeros(6 * size, np.float32))

        expected = torch_cell(gru)(torch.tensor(gru.embeddings[5]), torch.tensor(before))
        assert after == pytest.approx(expected.detach().numpy(), abs=2e-6)


def test_scores_are_dot_products_plus_bias():
    """h . E_j + b_j for every count of rows, whole blocks of four or not, and nothing behind them."""
    gru, _, _ = trained(SMALL, 2)
    hidden = np.linspace(-1, 1, SMALL.size, dtype=np.float32)
    rows = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5], np.int32)
    for count in range(rows.size + 1):
        out = np.full(rows.size, -7, np.float32)

        head.scores(gru, hidden, rows, count, out)

        expected = gru.embeddings[rows] @ hidden + gru.bias[rows]
        assert out[:count] == pytest.approx(expected[:count], abs=1e-6)
        assert (out[count:] == -7).all()


def test_every_gradient_is_that_of_torch():
    """Embeddings, bias, both weights and both biases of the cell, with replay, against autograd."""
    gru, work, rng = trained(SMALL, 3)
    fill_batch(gru, rng)
    before = copied(gru)
    examples, columns, items = draw(before, SMALL, work, ITEMS)
    loss, expected = torch_gradients(before, work, examples, columns)

    step = train(gru, SMALL, work, ITEMS)

    assert examples == SMALL.batch + SMALL.replay
    assert step.loss == pytest.approx(loss, abs=1e-5)
    for name, found in our_gradients(gru, work, columns, items).items():
        assert found == pytest.approx(expected[name], rel=1e-4, abs=2e-7), name
    length = np.sqrt(sum(float((gradient**2).sum()) for gradient in expected.values()))
    assert step.gradient_norm == pytest.approx(length, rel=1e-5)


def test_a_step_follows_adagrad():
    """Sums grow by the squared gradient, values go against it by rate / sqrt(sum); other rows stay."""
    config = SMALL._replace(decay=0.5)
    gru, work, rng = trained(config, 3)
    fill_batch(gru, rng)
    before = copied(gru)
    _, columns, items = draw(before, config, work, ITEMS)

    train(gru, config, work, ITEMS)

    slopes = our_gradients(gru, work, columns, items)["embeddings"]
    touched = np.zeros((ITEMS, 1), bool)
    touched[work.items[:items]] = True
    sums = np.where(touched, before.embeddings_sums * 0.5 + slopes**2, before.embeddings_sums)
    assert gru.embeddings_sums == pytest.approx(sums, rel=1e-5)
    assert gru.embeddings == pytest.approx(before.embeddings - 0.2 * slopes / np.sqrt(sums), abs=1e-5)
    assert gru.cell == pytest.approx(
        before.cell - 0.2 * work.cell_gradient / np.sqrt(before.cell_sums * 0.5 + work.cell_gradient**2),
        abs=1e-5,
    )


def test_scores_are_corrected_by_the_expected_count():
    """First batch, 2 examples, 4 negatives, 10 items: an item is expected (2 + 2) / 10 + 2 / 10 times."""
    config = GruConfig(size=8, batch=2, replay=5, negatives=4, replay_ring=16)
    gru = head.empty(config, 10)
    for target in (1, 2):
        head.remember(gru, np.zeros(8, np.float32), 0, target)
    work = scratch(gru, config)

    examples, columns, _ = draw(gru, config, work, 10)

    assert examples == 2  # the ring is still empty
    assert work.offsets[:columns] == pytest.approx(np.full(columns, -np.log(0.6)), abs=1e-6)


def test_the_same_examples_give_the_same_head():
    """To the bit, also with another scratch and when copied in the middle of a batch, as a snapshot is."""
    first, _, _ = trained(SMALL, 5)
    second, _, rng = trained(SMALL, 2)
    for _ in range(SMALL.batch // 2):
        hidden = rng.uniform(-0.9, 0.9, SMALL.size).astype(np.float32)
        head.remember(second, hidden, int(rng.integers(ITEMS)), int(rng.integers(ITEMS)))
    restored = copied(second)
    work = scratch(restored, SMALL)
    for _ in range(3):
        fill_batch(restored, rng)
        train(restored, SMALL, work, ITEMS)

    assert digest(restored) == digest(first)
    assert digest(restored) != digest(trained(SMALL._replace(seed=4), 5)[0])


def test_a_repeating_sequence_is_learned():
    """After a few hundred steps the true next item of a fixed round trip has rank 1, everywhere on it."""
    config = GruConfig(size=16, batch=16, replay=8, negatives=16, replay_ring=256)
    gru, tour = head.empty(config, ITEMS), [3, 17, 3, 8, 30, 8]  # 3 and 8 have two different successors each
    work, room = scratch(gru, config), np.zeros(6 * config.size, np.float32)
    hidden = np.zeros(config.size, np.float32)
    for place in range(200 * config.batch):
        item, target = tour[place % 6], tour[(place + 1) % 6]
        if head.remember(gru, hidden, item, target) == config.batch:
            train(gru, config, work, ITEMS)
        head.advance(gru, item, hidden, hidden, room)

    for place in range(6):
        seen = [tour[(place + step) % 6] for step in range(13)]
        ranked = np.argsort(-all_scores(gru, take_in(gru, seen), ITEMS))
        assert ranked[0] == tour[(place + 13) % 6]


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_changes_nothing(poison):
    """The batch is dropped whole: no weight, no sum, no count and no example for replay."""
    gru, work, rng = trained(SMALL, 3)
    fill_batch(gru, rng)
    gru.batch_hidden[4, 2] = poison
    before = copied(gru)

    step = train(gru, SMALL, work, ITEMS)

    assert not step.applied
    for name in (*LEARNED, "counts", "ring_hidden", "ring_inputs", "ring_targets"):
        assert (getattr(gru, name) == getattr(before, name)).all(), name
    assert gru.counters[[REPLAYED, TARGETS, FILL]].tolist() == [3 * SMALL.batch, 3 * SMALL.batch, 0]
    assert gru.counters[BATCHES] == 4
    fill_batch(gru, rng)
    assert train(gru, SMALL, work, ITEMS).applied


def test_asking_leaves_no_trace():
    """Neither advancing nor scoring changes the head, for strangers and for known users alike."""
    gru, _, _ = trained(SMALL, 2)
    before = digest(gru)

    all_scores(gru, take_in(gru, [1, 2, 3, ITEMS - 1]), ITEMS)

    assert digest(gru) == before


def test_rows_start_the_same_whenever_they_are_added():
    """A head grown in two steps equals one made large, and keeps what it has learned."""
    large = head.empty(SMALL, 30)
    grown = head.grow(head.grow(head.empty(SMALL, 7), 11), 30)
    taught, _, _ = trained(SMALL, 2)

    assert digest(grown) == digest(large)
    assert np.abs(large.embeddings).max() <= 0.04
    assert (head.grow(taught, 50).embeddings[:ITEMS] == taught.embeddings).all()
    assert head.grow(taught, ITEMS - 1) is taught


def test_mistakes_are_refused():
    """A size that is not a multiple of 8, an overfull batch, one not yet full, a small scratch."""
    with pytest.raises(ValueError, match="multiple of 8"):
        head.empty(GruConfig(size=50), ITEMS)
    gru, work, rng = trained(SMALL, 1)
    with pytest.raises(ValueError, match="not full"):
        train(gru, SMALL, work, ITEMS)
    fill_batch(gru, rng)
    with pytest.raises(ValueError, match="train it first"):
        head.remember(gru, np.zeros(SMALL.size, np.float32), 0, 1)
    with pytest.raises(ValueError, match="make a new scratch"):
        train(head.grow(gru, ITEMS + 1), SMALL, work, ITEMS)
