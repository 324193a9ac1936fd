"""Refreshes during an evaluation: the product's way of a generation, without its processes."""

import pytest

from streamproc import cli
from streamproc.config import Config, RefreshConfig
from streamproc.contracts.control import Generation
from streamproc.contracts.events import encode
from streamproc.contracts.journal import EventsRecord, unpack
from streamproc.encoder_config import EncoderConfig
from streamproc.engine import state
from streamproc.evaluate.refreshing import LOOK, Refreshes
from streamproc.evaluate.run import Evaluation
from streamproc.heads_config import HeadsConfig, LongTermConfig
from streamproc.refresh.offline import OfflineRefresh
from streamproc.simulate.shop import Shop
from tests.learning import next_items, packed_generation

NO_ENCODER = EncoderConfig(enabled="off")  # a process for each would take long
CONFIG = Config(refresh=RefreshConfig(shadow_events=600, margin=0.2, encoder=NO_ENCODER))
EVENTS = [encode(event) for event in Shop(seed=3, users=40, items=60).events(3000)]


class Recorder:
    """A refresh that hands over what it is given, at the events it is told to."""

    def __init__(self, generations):
        self.records = []
        self._generations = generations  # by the events before

    def add(self, offset, value):
        assert offset == len(self.records)
        self.records.append(unpack(value))

    def due(self):
        return self.events in self._generations

    def fit(self):
        return self._generations[self.events]

    @property
    def events(self):
        return sum(each.columns.times.size for each in self.records if isinstance(each, EventsRecord))


def evaluated(refresh, size=4096, config=CONFIG):
    """The evaluation of all events, in batches of `size`."""
    run = Evaluation(config, "request", refresh)
    for start in range(0, len(EVENTS), size):
        run.feed(EVENTS[start : start + size])
    return run


def offline(config=CONFIG):
    return OfflineRefresh(config, every=1000)


@pytest.fixture(scope="module")
def refreshed():
    return evaluated(offline())


def test_generations_are_fitted_judged_and_used(refreshed):
    """The first at 500 events; each next one 1000 events later, if by then the one before is decided on."""
    told = refreshed.measured().report.refreshes

    assert told.fitted >= 2
    assert told.promoted >= 1
    assert 0 <= told.fitted - told.promoted - told.rejected <= 1
    assert told.seconds > 0
    assert refreshed.measured().report.models["long_term"].recall_at_20 > 0


def test_batches_do_not_change_what_is_learned(refreshed):
    """Refreshes and decisions fall between the same events."""
    other = evaluated(offline(), size=317)

    assert state.digest(other.learner) == state.digest(refreshed.learner)
    before, after = refreshed.measured().report.refreshes, other.measured().report.refreshes
    assert (before.fitted, before.promoted) == (after.fitted, after.promoted)


def test_the_refresh_reads_what_was_learned_and_what_was_decided():
    """All events, without a gap, then each generation and the decision on it."""
    generation = packed_generation(next_items(60))
    refresh = Recorder({1000: generation})

    told = evaluated(refresh).measured().report.refreshes

    events = [each for each in refresh.records if isinstance(each, EventsRecord)]
    assert [each.prev for each in events] == [-1, *(each.upto for each in events[:-1])]
    assert refresh.events == len(EVENTS)
    assert all(each.columns.times.size <= LOOK for each in events)
    assert [each.id for each in refresh.records if isinstance(each, Generation)] == [1]
    assert (told.fitted, told.promoted + told.rejected) == (1, 1)


def test_a_generation_that_nobody_wants_is_rejected_at_once():
    """Its head is off: the answer is a record, too."""
    config = CONFIG.model_copy(update={"heads": HeadsConfig(long_term=LongTermConfig(enabled=False))})
    refresh = Recorder({1000: packed_generation(next_items(60))})

    told = evaluated(refresh, config=config).measured().report.refreshes

    assert (told.fitted, told.promoted, told.rejected) == (1, 0, 1)


def test_without_a_refresh_nothing_is_told():
    """As it was before there were any."""
    assert Evaluation(CONFIG).measured().report.refreshes == Refreshes()


def test_a_file_is_evaluated_with_refreshes(tmp_path, monkeypatch, capsys):
    """The tables say what became of them; a journal has its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.jsonl").write_bytes(b"\n".join(EVENTS[:1200]) + b"\n")

    told = [
        ended(capsys, "evaluate", what, "--refresh-every", "1000") for what in ("shop.jsonl", "--journal")
    ]

    assert told[0][0] == 0
    assert "refreshes: 1 generations, 0 promoted, 0 rejected" in told[0][1]
    assert told[1][0] == 2
    assert "The journal holds its own refreshes" in told[1][2]


def ended(capsys, *arguments):
    """Exit code, output and errors of a command."""
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    return (end.value.code, *capsys.readouterr())
