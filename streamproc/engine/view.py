"""A worker's mirror of the model: the same arrays, row for row, filled from the `model` topic."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from streamproc.config import Config
from streamproc.contracts import model as records
from streamproc.contracts.model import ENCODED, HEADER, ITEM, LASTING, TABLES, Header
from streamproc.engine import ids, model, pool, recent, scratch, stretching
from streamproc.engine.model import EVENTS, ITEMS, SERVING, Model
from streamproc.errors import ConfigError
from streamproc_models import evaluation
from streamproc_models.arrays import I32, I64, U8, U64
from streamproc_models.hashing import find, hash_strings, put, remove
from streamproc_models.heads import encoder, popularity
from streamproc_models.heads.encoder import Encoder
from streamproc_models.heads.gru import Gru
from streamproc_models.kernel import kernel
from streamproc_models.slots import FREE

_FIRST_ROWS = 1024
GROWTH = 150  # percent of the rows so far; a spare row takes no memory


class ModelView:
    """What a worker ranks with. Rows are taken over when the header of their sync has come."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.header: Header | None = None
        rows = min(_FIRST_ROWS, config.items.max)
        self.model = _bare(model.empty(config, rows))
        self._unused = _bare(model.empty(config, 1))
        self._cleared = rows  # rows from there on are spare, and have not been written to
        self.names = ids.empty(rows)
        self.scratch = scratch.empty(rows, config)
        self._waiting: dict[bytes, bytes | None] = {}
        self._item_row, self._lasting_row = records.item_row(config), records.lasting_row(config)
        self._encoded_row = records.encoded_row(config)

    @property
    def version(self) -> int:
        """Of the newest sync taken over; 0 before the first."""
        return self.header.version if self.header else 0

    @property
    def knows_items(self) -> bool:
        """Whether there is anything to be ranked: a trainer publishes before it has learned, too."""
        return self.header is not None and self.header.items > 0

    @property
    def learned_to(self) -> int:
        """Journal offset up to which this model has learned."""
        return self.header.learned_to if self.header else 0

    @property
    def generation(self) -> int:
        """That serves; 0 where there is none."""
        return self.header.generation if self.header else 0

    @property
    def has_encoder(self) -> bool:
        """Whether users have a second recurrent state."""
        return bool(self.model.encoder.since[0] > 0)

    def apply(self, changes: Iterable[tuple[bytes, bytes | None]]) -> bool:
        """Records in the order of the topic; returns whether a sync has become whole."""
        whole = False
        for key, value in changes:
            if key == HEADER and value is not None:
                self._take(records.unpack_header(value))
                whole = True
            else:
                self._waiting.pop(key, None)  # a row that moved comes last
                self._waiting[key] = value
        return whole

    def _take(self, header: Header) -> None:
        if header.layout != records.layout(self.config):
            raise ConfigError(
                "the model was published with other [heads] settings than this worker has",
                "Give worker and trainer the same configuration",
            )
        self._reserve(header.items)
        changes, self._waiting = self._waiting, {}
        self._take_out([key[1:] for key, value in changes.items() if value is None and key[:1] == ITEM])
        self._put_items({k[1:]: v for k, v in changes.items() if v is not None and k[:1] == ITEM})
        self._put_lasting([v for k, v in changes.items() if v is not None and k[:1] == LASTING])
        self._put_encoder(header, [v for k, v in changes.items() if v is not None and k[:1] == ENCODED])
        self._put_header(header)

    def _reserve(self, items: int) -> None:
        if items > model.capacity(self.model):
            self._grow(min(self.config.items.max, max(items, GROWTH * model.capacity(self.model) // 100)))
        if items > self._cleared:
            stretching.clear(self.model, self._unused, self._cleared, items)
            self._cleared = items

    def _grow(self, rows: int) -> None:
        self.model = stretching.stretch(self.model, self._unused, rows)
        self.names = ids.reserve(self.names, rows, 0)
        self.scratch = scratch.grow(self.scratch, rows)

    def _take_out(self, names: list[bytes]) -> None:
        if names:
            text = np.frombuffer(b"".join(names), np.uint8)
            _take_out(self.model, hash_strings(text, np.cumsum([len(name) for name in names])))

    def _put_items(self, changes: dict[bytes, bytes]) -> None:
        if not changes:
            return
        new = np.frombuffer(b"".join(changes.values()), self._item_row)
        rows, m = new["row"].astype(np.int32), self.model
        text = np.frombuffer(b"".join(changes), np.uint8)
        self.names = ids.reserve(self.names, self.names.start.size, text.size)
        _name(m, self.names, rows, new["item"].copy(), text, np.cumsum([len(name) for name in changes]))
        for name in ("last", "first", "counts"):
            getattr(m.popularity, name)[rows] = new[name]
        for name in TABLES:
            head = getattr(m, name)
            head.neighbours[rows], head.weights[rows] = new[name + "_neighbours"], new[name + "_weights"]
            head.totals[rows] = new[name + "_total"]
            head.fill[rows] = (new[name + "_neighbours"] >= 0).sum(1)
        m.factors.items[rows], m.gru.embeddings[rows] = new["factors"], new["embedding"]
        m.gru.bias[rows], m.bias.values[rows] = new["embedding_bias"], new["bias"]
        m.features[rows, popularity.BIAS] = new["bias"]

    def _put_lasting(self, values: list[bytes]) -> None:
        new = np.frombuffer(b"".join(values), self._lasting_row)
        rows = new["row"]
        self.model.long_term.neighbours[rows] = new["neighbours"]
        self.model.long_term.weights[rows] = new["weights"]

    def _put_encoder(self, header: Header, values: list[bytes]) -> None:
        if header.encoder == 0:
            return
        if header.encoder != int(self.model.encoder.since[0]):  # another one: its rows are all here
            fresh = encoder.room(model.encoder_config(self.config), model.capacity(self.model))
            self.model = self.model._replace(encoder=Encoder(_bare_gru(fresh.gru), fresh.since))
        head, new = self.model.encoder, np.frombuffer(b"".join(values), self._encoded_row)
        head.gru.embeddings[new["row"]], head.gru.bias[new["row"]] = new["embedding"], new["embedding_bias"]
        _fill(head.gru.cell, header.encoder_cell)
        head.since[0] = header.encoder

    def _put_header(self, header: Header) -> None:
        m, s = self.model, self.scratch
        m.counters[EVENTS], m.counters[ITEMS] = header.events, header.items
        m.counters[SERVING] = header.serving
        m.lasting[0] = header.generation
        _fill(m.fusion.weights, header.weights)
        _fill(m.fusion.twin, header.twin)
        _fill(m.increments, header.increments)
        _fill(m.popularity.totals, header.totals)
        _fill(m.gru.cell, header.cell)
        tops = np.frombuffer(header.tops, np.int32).reshape(3, pool.TOP)
        m.pool.lately[:], m.pool.popular[:], m.pool.newest[:] = tops
        popularity.describe(
            m.popularity, header.events, 0, header.items, m.features, s.x, s.x_bits, s.y, s.y_bits
        )
        pool.rebuild(m.pool, m.popularity, m.features, m.bias.values, m.factors.items, m.gru)
        recent.clear(s.recent)
        self.header = header

    def recall(self, name: str) -> float:
        """Prequential recall@20 of one model so far, as of the newest sync."""
        sums = self.header.figures[name] if self.header else [0.0] * 6
        return sums[evaluation.AT_20] / max(sums[evaluation.TRIALS], 1.0)


def _fill(array: NDArray[np.floating], values: bytes) -> None:
    array[...] = np.frombuffer(values, array.dtype).reshape(array.shape)


def _bare(m: Model) -> Model:
    """Without what only learning needs: chain of freed rows, sums of squares, counts, examples to replay."""
    return m._replace(
        next_free=np.zeros(1, np.int32),
        bias=m.bias._replace(squares=np.zeros(1, np.float32)),
        gru=_bare_gru(m.gru),
        encoder=m.encoder._replace(gru=_bare_gru(m.encoder.gru)),
    )


def _bare_gru(g: Gru) -> Gru:
    one, number = np.zeros((1, g.embeddings.shape[1]), np.float32), np.zeros(1, np.int32)
    return g._replace(
        embeddings_sums=one, bias_sums=np.zeros(1, np.float32), counts=np.zeros(1, np.int64),
        ring_hidden=one, ring_inputs=number, ring_targets=number,
    )  # fmt: skip


@kernel
def _take_out(m: Model, gone: U64) -> None:
    for item in gone:
        row = find(m.keys, m.rows, item)
        if row >= 0:
            remove(m.keys, m.rows, item)
            _leave(m, row)


@kernel
def _name(m: Model, names: ids.Ids, rows: I32, items: U64, text: U8, ends: I64) -> None:
    for k in range(rows.size):
        row = rows[k]
        if m.item[row] == items[k]:
            continue
        before = find(m.keys, m.rows, items[k])
        if before >= 0 and m.item[before] == items[k]:
            _leave(m, before)  # it was forgotten, and came back
        m.item[row] = items[k]
        put(m.keys, m.rows, items[k], row)
        ids.store(names, row, text, ends[k - 1] if k > 0 else 0, ends[k])


@kernel
def _leave(m: Model, row: int) -> None:
    """Nobody has this row now; whoever gets it has no long-term neighbours before a refresh."""
    m.item[row] = 0
    m.long_term.neighbours[row] = FREE
    m.long_term.weights[row] = 0.0
