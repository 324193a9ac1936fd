"""Every setting, in one frozen tree. Durations are seconds, sizes are bytes unless a name says otherwise.

A value comes from the first of: a flag, the environment (`STREAMPROC_KAFKA__PREFIX`), a file that it names
or the secrets folder (secrets only), the TOML file (no secrets), the default written here. `load` puts these
together; `Config()` alone is the defaults.
"""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator

from streamproc.encoder_config import EncoderConfig
from streamproc.errors import ConfigError
from streamproc.heads_config import FusionConfig, HeadsConfig
from streamproc.section import Count, Finite, Port, Seconds, Section, Share, Strength
from streamproc.security_config import SecurityConfig, all_on_loopback

DAY = 86_400.0
FILE_NAME = "streamproc.toml"


def merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` on top of `under`, table by table."""
    merged = dict(under)
    for key, value in over.items():
        known = merged.get(key)
        merged[key] = merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


class KafkaConfig(Section):
    """The cluster, and how topics are made on it."""

    bootstrap_servers: str = Field(default="127.0.0.1:9092", min_length=1)  # host:port, comma-separated
    prefix: str = Field(default="", pattern=r"^[A-Za-z0-9._-]*$")  # before every topic and group name
    partitions: Count = 4  # of events, users and recommendations
    replication_factor: Count = 1
    min_insync_replicas: Count = 1
    session_timeout: Seconds = 10.0  # a silent worker loses its partitions after this
    request_timeout: Seconds = 20.0
    connect_timeout: Seconds = 60.0  # give up when no broker answered for so long
    journal_retention: float = 30 * DAY  # -1 for ever
    security: SecurityConfig = SecurityConfig()

    @model_validator(mode="after")
    def _replicas_suffice(self) -> Self:
        if self.min_insync_replicas > self.replication_factor:
            raise ValueError("min_insync_replicas is above replication_factor: nothing could be written")
        if self.journal_retention <= 0 and self.journal_retention != -1:
            raise ValueError("journal_retention must be above 0, or -1 for ever")
        return self

    @model_validator(mode="after")
    def _nothing_readable_leaves_the_machine(self) -> Self:
        if not (
            self.security.encrypted
            or self.security.allow_plaintext
            or all_on_loopback(self.bootstrap_servers)
        ):
            raise ValueError(
                f"{self.bootstrap_servers} is not this machine, and security.protocol = PLAINTEXT sends"
                " everything readable: set SASL_SSL or SSL, or security.allow_plaintext = true"
            )
        return self


class BrokerConfig(Section):
    """The embedded Kafka of `streamproc up` and `streamproc broker`."""

    port: Port = 9092  # 0: any free port
    advertised_port: Port = 0  # what clients are told, where a proxy stands before it; 0: its own
    heap_mb: int = Field(default=256, ge=64)
    cache_dir: Path | None = None  # where the jars are kept; None: the user's cache folder


class EventType(Section):
    """What one event of a type is worth. A strength of 0 or less is negative feedback, never a target."""

    strength: Strength = 1.0
    threshold: Finite | None = None  # with one: a value below it gives `below` instead of `strength`
    below: Strength = 0.0
    ignore: bool = False  # checked and counted, but never observed or learned


DEFAULT_TYPES: dict[str, dict[str, Any]] = {
    "cart": {"strength": 3.0},
    "click": {"strength": 1.0},
    "impression": {"ignore": True},
    "like": {"strength": 2.0},
    "purchase": {"strength": 5.0},
    "rating": {"strength": 1.0, "threshold": 4.0, "below": 0.0},
    "view": {"strength": 1.0},
}
MAX_TYPES = 62  # the kind of an event is a byte whose last value, 63, means unknown


class EventsConfig(Section):
    """What is accepted as an event, and what each type is worth."""

    max_bytes: Count = 1_000_000
    max_future_skew: Seconds = 300.0  # an event time so far after the record's own is refused
    unknown_type: Literal["reject", "count"] = "reject"
    unknown_strength: Strength = 1.0  # of a type that is not listed, with unknown_type = "count"
    types: dict[str, EventType] = Field(default_factory=dict, max_length=MAX_TYPES)

    @field_validator("types", mode="before")
    @classmethod
    def _over_the_defaults(cls, given: Any) -> Any:
        """A file adds types, or changes single fields of a default one; it never has to repeat them all."""
        if not isinstance(given, dict):
            return given
        plain = {name: t.model_dump() if isinstance(t, EventType) else t for name, t in given.items()}
        return dict(sorted(merge(DEFAULT_TYPES, plain).items()))


class WindowConfig(Section):
    """The sliding window of what a user just did."""

    length: int = Field(default=256, ge=1, le=256)  # events
    max_age: Seconds = 365 * DAY
    session_gap: Seconds = 1800.0  # a longer silence starts a new session
    late_allowance: float = Field(default=3600.0, ge=0)  # older than the user's newest by more: late
    event_ids: int = Field(default=10, ge=1, le=64)  # newest ids remembered per user, against duplicates


class UsersConfig(Section):
    """A bound on memory: the coldest users go first."""

    max: Count = 1_000_000


class ItemsConfig(Section):
    """A bound on memory: the coldest items go first."""

    max: Count = 200_000


class RulesConfig(Section):
    """What may be on a slate."""

    exclude_seen: bool = False  # never show what the user already had


class PublishConfig(Section):
    """How slates are written."""

    min_interval: float = Field(default=0.1, ge=0)  # between two slates of one user; 0: one for every event
    slate_size: int = Field(default=20, ge=1, le=100)
    refresh_active: Seconds = DAY  # users active within this event time get a refreshed slate


class WorkerConfig(Section):
    """Events to slates and journal."""

    max_batch: Count = 4000  # events per micro-batch
    append_timeout: Seconds = 30.0  # a journal append that takes longer ends the lease


class TrainerConfig(Section):
    """Journal to model."""

    max_batch: Count = 4000  # events per micro-batch
    session_timeout: Seconds = 6.0  # like kafka.session_timeout, at most; Kafka fences one that only slept
    shed_after: Seconds = 60.0  # behind by so much, it predicts fewer events until it has kept up again
    shed_every: Count = 16  # predicts every so many-th event then; the heads still learn from all. 1: never


class SyncConfig(Section):
    """How often the trainer publishes what changed."""

    interval: Seconds = 1.0
    users_interval: Seconds = 5.0


class SnapshotsConfig(Section):
    """The trainer's whole state on disk."""

    interval: Seconds = 60.0
    keep: Count = 3


class RefreshConfig(Section):
    """The batch job that fits the long-term interest."""

    enabled: bool = True
    interval: Seconds = 1800.0
    events: int = Field(default=0, ge=0)  # also after so many new journal events; 0: by time only
    method: Literal["auto", "ease", "als"] = "auto"
    ease_max_items: Count = 5000  # auto takes EASE up to so many items, ALS above
    shadow_events: Count = 2000  # predictions in shadow: half to learn its weights, half to be compared
    margin: float = Field(default=0.0, ge=0, lt=1)  # share by which recall@20 or MRR@20 may be lower: noise
    history: Count = 2_000_000  # newest events that a refresh reads
    encoder: EncoderConfig = EncoderConfig()


class DriftConfig(Section):
    """What is noticed when the stream becomes another one, and what is done about it."""

    enabled: bool = True
    delta: float = Field(default=0.002, gt=0, lt=1)  # ADWIN's: how likely a false alarm may be
    least: Share = 0.1  # share of what is watched by which it must have fallen
    refresh: bool = False  # refresh at once
    discount: float = Field(default=1.0, ge=1, le=1e6)  # what tables know counts so many times less
    rate: float = Field(default=1.0, gt=0, le=10)  # the recurrent heads learn so many times as fast
    events: Count = 10_000  # for so long


class ServerConfig(Section):
    """The HTTP API and the console."""

    enabled: bool = True  # whether `up` starts it
    host: str = "127.0.0.1"  # any other address needs a token
    port: Port = 8080  # 0: any free port
    token: SecretStr | None = None  # asked for as `Authorization: Bearer`; from the environment, not a file
    token_file: Path | None = None  # the same, from a file
    hosts: list[str] = Field(default_factory=list)  # further names by which it may be asked
    users: Count = 200_000  # newest slates and states kept to be asked for
    rate: Count = 10_000  # requests per second of one client
    max_body: Count = 65_536
    max_events: int = Field(default=1000, ge=1, le=10_000)  # of one request
    scrape: list[str] = Field(default_factory=list)  # part=host:port of /metrics elsewhere


class MetricsConfig(Section):
    """Where each part answers /metrics; 0 takes a free port and writes it to data_dir/run."""

    host: str = "127.0.0.1"  # any other address needs a token
    token: SecretStr | None = None  # asked for as `Authorization: Bearer`; from the environment, not a file
    worker_port: Port = 0
    trainer_port: Port = 0
    refresh_port: Port = 0
    server_port: Port = 0  # only where server.token is set; else they are at server.port, too


class LogsConfig(Section):
    """What the parts write to stderr; `up` keeps it in data_dir/logs."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"  # auto: JSON, except on a terminal
    user_key: SecretStr | None = Field(default=None, min_length=16)  # None: a key of the data folder


class Config(Section):
    """The whole tree."""

    data_dir: Path = Path(".streamproc")
    seed: int = Field(default=7, ge=0)
    kafka: KafkaConfig = KafkaConfig()
    broker: BrokerConfig = BrokerConfig()
    events: EventsConfig = EventsConfig()
    window: WindowConfig = WindowConfig()
    users: UsersConfig = UsersConfig()
    items: ItemsConfig = ItemsConfig()
    rules: RulesConfig = RulesConfig()
    publish: PublishConfig = PublishConfig()
    worker: WorkerConfig = WorkerConfig()
    trainer: TrainerConfig = TrainerConfig()
    sync: SyncConfig = SyncConfig()
    snapshots: SnapshotsConfig = SnapshotsConfig()
    refresh: RefreshConfig = RefreshConfig()
    drift: DriftConfig = DriftConfig()
    heads: HeadsConfig = HeadsConfig()
    fusion: FusionConfig = FusionConfig()
    server: ServerConfig = ServerConfig()
    metrics: MetricsConfig = MetricsConfig()
    logs: LogsConfig = LogsConfig()


def load(path: Path | None = None, overrides: dict[str, Any] | None = None) -> Config:
    """The configuration from file, environment and `overrides` (nested like the tree; flags).

    Without a `path`, `streamproc.toml` in the current folder is read if it is there.
    Raises ConfigError naming the field, where it was written, and the nearest right name.
    """
    from streamproc.sources import layers, problems  # here: settings sources are slow to import

    found = layers(path, overrides or {})
    merged: dict[str, Any] = {}
    for layer in found.values():
        merged = merge(merged, layer)
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(problems(error, found), "Correct it; `streamproc config show` lists all") from None
