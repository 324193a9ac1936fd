"""What came of a run."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streamproc.chaos.memory import Resident
from streamproc.chaos.verifying import Verdict


class Injected(NamedTuple):
    """What was done, and how long it took until what was sent after it was journalled (for faults of the
    trainer: published), the fault's own time included."""

    fault: str
    after: int  # events sent
    seconds: float  # since the start
    recovery_seconds: float


@dataclass
class Report:
    """Of one run."""

    seed: int
    events: int
    injected: list[Injected] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    acknowledged_missing: int = 0
    digests_equal: bool | None = None  # of trainers and undisturbed repetition; None: not compared
    not_recovered: str = ""  # what did not come about; what had come by then is verified
    seconds: float = 0.0
    memory: dict[str, Resident] = field(default_factory=dict)
    endings: list[str] = field(default_factory=list)  # of parts that nobody had killed

    @property
    def right(self) -> bool:
        """Nothing lost, nothing twice, nobody differs, no acknowledged event is gone, all came back."""
        whole = self.verdict.right and not self.acknowledged_missing and not self.not_recovered
        return whole and self.digests_equal is not False

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "seed": self.seed,
            "events": self.events,
            "right": self.right,
            "seconds": round(self.seconds, 1),
            "faults": [each._asdict() for each in self.injected],
            "acknowledged_missing": self.acknowledged_missing,
            "digests_equal": self.digests_equal,
            "not_recovered": self.not_recovered,
            "memory_mb": {part: each._asdict() for part, each in self.memory.items()},
            "endings": self.endings,
            "verdict": self.verdict.as_dict(),
        }
