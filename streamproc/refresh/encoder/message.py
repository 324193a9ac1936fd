"""What the refresh and the process that trains its encoder say to each other, in a folder and on a pipe.

The folder gets the task and the events from the one, the weights from the other; each line of the pipe
is a `Progress` or, at the end, the `Report`.
"""

from pathlib import Path
from typing import NamedTuple

import msgspec
from safetensors.numpy import load_file, save_file

from streamproc.contracts import encoder as contract
from streamproc.contracts.encoder import EncoderArrays
from streamproc.encoder_config import EncoderConfig
from streamproc_models.arrays import I32


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """Where a training stands."""

    epoch: int  # from 1
    epochs: int  # at most
    share: float  # of this epoch
    recall: float  # recall@20 of the best epoch so far, on the newest slice


class Report(msgspec.Struct, frozen=True, tag="report"):
    """How a training ended."""

    cell: str
    events: int
    recall: float  # recall@20 and MRR@20 among all items, on the newest slice, before it was learned
    mrr: float
    targets: int  # of the newest slice
    epoch: int  # the best one
    epochs: int  # begun
    stopped: str  # epochs: all done; patience: no better one for long; seconds: the time was up
    seconds: float  # of CPU

    def __str__(self) -> str:
        why = {"patience": ", no better one came", "seconds": ", its time was up"}.get(self.stopped, "")
        return (
            f"{self.cell} encoder of epoch {self.epoch} of {self.epochs}{why}: recall@20 {self.recall:.4f},"
            f" MRR@20 {self.mrr:.4f} on the newest {self.targets} events, {self.seconds:.1f} s of CPU"
        )


class Task(NamedTuple):
    """What to train: n events in order, items numbered below `item_count`."""

    users: I32  # (n,)
    items: I32  # (n,)
    item_count: int
    seed: int
    config: EncoderConfig


class _Numbers(msgspec.Struct, frozen=True):
    item_count: int
    seed: int


def write_task(folder: Path, task: Task) -> None:
    """Into an empty folder."""
    save_file({"users": task.users, "items": task.items}, folder / "events.safetensors")
    (folder / "numbers.json").write_bytes(msgspec.json.encode(_Numbers(task.item_count, task.seed)))
    (folder / "settings.json").write_text(task.config.model_dump_json(), "utf-8")


def read_task(folder: Path) -> Task:
    """What `write_task` wrote."""
    events = load_file(folder / "events.safetensors")
    numbers = msgspec.json.decode((folder / "numbers.json").read_bytes(), type=_Numbers)
    settings = EncoderConfig.model_validate_json((folder / "settings.json").read_text("utf-8"))
    return Task(events["users"], events["items"], numbers.item_count, numbers.seed, settings)


def write_weights(folder: Path, encoder: EncoderArrays) -> None:
    """Beside the task."""
    save_file(contract.pack(encoder), folder / "weights.safetensors")


def read_weights(folder: Path, items: int) -> EncoderArrays | None:
    """What `write_weights` wrote, checked; None where it wrote nothing. Raises BadRecord."""
    file = folder / "weights.safetensors"
    return contract.unpack(load_file(file), items) if file.exists() else None
