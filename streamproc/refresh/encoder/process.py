"""The process that trains: `python -m streamproc.refresh.encoder.process FOLDER`, see `message`.

It gives way to everything else on the machine: to other processes that want the CPU, and by being the
first that Linux ends when memory is short. It ends by itself when nobody reads its pipe any more.
"""

import contextlib
import os
import sys
import time
from pathlib import Path

import msgspec
import torch

from streamproc.refresh.encoder import message, training
from streamproc.refresh.encoder.handing import arrays
from streamproc.refresh.encoder.message import Report

NICENESS = 5  # on top of that of the refresh
FIRST_TO_GO = "1000"  # of 1000


def main(folder: Path) -> None:
    """Train the task in `folder`, leave the weights there, and report on standard output."""
    _give_way()
    torch.set_num_threads(1)  # sums keep their order
    task = message.read_task(folder)
    config, events = task.config, task.users.size
    trained = training.train(
        task.users, task.items, task.item_count, config, task.seed, time.process_time, _tell
    )
    if config.cell == "gru":
        message.write_weights(folder, arrays(trained, events))
    recall, mrr, targets = trained.best
    ended = (trained.epoch, trained.epochs, trained.stopped, trained.seconds)
    _say(Report(config.cell, events, recall, mrr, targets, *ended))


def _give_way() -> None:
    os.nice(NICENESS)
    with contextlib.suppress(OSError):  # not on Linux
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, "ascii")


def _tell(progress: training.Progress) -> None:
    epoch, epochs, share, best = progress
    _say(message.Progress(epoch, epochs, share, best.recall if best else 0.0))


def _say(what: message.Progress | Report) -> None:
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
