"""A generation's arrays there and back, and what is refused on the way."""

import numpy as np
import pytest

from streamproc.contracts.control import Generation
from streamproc.contracts.generation import pack, unpack
from streamproc.contracts.ids import strings, texts
from streamproc.contracts.journal import Assembler, cut
from streamproc.contracts.journal import unpack as unpack_record
from streamproc.errors import BadRecord
from streamproc_models.hashing import hash64
from streamproc_models.slots import FREE

NAMES = [b"oolong tea", b"cup"]
NEIGHBOURS = np.array([[1, FREE], [0, FREE]], np.int32)
WEIGHTS = np.array([[0.5, 0.0], [0.25, 0.0]], np.float32)


def arrays(**changed):
    return pack(strings(NAMES), NEIGHBOURS, WEIGHTS, np.empty((2, 0), np.float32)) | changed


def test_arrays_come_back_through_the_journal_as_they_were():
    """Cut into records, assembled again, ids hashed as events hash them."""
    factors = np.arange(6, dtype=np.float32).reshape(2, 3)
    records, sha256 = cut(5, pack(strings(NAMES), NEIGHBOURS, WEIGHTS, factors))
    assembler = Assembler()
    for record in records:
        assembler.add(unpack_record(record))

    back = unpack(assembler.finish(Generation(5, "als", 2, len(records), sha256, 0, 0)))

    assert back.items.tolist() == [hash64(name) for name in NAMES]
    assert texts(back.item_ids) == NAMES
    assert back.neighbours.tolist() == NEIGHBOURS.tolist()
    assert back.weights.tolist() == WEIGHTS.tolist()
    assert back.factors.tolist() == factors.tolist()


def test_a_generation_of_nothing_is_one():
    """No items, no neighbours: nobody's score changes."""
    nothing = unpack(
        pack(
            strings([]),
            np.empty((0, 4), np.int32),
            np.empty((0, 4), np.float32),
            np.empty((0, 0), np.float32),
        )
    )

    assert nothing.items.size == 0


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"neighbours": NEIGHBOURS.astype(np.int64)}, "neighbours"),
        ({"weights": WEIGHTS[:, :1]}, r"weights \(2, 1\)"),
        ({"neighbours": NEIGHBOURS + 1}, "no item"),
        ({"neighbours": NEIGHBOURS - 1}, "no item"),
        ({"weights": -WEIGHTS}, "go with its neighbour"),
        ({"weights": WEIGHTS * np.float32("nan")}, "not finite"),
        ({"weights": np.full((2, 2), 0.5, np.float32)}, "go with its neighbour"),
        ({"factors": np.ones((3, 2), np.float32)}, r"factors \(3, 2\)"),
        ({"item_ends": np.array([10, 14])}, "cut wrongly"),
        ({"item_ends": np.array([13, 13])}, "cut wrongly"),
    ],
)
def test_what_does_not_fit_together_is_refused(changed, problem):
    """Kernels trust these arrays blindly: nothing wrong may get as far as there."""
    with pytest.raises(BadRecord, match=problem):
        unpack(arrays(**changed))


def test_a_missing_array_is_named():
    """An older or newer version may have written it."""
    rest = arrays()
    del rest["weights"]

    with pytest.raises(BadRecord, match="weights"):
        unpack(rest)
