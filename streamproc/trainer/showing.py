"""What a follower has reached, as series and log lines."""

import numpy as np

from streamproc.contracts.control import Drift, Generation, Promote, Reject, Shed
from streamproc.contracts.journal import NOTHING_READ, Chunk, EventsRecord
from streamproc.engine.drift import SIGNALS
from streamproc.engine.memory import SHADOWED
from streamproc.logs import get_logger
from streamproc.metrics import CUTOFFS, ROLLED_BACK, UPDATES, TrainerMetrics
from streamproc.trainer.follower import APPLIED, BROKEN, Follower, Step
from streamproc_models import evaluation
from streamproc_models.evaluation import AT_1, RECIPROCAL, TRIALS
from streamproc_models.heads.gru_training import GruStep

logger = get_logger(__name__)

AGENT = "trainer"
DETECTOR = "adwin"
FAMILIES = ("short_term", "long_term", "popularity")
GRU, ENCODER, FUSION = "gru", "encoder", "fusion"  # components
SMOOTH = 0.05  # share of the newest loss in the one that is shown


class Showing:
    """Counters go on from what a restored learner brings along, and never go back."""

    def __init__(self, metrics: TrainerMetrics, shadow_events: int) -> None:
        self._metrics = metrics
        self._shadow_events = shadow_events
        self._counted = np.zeros((len(evaluation.MODELS), 6))
        self._evicted = 0
        self._serving = ""
        self._loss: dict[str, float] = {}  # by head
        for outcome in UPDATES:
            metrics.updates.labels(GRU, outcome)

    def step(self, step: Step, follower: Follower, shadow_before: int) -> None:
        """One record of the journal, and what came of it."""
        self._metrics.journal_records.labels(step.outcome).inc()
        if step.events:
            self._metrics.events_processed.labels(AGENT, "applied").inc(step.events)
        if step.outcome == BROKEN and isinstance(step.record, EventsRecord):
            self._broken(step.record, follower)
        elif not isinstance(step.record, EventsRecord | Chunk):
            self._control(step, shadow_before)

    def _broken(self, record: EventsRecord, follower: Follower) -> None:
        held = follower.reader.highest.get(record.partition, NOTHING_READ)
        logger.error(
            "a journal record lies behind a gap and is ignored",
            journal_offset=follower.position - 1,
            partition=record.partition,
            goes_on_behind=record.prev,
            known_up_to=held,
        )

    def _control(self, step: Step, shadow_before: int) -> None:
        record = step.record
        if isinstance(record, Generation):
            if shadow_before:
                self._rejected(shadow_before, f"generation {record.id} came before it was judged")
            if step.outcome == APPLIED:
                logger.info(
                    "a generation runs in shadow",
                    generation=record.id,
                    method=record.method,
                    items=record.items,
                )
            else:
                self._rejected(record.id, "it is damaged or not whole")
        elif isinstance(record, Promote) and step.outcome == APPLIED:
            self._promoted(record)
        elif isinstance(record, Reject) and step.outcome == APPLIED:
            self._rejected(record.generation, record.reason, record.by)
        elif isinstance(record, Drift) and step.outcome == APPLIED:
            self._drifted(record)
        elif isinstance(record, Shed) and step.outcome == APPLIED:
            self._shed(record)

    def _drifted(self, record: Drift) -> None:
        self._metrics.drift_detections.labels(DETECTOR, record.signal).inc()
        logger.warning(
            "the stream has changed",
            signal=record.signal,
            before=round(record.before, 4),
            after=round(record.after, 4),
            noticed_at=record.event,
            refresh=record.refresh,
            discount=record.discount,
            rate=record.rate,
            events=record.events,
        )

    def _shed(self, record: Shed) -> None:
        figures = {"every": record.every, "seconds_behind": round(record.behind, 3)}
        if record.every > 1:
            logger.warning("predicts fewer events, to catch up", **figures)
        else:
            logger.info("predicts every event again", **figures)

    def _promoted(self, record: Promote) -> None:
        number, went_back = record.generation, record.like >= 0
        self._metrics.promotions.labels(ROLLED_BACK if went_back else "promoted").inc()
        if went_back:
            logger.info(
                "an earlier generation serves again", generation=number, like=record.like, by=record.by
            )
        elif record.events == 0:
            logger.info("a generation serves by order", generation=number, by=record.by)
        else:
            logger.info(
                "a generation is promoted",
                generation=number,
                recall=round(record.recall, 4),
                recall_without=round(record.frozen, 4),
                events=record.events,
            )

    def _rejected(self, generation: int, reason: str, by: str = "") -> None:
        self._metrics.promotions.labels("rejected").inc()
        ordered = {"by": by} if by else {}
        logger.info("a generation is rejected", generation=generation, reason=reason, **ordered)

    def show(self, follower: Follower) -> None:
        """Everything that is read off the state."""
        for watched, signal in zip(SIGNALS, follower.learner.watch.signals, strict=True):
            self._metrics.drift_statistic.labels(DETECTOR, watched).set(signal.mean)
        self._metrics.prediction_interval.set(follower.learner.predict_every)
        self._figures(follower)
        self._steps(follower)
        self._sizes(follower)
        learner, metrics = follower.learner, self._metrics
        metrics.learned_to.set(follower.position)
        metrics.model_generation.set(follower.generation)
        sampled = max(float(learner.memory.gate[3]), 1.0)
        for family, name in enumerate(FAMILIES):
            metrics.gate.labels(name).set(float(learner.memory.gate[family]) / sampled)
        done = max(int(learner.memory.counters[SHADOWED]), 0)  # below 0: nothing in shadow
        metrics.shadow_generation.set(follower.in_shadow)
        metrics.shadow_progress.set(min(done / self._shadow_events, 1.0))
        if learner.serving != self._serving:
            self._serves(learner.serving)

    def _serves(self, model: str) -> None:
        if self._serving:
            logger.warning("another model answers from here on", model=model, before=self._serving)
        self._serving = model
        for name in evaluation.MODELS:
            self._metrics.serving.labels(name).set(name == model)

    def _figures(self, follower: Follower) -> None:
        sums = follower.learner.memory.record.sums
        news = np.maximum(sums - self._counted, 0.0)
        self._counted = np.maximum(sums, self._counted)
        for number, model in enumerate(evaluation.MODELS):
            self._metrics.trials.labels(model).inc(news[number, TRIALS])
            self._metrics.reciprocal_rank.labels(model).inc(news[number, RECIPROCAL])
            for column, k in enumerate(CUTOFFS, AT_1):
                self._metrics.hits.labels(model, k).inc(news[number, column])

    def _steps(self, follower: Follower) -> None:
        learner = follower.learner
        for head, steps in ((GRU, learner.steps), (ENCODER, learner.encoder_steps)):
            for step in steps:
                self._step(head, step)
            steps.clear()

    def _step(self, head: str, step: GruStep) -> None:
        self._metrics.updates.labels(head, "applied" if step.applied else "skipped_nonfinite").inc()
        if step.applied:
            self._metrics.gradient_norm.labels(head).observe(step.gradient_norm)
            before = self._loss.get(head, step.loss)
            self._loss[head] = before + SMOOTH * (step.loss - before)
            self._metrics.loss.labels(head).set(self._loss[head])

    def _sizes(self, follower: Follower) -> None:
        learner, metrics = follower.learner, self._metrics
        met = learner.model.popularity.last[: learner.items] >= 0
        shown = learner.memory.shown[: learner.items][met]
        metrics.coverage.set(float(shown.mean()) if shown.size else 0.0)
        self._norms(follower)
        metrics.table_entries.labels("items").set(shown.size)
        metrics.table_limit.labels("items").set(learner.items_limit)
        metrics.table_limit.labels("users").set(sum(users.windows.limit for users in learner.users))
        metrics.table_entries.labels("users").set(sum(users.windows.count for users in learner.users))
        evicted = sum(users.windows.evicted for users in learner.users)
        metrics.table_evictions.labels("users", "full").inc(max(evicted - self._evicted, 0))
        self._evicted = max(evicted, self._evicted)

    def _norms(self, follower: Follower) -> None:
        """Of what has the same size whatever the catalogue, so that it costs nothing to look."""
        model = follower.learner.model
        self._metrics.parameter_norm.labels(GRU).set(float(np.linalg.norm(model.gru.cell)))
        self._metrics.parameter_norm.labels(FUSION).set(float(np.linalg.norm(model.fusion.weights)))
