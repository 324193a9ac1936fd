"""What a ranking reads: every head's arrays, the fusion's weights and the dense pool, as one tuple of arrays.

The trainer's copy is the original; a worker holds a mirror, row for row, filled from the `model` topic.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.config import Config
from streamproc.engine import pool
from streamproc.engine.pool import Pool
from streamproc_models import fusion
from streamproc_models.arrays import F32, F64, I32, I64, U64, on_lines
from streamproc_models.fusion import Fusion
from streamproc_models.hashing import put
from streamproc_models.heads import bias, covisitation, encoder, factors, gru, long_term, markov, popularity
from streamproc_models.heads.bias import Bias
from streamproc_models.heads.covisitation import Covisitation
from streamproc_models.heads.encoder import Encoder
from streamproc_models.heads.factors import Factors
from streamproc_models.heads.gru import Gru
from streamproc_models.heads.long_term import LongTerm
from streamproc_models.heads.markov import Markov
from streamproc_models.heads.popularity import Popularity
from streamproc_models.kernel import tight

ITEMS, EVENTS, FREED, SERVING = 0, 1, 2, 3  # places in `counters`
TAKEN = 4  # targets that this copy has met, a worker only those of its own leases
LONG, BRIEF = 0, 1  # places in `increments`: of co-visitation and Markov, of the session's table


class Model(NamedTuple):
    """One row per item; rows beyond counters[ITEMS] are unused."""

    keys: U64  # (table,) hash table: item -> row
    rows: I32  # (table,)
    item: U64  # (items,) hash of the id; 0 where the row is free
    next_free: I32  # (items,) chain of freed rows
    popularity: Popularity
    features: F32  # (items, 8), what is small and dense of each item, as the fusion sees it
    markov: Markov
    covisitation: Covisitation
    session: Covisitation
    factors: Factors
    gru: Gru
    bias: Bias
    long_term: LongTerm
    encoder: Encoder
    fusion: Fusion
    pool: Pool
    lasting: I64  # (1,), generation that serves, `long_term` being its; 0 where there is none
    increments: F64  # (2,), present weight of one event in the tables that forget
    counters: I64  # (5,)


class Challenger(NamedTuple):
    """What a model with another generation has of its own; all else it shares with the serving one."""

    long_term: LongTerm
    encoder: Encoder  # the serving one itself where the generation has none
    fusion: Fusion
    lasting: I64  # (1,)


def empty(config: Config, items: int) -> Model:
    """A model that has seen nothing, with room for `items` rows."""
    heads = config.heads
    counters = np.array([0, 0, -1, 0, 0], np.int64)
    return Model(
        np.zeros(table_size(items), np.uint64),
        np.zeros(table_size(items), np.int32),
        np.zeros(items, np.uint64),
        np.full(items, -1, np.int32),
        popularity.empty(items, heads.popularity.half_lives),
        on_lines((items, popularity.COLUMNS)),
        markov.empty(items, heads.markov.slots),
        covisitation.empty(items, heads.covisitation.slots),
        covisitation.empty(items, heads.session.slots),
        factors.empty(items, heads.factors.size),
        gru.empty(gru_config(config), items),
        bias.empty(items),
        long_term.empty(long_term_config(config), items),
        encoder.absent(encoder_config(config)),
        fusion.empty(switched_off(config)),
        pool.empty(items, heads.factors.size, heads.gru.size),
        np.zeros(1, np.int64),
        np.ones(2),
        counters,
    )


def switched_off(config: Config) -> frozenset[str]:
    """Names of the heads that neither score nor learn."""
    return frozenset(name for name, head in config.heads if not head.enabled)


def gru_config(config: Config) -> gru.GruConfig:
    """The recurrent head's own settings."""
    c = config.heads.gru
    return gru.GruConfig(
        size=c.size, batch=c.batch, replay=c.replay, negatives=c.negatives, rate=c.rate, seed=config.seed
    )


def encoder_config(config: Config) -> gru.GruConfig:
    """The settings of the head that goes on from a refresh's encoder."""
    c = config.heads.encoder
    return gru.GruConfig(
        size=config.refresh.encoder.size, batch=c.batch, replay=c.replay, negatives=c.negatives, rate=c.rate,
        replay_ring=encoder.REPLAY_RING, seed=config.seed,
    )  # fmt: skip


def long_term_config(config: Config) -> long_term.LongTermConfig:
    """The long-term head's own settings."""
    c = config.heads.long_term
    return long_term.LongTermConfig(slots=c.slots, window=c.window, decay=c.decay)


def table_size(rows: int) -> int:
    """A power of two that stays at most half full."""
    return 1 << max(6, (2 * rows - 1).bit_length())


def capacity(model: Model) -> int:
    """How many items there is room for."""
    return int(model.item.size)


def grow(model: Model, config: Config, items: int) -> Model:
    """The same model with room for `items` rows."""
    size = table_size(items)
    keys, rows = np.zeros(size, np.uint64), np.zeros(size, np.int32)
    _rehash(model.item, keys, rows)
    fresh = empty(config, 1)._replace(keys=keys, rows=rows)  # tells what an unused row looks like
    own = ("item", "next_free", "features")
    per_item = {name: _grown(getattr(model, name), getattr(fresh, name), items) for name in own}
    return fresh._replace(
        **per_item,
        popularity=_grown_head(model.popularity, fresh.popularity, items, ("counts", "last", "first")),
        markov=_grown_head(model.markov, fresh.markov, items),
        covisitation=_grown_head(model.covisitation, fresh.covisitation, items),
        session=_grown_head(model.session, fresh.session, items),
        factors=_grown_head(model.factors, fresh.factors, items, ("items",)),
        gru=gru.grow(model.gru, items),
        bias=_grown_head(model.bias, fresh.bias, items),
        long_term=long_term.grow(model.long_term, items),
        encoder=encoder.grow(model.encoder, items),
        fusion=model.fusion,
        pool=model.pool._replace(place=_grown(model.pool.place, fresh.pool.place, items)),
        lasting=model.lasting,
        increments=model.increments,
        counters=model.counters,
    )


def grow_challenger(challenger: Challenger, before: Encoder, after: Encoder, items: int) -> Challenger:
    """The same challenger with room for `items` rows; the serving encoder has grown from one to the other."""
    shared = challenger.encoder is before
    return challenger._replace(
        long_term=long_term.grow(challenger.long_term, items),
        encoder=after if shared else encoder.grow(challenger.encoder, items),
    )


def _grown(array: NDArray[Any], fresh: NDArray[Any], items: int) -> NDArray[Any]:
    grown = on_lines((items, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    grown[len(array) :] = fresh[:1]
    return grown


def _grown_head(head: Any, fresh: Any, items: int, names: tuple[str, ...] = ()) -> Any:
    grown = {name: _grown(getattr(head, name), getattr(fresh, name), items) for name in names or head._fields}
    return head._replace(**grown)


def rehash(model: Model) -> None:
    """Makes the hash table anew from the rows in use."""
    model.keys[:] = 0
    _rehash(model.item, model.keys, model.rows)


@tight
def _rehash(item: U64, keys: U64, rows: I32) -> None:
    for row in range(item.size):
        if item[row] != 0:
            put(keys, rows, item[row], row)
