"""A refresh that went wrong: whatever it leaves in the journal, what serves stays as it is."""

import numpy as np
import pytest

from streamproc.config import Config, KafkaConfig
from streamproc.contracts import generation, journal
from streamproc.contracts.control import Generation, Reject
from streamproc.contracts.ids import strings
from streamproc.contracts.journal import Reader, pack_control
from streamproc.engine.learner import Learner
from streamproc.trainer.follower import Follower
from tests.shop_journal import generation_of, journalled

CONFIG = Config(kafka=KafkaConfig(partitions=1))
EVENTS = journalled(CONFIG, 400, batch=100)
NAMES = [b"green tea", b"cup", b"spoon"]


def follow(records):
    follower = Follower(Learner(CONFIG, 1), Reader(), 0)
    for offset, value in enumerate(records):
        follower.apply(offset, value)
    return follower


def serving(follower):
    """What answers, as bytes."""
    m = follower.learner.model
    return [array.tobytes() for array in (*m.long_term, *m.fusion, m.lasting)]


def handed_over(**wrong):
    """A generation of three items, but for these arrays."""
    arrays = generation.pack(
        strings(NAMES), np.array([[1], [2], [0]]), np.ones((3, 1), np.float32), np.zeros((3, 0), np.float32)
    )
    cut = journal.cut(1, arrays | wrong)
    return [*cut.records, pack_control(Generation(1, "ease", 3, len(cut.records), cut.sha256, 0, 0))]


WRONG = {
    "another number of rows": {"neighbours": np.zeros((2, 1), np.int32)},
    "weights of another width": {"weights": np.ones((3, 2), np.float32)},
    "three dimensions": {
        "neighbours": np.zeros((3, 1, 1), np.int32),
        "weights": np.ones((3, 1, 1), np.float32),
    },
    "another type": {"weights": np.ones((3, 1), np.float64)},
    "a neighbour that is no item": {"neighbours": np.full((3, 1), 99, np.int32)},
    "a NaN": {"weights": np.full((3, 1), np.nan, np.float32)},
    "an infinity": {"weights": np.full((3, 1), np.inf, np.float32)},
    "factors of other items": {"factors": np.zeros((7, 32), np.float32)},
    "ids cut wrongly": {"item_ends": np.array([3, 2, 99], np.int64)},
}


def test_the_right_one_gets_into_shadow():
    """So that what follows shows something."""
    assert follow([*EVENTS, *handed_over()]).in_shadow == 1


@pytest.mark.parametrize("wrong", WRONG)
def test_one_that_does_not_fit_is_rejected_with_the_reason(wrong):
    """It never gets into shadow; the journal will hold the rejection."""
    follower = follow([*EVENTS, *handed_over(**WRONG[wrong])])

    [reject] = follower.undecided
    assert isinstance(reject, Reject) and reject.generation == 1 and reject.reason
    assert follower.in_shadow == 0
    assert serving(follower) == serving(follow(EVENTS))


@pytest.mark.parametrize("kept", range(3))
def test_one_whose_writer_was_killed_is_never_seen(monkeypatch, kept):
    """Some of its chunks, all of them, but no record that it is complete."""
    monkeypatch.setattr(journal, "CHUNK_BYTES", 2000)
    *chunks, _ = generation_of(EVENTS)
    assert len(chunks) > 3

    follower = follow([*EVENTS, *chunks[: (1, len(chunks) // 2, len(chunks))[kept]]])

    assert (follower.in_shadow, follower.undecided) == (0, [])
    assert serving(follower) == serving(follow(EVENTS))


def test_the_next_one_is_whole_although_one_before_it_was_not(monkeypatch):
    """Its chunks have its own number."""
    monkeypatch.setattr(journal, "CHUNK_BYTES", 2000)
    half = generation_of(EVENTS, 1)[:2]

    assert follow([*EVENTS, *half, *generation_of(EVENTS, 2)]).in_shadow == 2


def test_one_without_a_chunk_is_rejected(monkeypatch):
    """Its checksum says so."""
    monkeypatch.setattr(journal, "CHUNK_BYTES", 2000)
    whole = generation_of(EVENTS)

    follower = follow([*EVENTS, *whole[:1], *whole[2:]])

    assert "not whole" in follower.undecided[0].reason
    assert serving(follower) == serving(follow(EVENTS))
