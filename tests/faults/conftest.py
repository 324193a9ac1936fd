"""What the runs share."""

import random

import pytest

from streamproc.chaos.running import Settings, run
from streamproc.config import Config
from tests.integration.pipeline import compile_kernels

SESSION = 3.0  # seconds until a silent part's partitions are another's


@pytest.fixture
def hurt(tmp_path):
    """A run of its own on an empty folder; its seed is printed, so that a failure can be repeated."""

    async def hurt(faults=(), times=0, programs=None, settings=None, **more):
        compile_kernels()
        seed = random.randrange(1 << 31)
        flags = " ".join(f"--fault {each}" for each in faults)
        print(f"streamproc chaos --seed {seed} --times {times} {flags} {more}")
        config = Config(data_dir=tmp_path, kafka={"session_timeout": SESSION}, **(settings or {}))
        return await run(config, Settings(seed, faults, times, **more), programs=programs)

    return hurt


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Programs for parts in which something is planted, and the folder that says what has happened."""
    folder = tmp_path / "planted"
    folder.mkdir()
    monkeypatch.setenv("PLANTED", str(folder))

    def program(*names):
        return "tests.faults.planted", ",".join(names)

    return program, folder
