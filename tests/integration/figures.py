"""What was counted live, held against the events that were sent and against what `evaluate` reports."""

from typing import Any

import pytest

from streamproc.contracts.model import Header
from streamproc_models.evaluation import AT_1, AT_10, AT_20, GAIN, RECIPROCAL, TRIALS
from tests.integration.pipeline import Pipeline

COMPARED = {"average", "maximum"}  # fusions that only an evaluation asks
FIGURES = {
    "recall_at_1": AT_1,
    "recall_at_10": AT_10,
    "recall_at_20": AT_20,
    "mrr_at_20": RECIPROCAL,
    "ndcg_at_20": GAIN,
}


def live(header: Header) -> dict[str, dict[str, float]]:
    """The figures of every model that was ever asked, as `evaluate` names them."""
    return {
        model: {name: sums[column] / sums[TRIALS] for name, column in FIGURES.items()}
        for model, sums in header.figures.items()
        if sums[TRIALS]
    }


def agree(header: Header, report: dict[str, Any]) -> None:
    """The same events, and the same figures to 4 decimals."""
    assert header.events == report["events"]
    assert header.figures["fusion"][TRIALS] == report["evaluated"]
    found, told = live(header), report["models"]
    assert found.keys() == told.keys() - COMPARED
    for model, figures in ((model, told[model]) for model in found):
        assert found[model] == pytest.approx(figures, abs=5e-5), model


async def accounted(pipeline: Pipeline, sent: int) -> int:
    """accepted + duplicates + rejected = sent, counted from the topics and /metrics; returns the accepted."""
    outcomes = pipeline.metrics().by("worker", "events_processed_total", "outcome")
    letters, journal = len(await pipeline.recorded.dead_letters()), pipeline.journal
    assert await pipeline.recorded.sent() == sum(outcomes.values()) == sent
    assert outcomes["accepted"] == journal.events
    assert outcomes["rejected"] + outcomes["late"] == letters
    assert journal.events + outcomes["duplicate"] + letters == sent
    assert (journal.reader.broken, journal.reader.stale) == (0, 0)
    return journal.events
