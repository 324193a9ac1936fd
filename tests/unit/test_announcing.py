"""Parts of one folder find names of their own, also where they start at the same moment."""

import json
import multiprocessing

from streamproc.exposition import FOLDER, announce

TOGETHER, ROUNDS = 8, 5
PATIENCE = 30.0  # seconds; then a wait fails


def start(folder, started, announced, seen):
    """A part that lives until its announcement has been looked at."""
    started.wait(PATIENCE)
    announce(folder, "worker", "http://127.0.0.1:1/metrics")
    announced.wait(PATIENCE)
    seen.wait(PATIENCE)


def test_parts_that_start_together_are_all_found(tmp_path):
    """A name that two take would hide one of them from whoever asks for the figures."""
    context = multiprocessing.get_context("fork")
    for attempt in range(ROUNDS):
        folder, started = tmp_path / str(attempt), context.Barrier(TOGETHER)
        announced, seen = context.Barrier(TOGETHER + 1), context.Barrier(TOGETHER + 1)
        parts = [
            context.Process(target=start, args=(folder, started, announced, seen)) for _ in range(TOGETHER)
        ]
        for part in parts:
            part.start()

        announced.wait(PATIENCE)
        found = {json.loads(file.read_text())["pid"] for file in (folder / FOLDER).glob("worker*.json")}
        seen.wait(PATIENCE)
        for part in parts:
            part.join()

        assert found == {part.pid for part in parts}
