"""Users' states on their way, at the sizes that a configuration allows."""

import numpy as np
import pytest

from streamproc.config import Config
from streamproc.engine import seen
from streamproc.engine.windows import Windows
from streamproc.heads_config import FactorsConfig, GruConfig, HeadsConfig
from streamproc_models.hashing import hash64
from tests.event_columns import hashes
from tests.learning import learner_of

ITEMS = ["tea", "cup", "spoon"]


def windows_of(gru, factors):
    """Ann's three events, with vectors of these sizes that count upwards, and what she had."""
    heads = HeadsConfig(gru=GruConfig(size=gru), factors=FactorsConfig(size=factors))
    config = Config(heads=heads)
    windows = learner_of(config, [("ann", item) for item in ITEMS]).users[0].windows
    windows.arrays.vectors[0] = np.arange(gru + factors) - 300
    windows.seen = seen.reserve(windows.seen, windows.rows, 3)
    for item in hashes(ITEMS):
        seen.add(windows.seen, 0, hash64(b"ann"), item)
    return config, windows


@pytest.mark.parametrize(("gru", "factors"), [(8, 8), (40, 32), (128, 120), (128, 128), (512, 512)])
def test_vectors_of_every_size_travel_whole(gru, factors):
    """Beside three entries and three items that ann had."""
    config, windows = windows_of(gru, factors)
    again = Windows(config, 1)

    again.load({b"ann": windows.pack(np.array([0], np.int32))[0]})

    assert again.arrays.length[0] == 3
    assert (again.arrays.vectors[0] == windows.arrays.vectors[0]).all()
    assert all(seen.contains(again.seen, hash64(b"ann"), item) for item in hashes(ITEMS))
