"""The console's curves live through a restart of the server, whatever has become of their file."""

import json

import pytest

from streamproc.clock import ManualClock
from streamproc.scrape import Sample, Samples
from streamproc.server import keeping
from streamproc.server.console import marks as drawn
from streamproc.server.keeping import HistoryFile, Kept
from streamproc.server.points import EVERY, HAPPENED, KEPT, Mark, Point
from streamproc.server.sampling import History, key

HITS = "prequential_hits_total"


def looked(hits: float, promoted: float = 0.0, started: float = 1.0, **more: float) -> Samples:
    """What a trainer answers."""
    return Samples(
        [
            Sample("trainer", HITS, {"model": "fusion", "k": "20"}, hits),
            Sample("trainer", "batch_promotions_total", {"result": "promoted"}, promoted),
            Sample("trainer", "start_timestamp_seconds", {}, started),
            *(Sample("trainer", name, {}, value) for name, value in more.items()),
        ]
    )


async def serve(folder, clock, *looks: Samples) -> History:
    """A server's history over these looks, from its start to its end."""
    history = History(folder, [], clock)
    await history.restore()
    for samples in looks:
        clock.advance(EVERY)
        await history.keep(history.take(samples))
    history._file.close()
    return history


@pytest.fixture
def clock():
    return ManualClock(10_000_000)


@pytest.fixture
def file(tmp_path):
    return tmp_path / keeping.FOLDER / keeping.NAME


async def test_curves_and_marks_go_on_after_a_restart(tmp_path, clock):
    """Also where a series comes in between; and what happened meanwhile is marked at the first look."""
    before = await serve(tmp_path, clock, looked(1), looked(3, promoted=1), looked(6, promoted=1, loss=0.25))
    after = await serve(tmp_path, clock, looked(8, promoted=2, loss=0.5))

    assert list(after.points)[:3] == list(before.points)
    assert [value for _, value in after.curve(key("trainer", HITS, k="20", model="fusion"))] == [1, 3, 6, 8]
    assert [value for _, value in after.curve(key("trainer", "loss"))] == [None, None, 0.25, 0.5]
    assert list(after.marks) == [Mark(10_004.0, "promoted"), Mark(10_008.0, "promoted")]
    assert list((await serve(tmp_path, clock)).points) == list(after.points)


async def test_what_is_no_number_is_left_out(tmp_path, clock):
    """JSON has none for it, and the rest of the look is as good as any."""
    await serve(tmp_path, clock, looked(1), looked(2, loss=float("nan"), norm=float("inf")), looked(3))

    points = list((await serve(tmp_path, clock)).points)

    assert [len(point.values) for point in points] == [3, 3, 3]


async def test_a_torn_line_costs_one_look(tmp_path, clock, file, caplog):
    """As a crash or a full disk leaves it; it is said, and the next server starts from a whole file."""
    before = await serve(tmp_path, clock, looked(1), looked(2), looked(3))
    file.write_bytes(file.read_bytes()[:-9])

    after = await serve(tmp_path, clock, looked(4))
    assert "the kept curves end here" in caplog.text
    caplog.clear()
    third = await serve(tmp_path, clock)

    assert list(after.points)[:2] == list(before.points)[:2]
    assert list(third.points) == list(after.points) and len(third.points) == 3
    assert caplog.text == ""


FOREIGN = {
    "no JSON": b"\x80\x04 not ours\n",
    "without a beginning": b'{"type":"look","at":10001.0,"values":[]}\n',
    "of another format": b'{"type":"begin","format":"streamproc history 2"}\n',
    "of one endless line": b"x" * (keeping.MOST_BYTES + 1),
    "with too few values": b'{"type":"begin","format":"streamproc history 1"}\n'
    b'{"type":"names","names":["a"]}\n{"type":"look","at":9999.0,"values":[]}\n',
    "with an unknown mark": b'{"type":"begin","format":"streamproc history 1"}\n'
    b'{"type":"mark","at":9999.0,"what":"eclipse"}\n',
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
async def test_a_file_that_is_not_ours_is_passed_over(tmp_path, clock, file, content, caplog):
    """With a line in the log; curves begin anew."""
    file.parent.mkdir()
    file.write_bytes(content)

    history = await serve(tmp_path, clock, looked(1))

    assert "the kept curves end here" in caplog.text
    assert len(history.points) == 1 and not history.marks
    assert list((await serve(tmp_path, clock)).points) == list(history.points)


async def test_the_file_is_bounded(tmp_path, clock, file):
    """Two hours of looks: never more lines than an hour's, and half an hour of them is there."""
    history, longest = History(tmp_path, [], clock), 0
    await history.restore()
    for hits in range(4 * KEPT):
        clock.advance(EVERY)
        await history.keep(history.take(looked(hits)))
        if hits % 100 == 0:
            longest = max(longest, file.read_bytes().count(b"\n"))
    history._file.close()

    assert KEPT < longest <= keeping.MOST_LINES + 1
    assert list((await serve(tmp_path, clock)).points) == list(history.points)


def test_only_what_can_be_drawn_is_taken_up_again():
    """Half an hour, in order; and nothing of a clock that was ahead."""
    times = [100.0, 5000.0, 4990.0, 5002.0, 9000.0]
    kept = Kept([Point(at, {}) for at in times], [Mark(at, "drift") for at in times])

    found = keeping.recent(kept, now=5010.0)

    assert [point.at for point in found.points] == [5000.0, 5002.0]
    assert [mark.at for mark in found.marks] == [5000.0, 4990.0, 5002.0]


async def test_of_two_servers_one_keeps_its_curves(tmp_path, clock, file):
    """Two writers would tear each other's lines; once the first has ended, another may."""
    first, second = HistoryFile(tmp_path), HistoryFile(tmp_path)
    point = Point(1.0, {"a": 1.0})

    first.open(1.0)
    assert second.open(1.0) == Kept([], [])
    second.add(Kept([point], []), [])
    assert not file.exists()
    first.close()

    second.open(1.0)
    second.add(Kept([point], []), [])
    second.close()
    assert keeping.read(file).points == [point]


async def test_a_disk_that_refuses_costs_nothing_but_the_file(tmp_path, clock, file, caplog):
    """It is said once; when there is room again, everything that is in memory is kept."""
    history = History(tmp_path, [], clock)
    await history.restore()
    file.with_suffix(".new").mkdir()
    for hits in range(3):
        clock.advance(EVERY)
        await history.keep(history.take(looked(hits)))
    assert caplog.text.count("the curves are not kept on disk") == 1

    file.with_suffix(".new").rmdir()
    await history.keep([])
    history._file.close()

    assert keeping.read(file).points == list(history.points)


def test_a_part_that_counts_anew_leaves_a_gap(tmp_path, clock):
    """It was started again meanwhile, and is beyond its former count already: that is no growth."""
    history = History(tmp_path, [], clock)
    name = key("trainer", HITS, k="20", model="fusion")
    for hits, trials, started in ((90, 100, 1), (180, 200, 1), (300, 1000, 2), (310, 1100, 2)):
        clock.advance(EVERY)
        history.take(looked(hits, started=started, trials=trials))

    found = history.ratios(EVERY, name, key("trainer", "trials"))

    assert [value for _, value in found] == [0.9, None, 0.1]
    assert [value for _, value in history.rates(EVERY, name)] == [45.0, None, 5.0]
    assert len(list(history.steps(60.0, "trainer"))) == 2


def test_every_mark_that_is_kept_can_be_drawn():
    """An unknown one would take the page with it."""
    assert set(HAPPENED) == drawn.KINDS.keys()


async def test_the_file_is_lines_that_people_can_read(tmp_path, clock, file):
    """Names once, then numbers."""
    await serve(tmp_path, clock, looked(1), looked(2))

    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]

    assert [line["type"] for line in lines] == ["begin", "names", "look", "look"]
    assert lines[2]["values"] == [1.0, 0.0, 1.0]
