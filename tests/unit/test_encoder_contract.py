"""An encoder's arrays in a generation: there and back, and what is refused on the way."""

import numpy as np
import pytest

from streamproc.contracts.control import Generation
from streamproc.contracts.encoder import EncoderArrays
from streamproc.contracts.generation import pack, unpack
from streamproc.contracts.ids import strings
from streamproc.contracts.journal import Assembler, cut
from streamproc.contracts.journal import unpack as unpack_record
from streamproc.errors import BadRecord
from streamproc_models.slots import FREE

NAMES = [b"tea", b"cup", b"jam"]
SIZE = 8


def encoder(**changed):
    """Two of the three items."""
    draw = np.random.default_rng(1)

    def floats(*shape):
        return draw.uniform(0.1, 1, shape).astype(np.float32)

    return EncoderArrays(
        items=np.array([0, 2], np.int32),
        embeddings=floats(2, SIZE),
        bias=-floats(2),
        cell=floats(2 * SIZE + 2, 3 * SIZE),
        embeddings_sums=floats(2, SIZE),
        bias_sums=floats(2),
        cell_sums=floats(2 * SIZE + 2, 3 * SIZE),
        counts=np.array([5, 0]),
        unknown_bias=-floats(1),
        events=np.array([100]),
    )._replace(**changed)


def packed(encoder=None):
    nobody, nothing = np.full((3, 1), FREE, np.int32), np.zeros((3, 1), np.float32)
    return pack(strings(NAMES), nobody, nothing, np.empty((3, 0), np.float32), encoder)


def test_an_encoder_comes_back_through_the_journal_as_it_was():
    """In the same chunks as the rest of its generation."""
    records, sha256 = cut(5, packed(encoder()))
    assembler = Assembler()
    for record in records:
        assembler.add(unpack_record(record))

    back = unpack(assembler.finish(Generation(5, "ease", 3, len(records), sha256, 0, 0))).encoder

    for name, sent, received in zip(EncoderArrays._fields, encoder(), back, strict=True):
        assert (received.dtype, received.tolist()) == (sent.dtype, sent.tolist()), name


def test_a_generation_without_an_encoder_is_what_it_was_before_there_were_any():
    """The same arrays under the same names."""
    assert sorted(packed()) == ["factors", "item_ends", "item_ids", "neighbours", "weights"]
    assert unpack(packed()).encoder is None


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"items": np.array([2, 0], np.int32)}, "ascending"),
        ({"items": np.array([0, 3], np.int32)}, "those of the generation"),
        ({"items": np.array([-1, 2], np.int32)}, "those of the generation"),
        ({"embeddings": np.ones((2, 12), np.float32)}, r"embeddings \(2, 12\)"),
        ({"embeddings": np.ones(2, np.float32)}, r"embeddings \(2,\)"),
        ({"embeddings": np.ones((3, SIZE), np.float32)}, r"embeddings are \(3, 8\) instead of \(2, 8\)"),
        ({"cell": np.ones((SIZE, SIZE), np.float32)}, "cell are"),
        ({"bias": np.array([0, np.nan], np.float32)}, "not finite"),
        ({"bias_sums": np.array([0, 1], np.float32)}, "not above 0"),
        ({"counts": np.array([1, -1])}, "less than nothing"),
        ({"events": np.array([0])}, "less than nothing"),
    ],
)
def test_what_does_not_fit_together_is_refused(changed, problem):
    """Kernels trust these arrays blindly."""
    with pytest.raises(BadRecord, match=problem):
        unpack(packed(encoder(**changed)))


def test_a_missing_array_is_named():
    """All or none of them."""
    arrays = packed(encoder())
    del arrays["encoder_cell_sums"]

    with pytest.raises(BadRecord, match="encoder_cell_sums"):
        unpack(arrays)
