"""A new generation's way in: assembled from the journal, in shadow beside the old one, promoted or rejected.

Every step is a record of the journal: the refresh writes the generation, the trainer writes what it decides,
and a decision takes effect when it is read. So whoever reads the same journal ends with the same model.
"""

from typing import TYPE_CHECKING

import numpy as np

from streamproc.config import Config
from streamproc.contracts import generation as arrays
from streamproc.contracts.control import Control, Drift, Generation, Promote, Reject, Shed
from streamproc.contracts.generation import GenerationArrays
from streamproc.contracts.journal import Chunk
from streamproc.engine import drift, model
from streamproc.engine.memory import SHADOWED
from streamproc.engine.model import Challenger
from streamproc.errors import BadRecord
from streamproc_models import fusion
from streamproc_models.hashing import find_all
from streamproc_models.heads import encoder, long_term
from streamproc_models.heads.encoder import Encoder, Trained

if TYPE_CHECKING:
    from streamproc.engine.learner import Learner

TRIALS, HITS, RECIPROCAL, SHADOW_HITS, SHADOW_RECIPROCAL = range(5)  # places in the sums of the shadow test


def keep(learner: "Learner", chunk: Chunk) -> None:
    """A piece of a generation to come."""
    learner.assembler.add(chunk)


def follow(learner: "Learner", control: Control) -> list[Control]:
    """Lets a control record take effect; returns the records that have to be written because of it."""
    if isinstance(control, Drift):
        drift.follow(learner, control)
        return []
    if isinstance(control, Shed):
        learner.shed(control.every)
        return []
    if isinstance(control, Generation):
        return _begin(learner, control)
    if learner.shadow is None or control.generation != int(learner.shadow.lasting[0]):
        return []  # a decision that has been carried out already
    if isinstance(control, Promote):
        _promote(learner, learner.shadow)
    _end(learner)
    return []


def decide(learner: "Learner") -> list[Control]:
    """What has to be written because of what was learned; says so only once."""
    return [*drift.decide(learner), *_judge(learner)]


def _judge(learner: "Learner") -> list[Control]:
    """Promote or reject, once the shadow has been judged often enough."""
    shadow, done = learner.shadow, int(learner.memory.counters[SHADOWED])
    if shadow is None or learner.decided or done < learner.config.refresh.shadow_events:
        return []
    learner.decided = True
    sums, generation = learner.memory.shadow, int(shadow.lasting[0])
    trials = max(float(sums[TRIALS]), 1.0)
    least = 1.0 - learner.config.refresh.margin
    enough = sums[SHADOW_HITS] >= least * sums[HITS] and sums[SHADOW_RECIPROCAL] >= least * sums[RECIPROCAL]
    recall, frozen = float(sums[SHADOW_HITS]) / trials, float(sums[HITS]) / trials
    if enough:
        return [Promote(generation, recall, frozen, int(trials))]
    mrr, before = float(sums[SHADOW_RECIPROCAL]) / trials, float(sums[RECIPROCAL]) / trials
    compared = f"recall@20 {recall:.4f} against {frozen:.4f}, MRR@20 {mrr:.4f} against {before:.4f}"
    return [Reject(generation, f"{compared} without it")]


def _begin(learner: "Learner", record: Generation) -> list[Control]:
    """Puts the generation beside the serving model; one that is still there gives way."""
    try:
        fitted = arrays.unpack(learner.assembler.finish(record))
    except BadRecord as error:
        return [Reject(record.id, str(error))]
    if reason := _useless(learner.config, fitted):
        return [Reject(record.id, reason)]
    replaced: list[Control] = []
    if learner.shadow is not None:
        reason = f"generation {record.id} came before it was judged"
        replaced.append(Reject(int(learner.shadow.lasting[0]), reason))
    learner.shadow = _loaded(learner, fitted, record.id)
    learner.memory.counters[SHADOWED] = 0
    learner.memory.shadow[:] = 0.0
    learner.decided = False
    return replaced


def _useless(config: Config, fitted: GenerationArrays) -> str:
    """Why no head could take anything from a generation; empty if one can."""
    heads, size = config.heads, config.refresh.encoder.size
    brought = fitted.encoder is not None and heads.encoder.enabled
    if not heads.long_term.enabled and not brought:
        return "heads.long_term is off, and it brings no encoder that heads.encoder takes"
    if fitted.encoder is not None and brought and fitted.encoder.embeddings.shape[1] != size:
        found = fitted.encoder.embeddings.shape[1]
        return f"its encoder has {found} hidden units, and refresh.encoder.size is {size}"
    return ""


def _loaded(learner: "Learner", fitted: GenerationArrays, number: int) -> Challenger:
    """The challenger with what the generation brings for the heads that are on."""
    m, rows, heads = learner.model, np.empty(fitted.items.size, np.int32), learner.config.heads
    find_all(m.keys, m.rows, fitted.items, rows)
    loaded = challenger(learner)
    loaded.lasting[0] = number
    if heads.long_term.enabled:
        long_term.load(loaded.long_term, rows, fitted.neighbours, fitted.weights)
    if fitted.encoder is None or not heads.encoder.enabled:
        return loaded
    e = fitted.encoder
    trained = Trained(
        e.embeddings, e.bias, e.cell, e.embeddings_sums, e.bias_sums, e.cell_sums, e.counts,
        float(e.unknown_bias[0]),
    )  # fmt: skip
    config = model.encoder_config(learner.config)
    head = encoder.load(config, model.capacity(m), trained, rows[e.items], number)
    return loaded._replace(encoder=head)


def challenger(learner: "Learner") -> Challenger:
    """An empty long-term head, a fusion that starts where the serving one is, and the serving encoder."""
    m = learner.model
    head = long_term.empty(model.long_term_config(learner.config), model.capacity(m))
    return Challenger(head, m.encoder, fusion.copy(m.fusion), np.zeros(1, np.int64))


def room_for_encoder(learner: "Learner") -> Encoder:
    """Arrays for an encoder over the learner's items, to be filled."""
    return encoder.room(model.encoder_config(learner.config), model.capacity(learner.model))


def _promote(learner: "Learner", shadow: Challenger) -> None:
    another = shadow.encoder is not learner.model.encoder
    learner.model = learner.model._replace(
        long_term=shadow.long_term, fusion=shadow.fusion, lasting=shadow.lasting
    )
    learner.lasting_changed = True
    if another:
        learner.take_encoder(shadow.encoder)


def _end(learner: "Learner") -> None:
    learner.shadow = None
    learner.memory.counters[SHADOWED] = -1
    learner.memory.shadow[:] = 0.0
