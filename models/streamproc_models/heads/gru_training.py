"""How the GRU learns: one step per full batch, by gradients written out by hand.

Each example is one step of backpropagation: the hidden vector before the input is taken as given (it
was made with slightly older weights). The loss is cross-entropy over the step's targets and negatives,
each score corrected by the logarithm of how often the item is expected among them (logQ; Bengio and
Senecal, 2008). The update is Adagrad (Duchi et al., 2011), for embeddings only in the rows that took
part. The same examples give the same head, to the bit, if the matrix products run on one thread: start
the process with OPENBLAS_NUM_THREADS=1 (which is also by far the fastest for matrices this small).
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.activations import exponential
from streamproc_models.arrays import F32
from streamproc_models.heads.gru import BATCHES, FILL, REPLAYED, TARGETS, Gru, GruConfig, step
from streamproc_models.heads.gru_sampling import Scratch, copy, draw, scratch
from streamproc_models.kernel import kernel, tight

__all__ = ["GruStep", "Scratch", "scratch", "train"]

_EXPONENT = np.int32(0x7F800000)  # these bits of a float32 are all 1 where it is infinite or no number


class GruStep(NamedTuple):
    """What became of one training step."""

    loss: float  # mean cross-entropy of the batch, in nats
    gradient_norm: float  # length of the gradient over all parameters
    applied: bool  # False: the gradient was not finite, the batch was dropped and nothing was learned


@kernel
def train(gru: Gru, config: GruConfig, work: Scratch, known_items: int) -> GruStep:
    """Learn from the full batch and begin the next one; item rows below `known_items` are in use.

    `known_items` is the number right after the batch's last event. Where the gradient is not finite
    the batch is dropped: neither the weights nor the ring nor the counts change.
    """
    if gru.counters[FILL] < gru.batch_targets.size:
        raise ValueError("the batch of the GRU is not full")
    if work.stamps.size < gru.counts.size:
        raise ValueError("the GRU has grown: make a new scratch for it")
    examples, columns, items = draw(gru, config, work, known_items)
    loss = _forward(gru, work, examples, columns)
    _backward(gru, work, examples, columns, items)
    norm, applied = _length(work, columns, items)
    if applied:
        _descend(gru, config, work, columns, items)
        _into_the_ring(gru)
    gru.counters[BATCHES] += 1
    gru.counters[FILL] = 0
    return GruStep(loss, norm, applied)


@kernel
def _forward(gru: Gru, work: Scratch, examples: int, columns: int) -> float:
    """Gates, hidden vectors, and the gradient of the logits; returns the loss."""
    size = gru.cell.shape[1] // 3
    gates, recurrent, hidden = work.gates[:examples], work.recurrent[:examples], work.hidden[:examples]
    np.dot(work.x[:examples], gru.cell[:size], gates)  # (m, h), (h, 3h) -> (m, 3h)
    np.dot(work.hidden_before[:examples], gru.cell[size : 2 * size], recurrent)  # the same
    for place in range(examples):
        _add(gru.cell[2 * size], gates[place])
        _add(gru.cell[2 * size + 1], recurrent[place])
        step(gates[place], recurrent[place], work.hidden_before[place], hidden[place])
    logits = work.logits[: examples * columns].reshape(examples, columns)
    np.dot(hidden, work.embeddings[:columns].T, logits)  # (m, h), (h, c) -> (m, c)
    work.bias_gradient[:columns] = 0
    loss = 0.0
    for place in range(examples):
        loss += _softmax(logits[place], work.offsets[:columns], work.targets[place], examples)
        _add(logits[place], work.bias_gradient[:columns])
    return loss / examples


@tight
def _add(values: F32, total: F32) -> None:
    for k in range(total.size):
        total[k] += values[k]


@tight
def _softmax(logits: F32, offsets: F32, target: int, examples: int) -> float:
    """The cross-entropy of one example; its gradient takes the place of the logits (c,).

    Needs no largest logit: `exponential` is bounded, so that the total is finite and above 0.
    """
    for k in range(logits.size):
        logits[k] = exponential(logits[k] + offsets[k])
    total = np.float32(0)
    for k in range(logits.size):
        total += logits[k]
    loss = np.log(total / logits[target])
    share = np.float32(1) / (total * np.float32(examples))
    for k in range(logits.size):
        logits[k] *= share
    logits[target] -= np.float32(1) / np.float32(examples)
    return float(loss)


@kernel
def _backward(gru: Gru, work: Scratch, examples: int, columns: int, items: int) -> None:
    """The gradients of all parameters, from that of the logits."""
    size, slopes = gru.cell.shape[1] // 3, work.cell_gradient
    hidden, before, x = work.hidden[:examples], work.hidden_before[:examples], work.x[:examples]
    gates, recurrent = work.gates[:examples], work.recurrent[:examples]
    logits = work.logits[: examples * columns].reshape(examples, columns)
    np.dot(logits, work.embeddings[:columns], work.hidden_gradient[:examples])  # (m, c), (c, h) -> (m, h)
    np.dot(logits.T, hidden, work.embeddings_gradient[:columns])  # (c, m), (m, h) -> (c, h)
    slopes[2 * size :] = 0
    for place in range(examples):
        _step_back(work.hidden_gradient[place], gates[place], recurrent[place], before[place])
        _add(gates[place], slopes[2 * size])
        _add(recurrent[place], slopes[2 * size + 1])
    np.dot(gates, gru.cell[:size].T, work.x_gradient[:examples])  # (m, 3h), (3h, h) -> (m, h)
    np.dot(x.T, gates, slopes[:size])  # (h, m), (m, 3h) -> (h, 3h)
    np.dot(before.T, recurrent, slopes[size : 2 * size])  # (h, m), (m, 3h) -> (h, 3h)
    work.embeddings_gradient[columns:items] = 0
    for place in range(examples):
        _add(work.x_gradient[place], work.embeddings_gradient[work.inputs[place]])


@tight
def _step_back(gradient: F32, gates: F32, recurrent: F32, before: F32) -> None:
    """Turn the gradient of `after` in `gru.step` into those of its sums, in their places (3h,)."""
    size = before.size
    for f in range(size):
        update, candidate = gates[size + f], gates[2 * size + f]
        turn = gradient[f] * (before[f] - candidate)
        gates[2 * size + f] = gradient[f] * (1 - update) * (1 - candidate * candidate)
        gates[size + f] = turn * update * (1 - update)
    for f in range(size):
        reset, slope = gates[f], gates[2 * size + f]
        gates[f] = slope * recurrent[2 * size + f] * reset * (1 - reset)
        recurrent[2 * size + f] = slope * reset
    for f in range(2 * size):
        recurrent[f] = gates[f]


@kernel
def _length(work: Scratch, columns: int, items: int) -> tuple[float, bool]:
    """Length of the whole gradient, and whether every part of it is finite."""
    squares = np.empty(3, np.float32)
    squares[0] = _square(work.embeddings_gradient[:items].reshape(-1))
    squares[1] = _square(work.bias_gradient[:columns])
    squares[2] = _square(work.cell_gradient.reshape(-1))
    finite = True
    for exponent in squares.view(np.int32) & _EXPONENT:
        finite = finite and exponent != _EXPONENT
    return float(np.sqrt(squares.sum())), finite


@kernel
def _square(values: F32) -> np.float32:
    """Sum of squares, by BLAS: the compiler takes for granted that its own loops meet nothing infinite."""
    return np.float32(np.dot(values, values))


@kernel
def _descend(gru: Gru, config: GruConfig, work: Scratch, columns: int, items: int) -> None:
    rate, decay = np.float32(config.rate), np.float32(config.decay)
    for place in range(items):
        item, slopes = work.items[place], work.embeddings_gradient[place]
        _adagrad(gru.embeddings[item], gru.embeddings_sums[item], slopes, rate, decay)
    for place in range(columns):
        item, slope = work.items[place], work.bias_gradient[place]
        gru.bias_sums[item] = gru.bias_sums[item] * decay + slope * slope
        gru.bias[item] -= rate * slope / np.sqrt(gru.bias_sums[item])
    for row in range(gru.cell.shape[0]):
        _adagrad(gru.cell[row], gru.cell_sums[row], work.cell_gradient[row], rate, decay)


@tight
def _adagrad(values: F32, sums: F32, gradient: F32, rate: np.float32, decay: np.float32) -> None:
    for k in range(values.size):
        sums[k] = sums[k] * decay + gradient[k] * gradient[k]
        values[k] -= rate * gradient[k] / np.sqrt(sums[k])


@tight
def _into_the_ring(gru: Gru) -> None:
    """Keep the trained batch for replay and count its targets."""
    batch, room = gru.batch_targets.size, gru.ring_targets.size
    for example in range(batch):
        place = (gru.counters[REPLAYED] + example) % room
        copy(gru.batch_hidden[example], gru.ring_hidden[place])
        gru.ring_inputs[place] = gru.batch_inputs[example]
        gru.ring_targets[place] = gru.batch_targets[example]
        gru.counts[gru.batch_targets[example]] += 1
    gru.counters[REPLAYED] += batch
    gru.counters[TARGETS] += batch
