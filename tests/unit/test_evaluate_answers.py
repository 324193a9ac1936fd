"""Whose answers an evaluation looks at: the learned fusion's, or those of the two that do not learn."""

import io

import pytest
from rich.console import Console

from streamproc import cli
from streamproc.config import Config
from streamproc.contracts.events import encode
from streamproc.errors import ConfigError
from streamproc.evaluate.run import ANSWERS, measure
from streamproc.evaluate.story import tell
from streamproc.evaluate.table import show
from streamproc.heads_config import GruConfig, HeadsConfig
from streamproc.simulate.shop import Shop
from streamproc_models.evaluation import MODELS

CONFIG = Config()
EVENTS = [encode(event) for event in Shop(seed=3, users=30, items=80).events(1500)]


@pytest.fixture(scope="module")
def told():
    """The report of each way."""
    return {fusing: measure(CONFIG, [EVENTS], fusing=fusing).report for fusing in ANSWERS}


def test_what_is_learned_is_the_same_whoever_answers(told):
    """All models have their places in each of the tables, to the last digit."""
    assert told["average"].models == told["max"].models == told["learned"].models
    assert told["average"].candidate_recall == told["learned"].candidate_recall


@pytest.mark.parametrize("fusing", ANSWERS)
def test_the_lead_is_that_of_the_one_who_answers(told, fusing):
    """Over everybody else, by the difference of the figures of both."""
    report = told[fusing]

    assert report.answer == MODELS[ANSWERS[fusing]]
    assert report.answer not in report.fusion_against
    ours, theirs = (report.models[name].recall_at_20 for name in (report.answer, "gru"))
    assert report.fusion_against["gru"].recall_at_20.mean == pytest.approx(ours - theirs)


def test_coverage_is_of_the_slates_of_the_one_who_answers(told):
    """Each way shows other items, each at its own unevenness."""
    assert len({(report.coverage, report.gini, report.novelty) for report in told.values()}) == 3
    assert all(0 < report.coverage <= 1 for report in told.values())


@pytest.mark.parametrize("fusing", ANSWERS)
def test_people_see_who_answered(told, fusing):
    """First in the table, in the segments and above the lead; a gate only where there is one."""
    console = Console(record=True, width=120, file=io.StringIO())
    show(told[fusing], console)
    tell(told[fusing], console)
    text = console.export_text()

    answer = told[fusing].answer
    rows = [line.split()[1] for line in text.splitlines() if "0." in line and line.startswith("│")]
    assert rows[:2] == [answer, "popularity"]
    assert f"the {answer}'s lead, event by event" in text
    assert ("gate: " in text) == (fusing == "learned")
    assert (f"the answer is that of: {answer}" in text) == (fusing != "learned")


def test_without_the_recurrent_head_there_are_no_vectors_to_fuse(tmp_path):
    """It says so before the work."""
    config = Config(heads=HeadsConfig(gru=GruConfig(enabled=False)))

    with pytest.raises(ConfigError, match=r"--fusion max .* heads\.gru is off"):
        measure(config, [EVENTS], fusing="max")


def test_it_is_asked_for_on_the_command_line(tmp_path, capsys):
    """As one JSON object the report names who answered."""
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(EVENTS[:300]))

    with pytest.raises(SystemExit) as end:
        cli.main(["evaluate", str(file), "--fusion", "average", "--json"])

    assert end.value.code == 0
    assert '"answer":"average"' in capsys.readouterr().out
