"""Every series that a part answers on /metrics. Base units; labels only from short, closed lists.

A class per part takes its registry, so that tests read back what was counted. Where there are labels, the
values that alerts ask for are there from the start, at 0: a rate needs a sample before the first event.
"""

import platform
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

PROCESSING = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds
WAITING = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds
REBALANCING = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # seconds
BEHIND = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0)  # seconds
BATCHES = tuple(float(2**power) for power in range(13))  # events
NORMS = tuple(10.0**power for power in range(-4, 4))
FITTING = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)  # seconds

OUTCOMES = ("accepted", "duplicate", "late", "ignored", "rejected")  # of an event in a worker
RECORDS = ("applied", "stale", "overlap", "broken")  # of a journal record under the reader's rule
UPDATES = ("applied", "skipped_nonfinite")
TRIGGERS = ("event", "refresh", "cold")
RESULTS = ("promoted", "rejected")
ROLLED_BACK = "rolled_back"  # an earlier generation serves again, by order
SIGNALS = ("hits", "item_mix")  # of the stream, in which a drift can show
UNWRITTEN = ("disk", "nonfinite")  # why a snapshot could not be written
UNUSABLE = ("manifest", "checksum", "format", "layout", "other_journal", "too_old")  # or was passed over
CUTOFFS = ("1", "10", "20")  # label k of the hits
STATES = ("idle", "reading", "fitting", "encoding", "handing_over", "shadow")  # of the refresh


class _Series:
    """Makes series with the product's prefix in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"streamproc_{name}", text, labels, registry=self._registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"streamproc_{name}", text, labels, registry=self._registry)

    def histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"streamproc_{name}", text, labels, buckets=buckets, registry=self._registry)


class PartMetrics:
    """What every part has."""

    def __init__(self, registry: CollectorRegistry) -> None:
        ProcessCollector(registry=registry)
        series = self._series = _Series(registry)
        self.build_info = series.gauge("build_info", "Always 1; what runs.", "version", "python", "torch")
        self.build_info.labels(_version("streamproc"), platform.python_version(), _version("torch")).set(1)
        self.ready = series.gauge("ready", "1 when it has restored and does its work.")
        self.start_timestamp = series.gauge("start_timestamp_seconds", "When this process started.")
        self.start_timestamp.set_to_current_time()
        self.model_version = series.gauge("model_version", "The sync whose model is in use.")
        self.model_generation = series.gauge(
            "model_generation", "The generation of long-term interests in use."
        )
        self.learned_to = series.gauge(
            "model_learned_to_offset", "Journal offset up to which the model has learned."
        )


class StreamMetrics(PartMetrics):
    """What every part that reads a stream has: how much it read, how far behind it is."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        series = self._series
        self.events_consumed = series.counter("events_consumed_total", "Events read.", "topic")
        self.events_processed = series.counter(
            "events_processed_total", "Events, by what became of them.", "agent", "outcome"
        )
        self.event_processing = series.histogram(
            "event_processing_seconds", "From reading a micro-batch to its end.", PROCESSING, "agent"
        )
        self.event_time_lag = series.histogram(
            "event_time_lag_seconds", "Age of an event, by its own time, when it is read.", BEHIND, "topic"
        )
        self.watermark = series.gauge(
            "watermark_timestamp_seconds", "Newest event time seen.", "topic", "partition"
        )
        self.consumer_lag = series.gauge(
            "consumer_lag_records", "Records between what was read and the topic's end.", "topic", "partition"
        )
        self.end_offset = series.gauge(
            "consumer_end_offset", "End of the topic's partition, as last heard.", "topic", "partition"
        )
        self.consumer_lag_seconds = series.gauge(
            "consumer_lag_seconds", "Age of the oldest record not read yet.", "topic", "partition"
        )
        self.batch_size = series.histogram("batch_size_events", "Events per micro-batch.", BATCHES, "agent")
        self.buffer = series.gauge("buffer_events", "Events fetched and not yet processed.", "agent")
        self.backpressure = series.counter(
            "backpressure_seconds_total", "Time in which reading waited for writing.", "agent"
        )
        self.journal_records = series.counter(
            "journal_records_total", "Journal records read, by the reader's rule.", "outcome"
        )
        for outcome in RECORDS:
            self.journal_records.labels(outcome)
        self._writing(series)
        self._state(series)

    def _writing(self, series: _Series) -> None:
        self.commit = series.histogram(
            "commit_seconds", "One commit of offsets or of a transaction.", WAITING
        )
        self.commit_timestamp = series.gauge("commit_timestamp_seconds", "When the last commit succeeded.")
        self.produce = series.histogram(
            "produce_seconds", "From sending to the broker's answer.", WAITING, "topic"
        )
        self.produce_failures = series.counter(
            "produce_failures_total", "Records that the broker did not take.", "topic", "reason"
        )

    def _state(self, series: _Series) -> None:
        self.rebalances = series.counter("rebalances_total", "Changes of the assigned partitions.")
        self.rebalance = series.histogram(
            "rebalance_seconds", "From revocation to reading again.", REBALANCING
        )
        self.assigned_partitions = series.gauge("assigned_partitions", "Partitions that this process serves.")
        self.lease = series.gauge(
            "lease_timestamp_seconds", "Since when this process serves the partition.", "topic", "partition"
        )
        self.member = series.gauge(
            "group_member_info", "Always 1; what this process is called in its consumer group.", "client_id"
        )
        self.table_entries = series.gauge("table_entries", "Entries held in memory.", "table")
        self.table_limit = series.gauge(
            "table_limit_entries", "Entries at which the coldest are given up.", "table"
        )
        self.table_bytes = series.gauge("table_bytes", "Memory of the table's arrays.", "table")
        self.table_evictions = series.counter("table_evictions_total", "Entries given up.", "table", "reason")
        self.recovery_remaining = series.gauge(
            "recovery_remaining_records", "Records still to read before serving.", "table"
        )
        self.recovery_restored = series.counter("recovery_restored_total", "Records restored from.", "table")
        self.recovery = series.histogram(
            "recovery_seconds", "One restore, from lease to serving.", REBALANCING
        )


class WorkerMetrics(StreamMetrics):
    """Events to slates and journal."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        series = self._series
        self.dlq_records = series.counter("dlq_records_total", "Events set aside.", "topic", "reason")
        self.published = series.counter("recommendations_published_total", "Slates sent.", "trigger")
        self.staleness = series.histogram(
            "recommendation_staleness_seconds", "Age of the model behind a slate when it is sent.", BEHIND
        )
        self.gate = series.gauge("gate_ratio", "Mean share of the score on recent slates.", "family")
        self.gini = series.gauge("popularity_gini_ratio", "How unevenly the newest slates show the items.")
        self.novelty = series.gauge(
            "novelty", "Mean of -log2 of the shown items' shares of the events, in bits."
        )
        self.intra_list_distance = series.gauge(
            "intra_list_distance", "Mean of 1 - cosine of the factors over the pairs of a slate's items."
        )
        self.model_apply = series.histogram(
            "model_apply_seconds", "Taking in one sync of the model.", WAITING
        )


class TrainerMetrics(StreamMetrics):
    """Journal to model."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        series = self._series
        self.trials = series.counter("prequential_trials_total", "Events predicted before learning.", "model")
        self.hits = series.counter("prequential_hits_total", "Predicted within the first k.", "model", "k")
        self.reciprocal_rank = series.counter(
            "prequential_reciprocal_rank_total", "Sum of 1/rank within the first 20.", "model"
        )
        self.gate = series.gauge("gate_ratio", "Mean share of the score.", "family")
        self.serving = series.gauge("serving", "1 for the model that answers, else 0.", "model")
        self.coverage = series.gauge("coverage_ratio", "Share of the items that were on a sampled slate.")
        self.shadow_generation = series.gauge("shadow_generation", "The one in shadow; 0: there is none.")
        self.shadow_progress = series.gauge(
            "shadow_progress_ratio", "How much of its trial the generation in shadow has behind it."
        )
        self.loss = series.gauge("update_loss", "Smoothed loss of the newest updates.", "component")
        self.gradient_norm = series.histogram(
            "gradient_norm", "Norm of an update's gradient.", NORMS, "component"
        )
        self.parameter_norm = series.gauge("parameter_norm", "Norm of the parameters.", "component")
        self.updates = series.counter("updates_total", "Learning steps.", "component", "outcome")
        self.promotions = series.counter(
            "batch_promotions_total", "Decisions on generations, and returns to earlier ones.", "result"
        )
        self.drift_detections = series.counter(
            "drift_detections_total", "Changes of the stream that were noticed.", "detector", "signal"
        )
        self.prediction_interval = series.gauge(
            "prediction_interval_events", "Every so many-th event is predicted: above 1 while load is shed."
        )
        self.drift_statistic = series.gauge(
            "drift_statistic", "What the detector watches, as a mean over its window.", "detector", "signal"
        )
        for signal in SIGNALS:
            self.drift_detections.labels("adwin", signal)
            self.drift_statistic.labels("adwin", signal)
        self.snapshot = series.histogram("snapshot_seconds", "Writing one snapshot.", WAITING)
        self.snapshot_timestamp = series.gauge("snapshot_timestamp_seconds", "When it was written.", "kind")
        self.snapshot_interval = series.gauge(
            "snapshot_interval_seconds", "How often one is due, while anything is learned."
        )
        self.snapshot_bytes = series.gauge("snapshot_bytes", "Size of the newest snapshot.")
        self.snapshot_failures = series.counter(
            "snapshot_failures_total", "Snapshots not written, or of no use at a start.", "reason"
        )
        for reason in UNWRITTEN + UNUSABLE:
            self.snapshot_failures.labels(reason)
        for result in (*RESULTS, ROLLED_BACK):
            self.promotions.labels(result)
        self.sync_rows = series.counter("sync_rows_total", "Records published by syncs.", "topic")


class ServerMetrics(PartMetrics):
    """The HTTP API."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        series = self._series
        self.requests = series.counter("http_requests_total", "Requests answered.", "route", "code")
        self.request = series.histogram(
            "http_request_seconds", "From a request to the end of its answer.", PROCESSING, "route"
        )
        self.in_flight = series.gauge("http_requests_in_flight", "Requests that wait for their answer.")
        self.model_apply = series.histogram(
            "model_apply_seconds", "Taking in one sync of the model.", WAITING
        )
        self.table_entries = series.gauge("table_entries", "Entries held in memory.", "table")
        self.produced = series.counter("events_produced_total", "Events taken over HTTP.")


class RefreshMetrics(PartMetrics):
    """Journal to a new generation."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        series = self._series
        self.state = series.gauge("refresh_state", "1 for what it does now, else 0.", "state")
        self.batch = series.histogram("batch_seconds", "One refresh, from reading to hand-over.", FITTING)
        self.last_success = series.gauge(
            "batch_last_success_timestamp_seconds", "When the last one ended well."
        )
        self.interval = series.gauge(
            "batch_interval_seconds", "How often one is due, while there are events."
        )
        self.new_events = series.gauge(
            "batch_new_events", "Events since the last refresh; 0 as long as there are too few to fit."
        )
        self.failures = series.counter("batch_failures_total", "Refreshes that ended in an error.")
        self.results = series.counter(
            "batch_decisions_total", "Decisions on our generations, as seen.", "result"
        )
        self.events = series.gauge("batch_events", "Events in the history of the last refresh.")
        for result in RESULTS:
            self.results.labels(result)
        self.enter("idle")

    def enter(self, state: str) -> None:
        """Show that the refresh now does `state`, one of STATES."""
        for known in STATES:
            self.state.labels(known).set(known == state)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "unknown"
