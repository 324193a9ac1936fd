"""The learner: predict, then learn, for every event of the journal; the owner of the original model."""

import numpy as np

from streamproc.config import Config
from streamproc.contracts.columns import EventColumns
from streamproc.contracts.journal import Assembler
from streamproc.engine import (
    choosing,
    drift,
    forgetting,
    generations,
    housekeeping,
    ids,
    learning,
    model,
    pool,
    scratch,
    seen,
    trace,
)
from streamproc.engine.learning import FULL, TRAIN
from streamproc.engine.memory import DIRTY, PREDICT_EVERY, Memory, Partition, Settings
from streamproc.engine.model import EVENTS, ITEMS, SERVING, Challenger
from streamproc.engine.reading import factor_rules, reading
from streamproc.engine.repeating import Repeated
from streamproc.engine.windows import Windows
from streamproc_models import evaluation
from streamproc_models.arrays import I32, longer
from streamproc_models.heads import gru, gru_training
from streamproc_models.heads.encoder import Encoder
from streamproc_models.heads.gru_training import GruStep


class Users:
    """The trainer's view of one partition: the windows, and what only learning needs."""

    def __init__(self, config: Config, partitions: int) -> None:
        self.windows = Windows(config, partitions)
        rows = self.windows.rows
        self.dirty = np.zeros(rows, np.uint8)
        self.dirty_rows = np.zeros(rows, np.int32)
        self.dirty_count = np.zeros(1, np.int64)
        self.gone = ids.empty(1)
        self.gone_count = np.zeros(1, np.int64)

    def reserve(self, columns: EventColumns, exclude_seen: bool) -> None:
        """Room for all that a micro-batch can bring."""
        n, text = columns.users.size, columns.user_ids.data.size
        self.windows.reserve(n, text)
        if exclude_seen:
            self.windows.seen = seen.reserve(self.windows.seen, self.windows.rows, n)
        self.widen()
        if self.windows.count + n > self.windows.limit:
            longest = int(self.windows.names.length.max(initial=0))  # newcomers can be gone again at once
            self.gone = ids.reserve(self.gone, int(self.gone_count[0]) + n, n * longest + text)

    def widen(self) -> None:
        """Gives every row of the windows its place in the other arrays."""
        rows = self.windows.rows
        if rows > self.dirty.size:
            self.dirty, self.dirty_rows = longer(self.dirty, rows), longer(self.dirty_rows, rows)

    def partition(self) -> Partition:
        """The arrays as the compiled loop takes them."""
        w = self.windows
        return Partition(
            w.arrays, w.names, w.seen, self.dirty, self.dirty_rows, self.dirty_count,
            self.gone, self.gone_count,
        )  # fmt: skip


class Learner:
    """Everything learned, and the loop that learns it: a function of the journal's records alone.

    A trainer samples slates, and predicts with the clock of what it published: of the user's newest event.
    An evaluation makes every slate (`sample_every` 1), keeps every prediction (`traced`), and may ask as a
    request would, at the time of the event to come (`request_clock`). It may also look at the slates of a
    fusion that does not learn (`answer`).
    """

    def __init__(
        self,
        config: Config,
        partitions: int,
        sample_every: int = 64,
        request_clock: bool = False,
        traced: bool = False,
        answer: int = evaluation.FUSION,
    ) -> None:
        self.config = config
        self.settings = _settings(config, sample_every, request_clock, traced, answer)
        self.items_limit = config.items.max
        rows = min(1024, self.items_limit)
        self.model = model.empty(config, rows)
        self.shadow: Challenger | None = None
        self._nobody = generations.challenger(self)
        self._learn, self._train_gru = Repeated(learning.learn), Repeated(gru_training.train)
        self.item_ids = ids.empty(rows)
        self.memory = _memory(config, rows)
        self.trace = trace.empty(traced, rows)
        self.users = [Users(config, partitions) for _ in range(partitions)]
        self.scratch = scratch.empty(rows, config)
        self.slate = choosing.empty(config.publish.slate_size)
        self.gru_config = model.gru_config(config)
        self.gru_scratch = gru_training.scratch(self.model.gru, self.gru_config)
        self.encoder_config = model.encoder_config(config)
        self.encoder_scratch: gru_training.Scratch | None = None  # where there is an encoder
        self.steps: list[GruStep] = []
        self.encoder_steps: list[GruStep] = []
        self.gone_items: list[bytes] = []
        self.watch = drift.Watch(config.drift)
        self.kept_house_at = 0
        self.newest = 0  # largest event time, ms
        self.assembler = Assembler()
        self.decided = False  # on the generation in shadow
        self.lasting_changed = False
        self.encoder_changed = False
        self.swept = 0  # rows that the present round of publications has renewed

    @property
    def events(self) -> int:
        """Events learned so far."""
        return int(self.model.counters[EVENTS])

    @property
    def items(self) -> int:
        """Rows of items in use or freed."""
        return int(self.model.counters[ITEMS])

    @property
    def predict_every(self) -> int:
        """Every so many-th event is predicted: more than 1 while the trainer sheds load."""
        return int(self.memory.counters[PREDICT_EVERY])

    @property
    def serving(self) -> str:
        """Who answers: the fusion, or the head that was lately better."""
        return evaluation.MODELS[int(self.model.counters[SERVING])]

    def learn(self, partition: int, columns: EventColumns) -> None:
        """Accepted events of one source partition, in the order of the journal."""
        if columns.times.size == 0:
            return
        self.newest = max(self.newest, int(columns.times.max()))
        users = self.users[partition]
        users.reserve(columns, self.settings.exclude_seen)
        self._reserve_items(columns)
        self.trace = trace.reserve(self.trace, columns.users.size)
        part, done, told = users.partition(), 0, 0
        while done < columns.users.size:
            done, why = self._run(part, columns, done)
            if self._is_house_due() or done == columns.users.size:
                self.watch.see(columns.items[told:done])
                told = done
            if why == TRAIN:
                self._train()
            if why == FULL:
                forgetting.forget_coldest(self)
            else:
                self._keep_house()

    def _run(self, part: Partition, c: EventColumns, start: int) -> tuple[int, int]:
        done, why = self._learn(
            self.model, self.shadow or self._nobody, self.memory, self.item_ids, part,
            self.scratch, self.slate, self.settings, c, start, self.trace,
        )  # fmt: skip
        return int(done), int(why)

    def _is_house_due(self) -> bool:
        return self.events % pool.REBUILD == 0 and self.events != self.kept_house_at

    def _keep_house(self) -> None:
        due = self._is_house_due()
        if due or self.model.increments.max() > housekeeping.RESCALE:
            self.kept_house_at = self.events
            housekeeping.keep_house(self.model, self.memory, self.scratch)
        if due:
            self.watch.end_block(self.memory.record.sums, self.events)
            drift.settle(self)

    def _train(self) -> None:
        """One step of each recurrent head whose batch is full, between two events."""
        m = self.model
        if gru.is_full(m.gru):
            self.steps.append(self._train_gru(m.gru, self.gru_config, self.gru_scratch, self.items))
            pool.renew_embeddings(m.pool, m.gru)
        if self.encoder_scratch is not None and gru.is_full(m.encoder.gru):
            step = gru_training.train(m.encoder.gru, self.encoder_config, self.encoder_scratch, self.items)
            self.encoder_steps.append(step)

    def shed(self, every: int) -> None:
        """From here on every so many-th event is predicted; with 1 nothing is left out any more."""
        self.memory.counters[PREDICT_EVERY] = every
        self.take_rates()

    def take_rates(self) -> None:
        """Those of the configuration, raised as a drift may want it for a while; no replay under load."""
        factor = float(self.watch.raised[1])
        for name, settings in (("gru", model.gru_config), ("encoder", model.encoder_config)):
            plain = settings(self.config)
            replay = plain.replay if self.predict_every == 1 else 0
            setattr(self, f"{name}_config", plain._replace(rate=plain.rate * factor, replay=replay))

    def take_encoder(self, encoder: Encoder) -> None:
        """It serves and learns from here on; users' states by it are worked out when they are needed."""
        self.model = self.model._replace(encoder=encoder)
        self.encoder_scratch = gru_training.scratch(encoder.gru, model.encoder_config(self.config))
        self.encoder_changed = True
        for users in self.users:
            users.windows.hold_encoded()

    def _reserve_items(self, columns: EventColumns) -> None:
        self.item_ids = ids.reserve(self.item_ids, self.item_ids.start.size, columns.item_ids.data.size)
        needed = min(self.items_limit, self.items + columns.items.size)
        if needed > model.capacity(self.model):
            self.resize(min(self.items_limit, max(needed, 2 * model.capacity(self.model))))

    def resize(self, rows: int) -> None:
        """Arrays for a catalogue of `rows` items."""
        serving = self.model.encoder
        self.model = model.grow(self.model, self.config, rows)
        if self.shadow is not None:
            self.shadow = model.grow_challenger(self.shadow, serving, self.model.encoder, rows)
        self.item_ids = ids.reserve(self.item_ids, rows, 0)
        self.scratch = scratch.grow(self.scratch, rows)
        self.gru_scratch = gru_training.scratch(self.model.gru, model.gru_config(self.config))
        if self.encoder_scratch is not None:
            settings = model.encoder_config(self.config)
            self.encoder_scratch = gru_training.scratch(self.model.encoder.gru, settings)
        self.memory = self.memory._replace(
            dirty=longer(self.memory.dirty, rows),
            dirty_rows=longer(self.memory.dirty_rows, rows),
            shown=longer(self.memory.shown, rows),
        )
        self.trace = trace.grow(self.trace, rows)

    def mark_all_items(self) -> None:
        """Every row in use is published again at the next sync."""
        self.mark_items(np.arange(self.items, dtype=np.int32))

    def mark_items(self, rows: I32) -> None:
        """These rows (n,), each named once, are published at the next sync."""
        memory = self.memory
        fresh = rows[memory.dirty[rows] == 0]
        count = int(memory.counters[DIRTY])
        memory.dirty[fresh] = 1
        memory.dirty_rows[count : count + fresh.size] = fresh
        memory.counters[DIRTY] += fresh.size


def _memory(config: Config, rows: int) -> Memory:
    return Memory(
        evaluation.empty(),
        np.zeros(rows, np.uint8), np.zeros(rows, np.int32), np.zeros(rows, np.uint8), np.zeros(4),
        np.array([0, -1, 1], np.int64), np.zeros(5),
    )  # fmt: skip


def _settings(config: Config, sample_every: int, request_clock: bool, traced: bool, answer: int) -> Settings:
    heads = config.heads
    return Settings(
        reading=reading(config),
        pairs=heads.covisitation.learn_window,
        backward=heads.covisitation.backward,
        growth=2.0 ** (1.0 / heads.covisitation.half_life),
        session_growth=2.0 ** (1.0 / heads.session.half_life),
        factors=factor_rules(config),
        fusion_every=config.fusion.every,
        settled_after=config.fusion.settled_after,
        settled_every=max(config.fusion.every, config.fusion.settled_every),
        twin_rate=config.fusion.rate,
        twin_every=config.fusion.twin_every,
        sample_every=sample_every,
        exclude_seen=config.rules.exclude_seen,
        use_markov=heads.markov.enabled,
        use_covisitation=heads.covisitation.enabled,
        use_session=heads.session.enabled,
        use_bias=heads.bias.enabled,
        use_gru=heads.gru.enabled,
        request_clock=request_clock,
        compare=traced and heads.gru.enabled,
        answer=answer,
        shadow_warmup=config.refresh.shadow_events // 2,
    )
