"""What the parts answer, where, and what is made of it."""

import json
import os
import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from streamproc import cli
from streamproc.clock import ManualClock
from streamproc.config import Config
from streamproc.errors import ConfigError
from streamproc.exposition import serve
from streamproc.figures import Collector
from streamproc.metrics import RefreshMetrics, TrainerMetrics, WorkerMetrics
from streamproc.scrape import Sample, Samples, scrape, tokens
from streamproc.up.status import line


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_an_address_that_other_machines_reach_is_refused(tmp_path, host):
    """Without a token nobody else may ask."""
    with pytest.raises(ConfigError, match="other machines can reach"):
        serve(CollectorRegistry(), host, 0, tmp_path, "worker")


def ask(address, token=None):
    """Status and text of an answer."""
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_with_a_token_only_who_has_it_sees_figures(tmp_path):
    """Other machines may ask then, Prometheus too; probes need none, and learn no figures."""
    registry = CollectorRegistry()
    metrics = WorkerMetrics(registry)
    port = serve(registry, "0.0.0.0", 0, tmp_path, "worker", SecretStr("open sesame"))
    address = f"http://127.0.0.1:{port}"

    assert [ask(f"{address}/metrics", token)[0] for token in (None, "open", "open sesame")] == [401, 401, 200]
    assert (ask(f"{address}/live"), ask(f"{address}/ready")) == ((200, "live\n"), (503, "starting\n"))
    metrics.ready.set(1)
    assert ask(f"{address}/ready") == (200, "ready\n")


@pytest.mark.parametrize(("given", "health"), [("open sesame", "ready"), ("wrong", "not running")])
def test_our_own_commands_know_the_token(tmp_path, given, health):
    """`streamproc status` and the console ask with it."""
    registry = CollectorRegistry()
    WorkerMetrics(registry).ready.set(1)
    serve(registry, "127.0.0.1", 0, tmp_path, "worker", SecretStr("open sesame"))
    config = Config.model_validate({"metrics": {"token": given}})

    assert Collector(tmp_path, tokens=tokens(config)).look().parts["worker"] == health


def test_a_health_check_goes_by_the_exit_code(tmp_path, capsys):
    """Of the parts that are named; of all that run where none is."""

    def health(*parts):
        with pytest.raises(SystemExit) as end:
            cli.main(["--data-dir", str(tmp_path), "health", *parts])
        return end.value.code, capsys.readouterr().out.strip()

    assert health() == (1, "nothing runs")
    registry = CollectorRegistry()
    metrics = WorkerMetrics(registry)
    serve(registry, "127.0.0.1", 0, tmp_path, "worker")
    assert health() == (1, "worker starting")
    metrics.ready.set(1)
    assert health() == health("worker") == (0, "worker ready")
    assert health("worker", "trainer") == (1, "worker ready, trainer not running")


def test_a_part_says_where_it_answers(tmp_path):
    """A free port is only useful if it can be found."""
    registry = CollectorRegistry()
    WorkerMetrics(registry).events_consumed.labels("events").inc(3)

    port = serve(registry, "127.0.0.1", 0, tmp_path, "worker")

    entry = json.loads((tmp_path / "run" / "worker.json").read_text("utf-8"))
    assert entry == {"pid": os.getpid(), "metrics": f"http://127.0.0.1:{port}/metrics"}
    with urllib.request.urlopen(entry["metrics"]) as answer:
        assert 'streamproc_events_consumed_total{topic="events"} 3.0' in answer.read().decode()


def test_a_second_process_of_a_part_does_not_hide_the_first(tmp_path):
    """Two workers on one machine are both counted."""
    (tmp_path / "run").mkdir()
    first = {"pid": os.getppid(), "metrics": "http://127.0.0.1:1/metrics"}
    (tmp_path / "run" / "worker.json").write_text(json.dumps(first), "utf-8")

    serve(CollectorRegistry(), "127.0.0.1", 0, tmp_path, "worker")

    names = sorted(file.name for file in (tmp_path / "run").iterdir())
    assert names == [f"worker-{os.getpid()}.json", "worker.json"]


def test_a_taken_port_is_named(tmp_path):
    """The remedy names the setting."""
    port = serve(CollectorRegistry(), "127.0.0.1", 0, tmp_path, "worker")

    with pytest.raises(ConfigError, match=rf"127.0.0.1:{port}: .* metrics.trainer_port"):
        serve(CollectorRegistry(), "127.0.0.1", port, tmp_path, "trainer")


def test_the_figures_come_from_the_parts_themselves(tmp_path):
    """40 of 100 predicted within the first 20 is a recall of .4; 12 reciprocal ranks in 100 an MRR of .12."""
    worker, trainer, refresh = CollectorRegistry(), CollectorRegistry(), CollectorRegistry()
    counted = WorkerMetrics(worker)
    counted.events_consumed.labels("shop.events").inc(100)
    counted.events_processed.labels("worker", "accepted").inc(97)
    counted.consumer_lag.labels("shop.events", "0").set(5)
    counted.consumer_lag.labels("shop.events", "1").set(2)
    counted.model_version.set(37)
    counted.ready.set(1)
    learned = TrainerMetrics(trainer)
    learned.trials.labels("fusion").inc(100)
    learned.hits.labels("fusion", "20").inc(40)
    learned.reciprocal_rank.labels("fusion").inc(12)
    RefreshMetrics(refresh).enter("fitting")
    for registry, part in ((worker, "worker"), (trainer, "trainer"), (refresh, "refresh")):
        serve(registry, "127.0.0.1", 0, tmp_path, part)

    figures = Collector(tmp_path).look()

    parts = {"worker": "ready", "trainer": "starting", "refresh": "starting", "server": "not running"}
    assert figures.parts == parts
    assert (figures.events, figures.outcomes, figures.worker_lag) == (100, {"accepted": 97}, 7)
    assert (figures.model_version, figures.predicted, figures.refresh) == (37, 100, "fitting")
    assert figures.recall_at_20 == {"fusion": pytest.approx(0.4)}
    assert figures.mrr_at_20 == {"fusion": pytest.approx(0.12)}
    assert "recall@20 fusion .400 popularity - of 100" in line(figures)


@pytest.mark.parametrize(
    ("every", "told"), [(1, ""), (16, " (predicts 1 event in 16 until it has caught up)")]
)
def test_a_trainer_that_sheds_load_says_so(every, told):
    """Otherwise nobody would know why its curves are of a sample."""
    samples = Samples(
        [
            Sample("trainer", "prediction_interval_events", {}, every),
            Sample("trainer", "consumer_lag_records", {"topic": "journal", "partition": "0"}, 3),
        ]
    )

    shown = line(Collector(None, ManualClock(), lambda folder: samples).look())

    assert f"lag worker - events, trainer 3 records{told} | " in shown


def test_the_rate_is_between_two_looks():
    """From 100 to 350 events in 5 seconds are 50 a second; a worker that counts anew is no negative rate."""
    clock, counts = ManualClock(), iter([100.0, 350.0, 10.0])
    read = lambda folder: Samples([Sample("worker", "events_consumed_total", {}, next(counts))])  # noqa: E731
    collector = Collector(None, clock, read)

    rates = []
    for _ in range(3):
        rates.append(collector.look().events_per_second)
        clock.advance(5.0)

    assert rates == [None, 50.0, 0.0]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 999999999, "metrics": "http://127.0.0.1:1/"}'])
def test_what_a_killed_part_left_behind_is_passed_over(tmp_path, text):
    """Half a file, or one whose process is gone, is the same as none."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "worker.json").write_text(text, "utf-8")

    assert scrape(tmp_path) == []
