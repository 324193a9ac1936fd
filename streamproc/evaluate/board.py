"""The curves, the gate and the fusion's weights as files that TensorBoard reads, a folder for each run."""

from pathlib import Path

from tensorboardX import SummaryWriter

from streamproc.errors import ConfigError
from streamproc.evaluate.run import Measured
from streamproc_models import fusion


def check_free(folder: Path, run: str) -> None:
    """ConfigError where the run's folder holds one already: TensorBoard would draw both as one."""
    if any((folder / run).glob("events.out.tfevents.*")):
        raise ConfigError(f"--tensorboard: {folder / run} holds a run already", "Name another folder")


def export(measured: Measured, folder: Path, run: str) -> None:
    """Everything by the number of events learned."""
    with SummaryWriter(str(folder / run)) as writer:
        for point in measured.report.curve:
            figures, step = point.figures, point.first
            writer.add_scalar("candidate_recall", figures.candidate_recall, step)
            for family, share in figures.gate.items():
                writer.add_scalar(f"gate/{family}", share, step)
            for name, reached in figures.models.items():
                writer.add_scalar(f"recall_at_20/{name}", reached.recall_at_20, step)
                writer.add_scalar(f"mrr_at_20/{name}", reached.mrr_at_20, step)
        for moment in measured.weights:
            for bucket, weights in zip(fusion.BUCKETS, moment.values, strict=True):
                for feature, weight in zip(fusion.NAMES, weights.tolist(), strict=True):
                    writer.add_scalar(f"weights_{bucket}/{feature}", weight, moment.events)
