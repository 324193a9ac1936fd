"""Every error that streamproc raises on purpose, and what its reader does next.

    StreamprocError            exit code 1; what every part may catch
    |- ConfigError             2  a setting is wrong: correct the place that the message names
    |- KafkaUnavailable        3  no broker answered in time: start it or correct the address
    |- KafkaRefused            3  a broker answers, but login or certificate is not accepted: correct it
    |- TopicMismatch           3  a topic exists, but not as the configuration wants it
    |- Fenced                  4  another trainer took over: leave this one stopped
    |- AlreadyRunning          5  somebody else works on this data folder
    |- BrokerFailed            6  the embedded broker could not be fetched or started
    |- BadFile                 7  an event file cannot be read at all
    |- EncoderFailed           1  a refresh's encoder could not be trained: the generation goes without one
    |- BadRecord               8  bytes in a topic that this version cannot read
    |- BadSnapshot             8  a snapshot is damaged or does not fit: an older one is taken
    `- LeaseLost               1  a worker's partition is no longer its own: restore again

Events that cannot be used are no errors: they are `Reject`s, and go to the dead-letter topic.
"""

from typing import ClassVar


class StreamprocError(Exception):
    """What went wrong and where; `remedy` is one sentence on what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        stop = "" if self.message.endswith(("?", ".")) else "."
        return f"{self.message}{stop} {self.remedy}" if self.remedy else self.message


class ConfigError(StreamprocError):
    """A setting is unknown, mistyped or out of its range."""

    exit_code = 2


class KafkaUnavailable(StreamprocError):
    """No broker answered at the address within the time limit."""

    exit_code = 3

    def __init__(self, address: str, seconds: float, detail: str = "") -> None:
        reason = f" ({detail})" if detail else ""
        super().__init__(
            f"no Kafka answered at {address} within {seconds:g} s{reason}",
            "Start it, or set kafka.bootstrap_servers (--bootstrap-servers)",
        )
        self.address = address


class KafkaRefused(StreamprocError):
    """A broker answers, but one of the two does not accept the other: login, certificate, protocol."""

    exit_code = 3


class TopicMismatch(StreamprocError):
    """A topic exists with other partitions or settings than the configuration wants."""

    exit_code = 3


class Fenced(StreamprocError):
    """Another trainer with the same transactional id took over."""

    exit_code = 4


class AlreadyRunning(StreamprocError):
    """Another process holds the lock of this data folder."""

    exit_code = 5


class BrokerFailed(StreamprocError):
    """The embedded broker could not be fetched, verified or started."""

    exit_code = 6


class BadFile(StreamprocError):
    """A file of events that cannot be opened, unpacked or understood."""

    exit_code = 7


class EncoderFailed(StreamprocError):
    """The process that trains the encoder of a refresh ended without weights."""


class BadRecord(StreamprocError):
    """A record of the journal, the model or the users that cannot be read."""

    exit_code = 8


class BadSnapshot(StreamprocError):
    """A snapshot whose checksum, layout or configuration does not fit.

    `reason` is one of `manifest`, `checksum`, `format`, `layout`.
    """

    exit_code = 8

    def __init__(self, message: str, remedy: str = "", reason: str = "layout") -> None:
        super().__init__(message, remedy)
        self.reason = reason


class NotFinite(StreamprocError):
    """A NaN or an infinity in what is to be published or kept."""

    exit_code = 8


class LeaseLost(StreamprocError):
    """The lease on a partition is dead; its memory must be dropped."""
