"""The slate contract: what the compiled writer writes is what readers decode."""

import json
from typing import NamedTuple, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.contracts.ids import strings, texts
from streamproc.contracts.slates import (
    Slate,
    Slates,
    Source,
    Stamp,
    Targets,
    decode_slate,
    write_slates,
)
from streamproc_models.evaluation import HEADS, HISTORY, MARKOV, MODELS, POPULARITY

STAMP = Stamp("event", "events", 5, 90, 2, 1_700_000_000_000)


class Text(NamedTuple):
    data: np.ndarray
    start: np.ndarray
    length: np.ndarray


def item_text(*names):
    """Rows 0, 1, ... with these ids."""
    packed = strings([name.encode() for name in names])
    length = np.diff(packed.ends, prepend=0).astype(np.int32)
    return Text(packed.data, packed.ends - length, length)


def slates(rows, scores, sources, because, gates):
    """Slates of equal length."""
    return Slates(
        np.array(rows, np.int32), np.array(scores, np.float32), np.array(sources, np.uint8),
        np.array(because, np.int32), np.full(len(rows), len(rows[0]), np.int32), np.array(gates, np.float32),
    )  # fmt: skip


def targets(*users, partition=3, offset=17):
    """One slate for each user, answering records that follow one another."""
    count = len(users)
    return Targets(
        strings([user.encode() for user in users]), np.arange(10, 10 + count, dtype=np.uint64),
        np.full(count, partition, np.int32), offset + np.arange(count),
    )  # fmt: skip


def written(*arguments):
    """The texts of some slates."""
    return texts(write_slates(*arguments))


TWO = slates([[1, 0]], [[1.25, -0.5]], [[MARKOV, HISTORY]], [[[2, 0], [-1, -1]]], [[0.6, 0.3, 0.1]])
ITEMS = item_text("cup", "tea", "oolong")


def test_a_slate_is_the_json_of_the_contract():
    """The whole text, so that a change of the contract cannot pass unseen."""
    (text,) = written(TWO, ITEMS, targets("u1"), STAMP)

    assert text.decode() == (
        '{"v":1,"rec_id":"e3-17-5","user_id":"u1","generated_at":1700000000000,'
        '"trigger":{"kind":"event","topic":"events","partition":3,"offset":17},'
        '"model":{"version":5,"learned_to":90,"generation":2},'
        '"gate":{"short_term":0.60000,"long_term":0.30000,"popularity":0.10000},"items":['
        '{"item_id":"tea","score":1.25000,"rank":1,"source":"markov","because":["oolong","cup"]},'
        '{"item_id":"cup","score":-0.50000,"rank":2,"source":"history","because":[]}]}'
    )


def test_a_refreshed_slate_is_named_after_generation_and_user():
    """It answers no event, and a second refresh to the same generation replaces it."""
    (text,) = written(TWO, ITEMS, targets("u1", partition=0, offset=90), STAMP._replace(kind="refresh"))

    slate = decode_slate(text)
    assert slate.rec_id == "g2-000000000000000a-5"
    assert slate.trigger.kind == "refresh"


any_id = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
score = st.floats(-1e6, 1e6, width=32)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(any_id, min_size=3, max_size=3),
    st.lists(any_id, min_size=2, max_size=2),
    st.lists(score, min_size=4, max_size=4),
)
def test_any_id_and_score_comes_back(items, users, scores):
    """Quotes, backslashes, control characters and other scripts; scores to five decimals."""
    ranked = slates(
        [[0, 1], [2, 0]],
        np.reshape(scores, (2, 2)),
        [[POPULARITY, MARKOV]] * 2,
        [[[1, -1], [-1, 2]]] * 2,
        [[1, 0, 0]] * 2,
    )

    read = [decode_slate(text) for text in written(ranked, item_text(*items), targets(*users), STAMP)]

    assert [slate.user_id for slate in read] == users
    assert [[item.item_id for item in slate.items] for slate in read] == [items[:2], [items[2], items[0]]]
    assert [item.because for item in read[0].items] == [[items[1]], [items[2]]]
    assert [item.score for slate in read for item in slate.items] == pytest.approx(scores, abs=6e-6)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**31 - 1))
@settings(deadline=None, max_examples=30)
def test_every_offset_and_partition_is_written_in_full(offset, partition):
    """Up to the largest that Kafka can have."""
    (text,) = written(TWO, ITEMS, targets("u", partition=partition, offset=offset), STAMP)

    assert json.loads(text)["trigger"]["offset"] == offset
    assert json.loads(text)["trigger"]["partition"] == partition


def test_only_counted_items_with_an_id_are_listed():
    """A shorter slate, an empty one, and an item that was forgotten meanwhile; ranks stay contiguous."""
    ranked = slates(
        [[0, 1, 2], [1, 0, 0], [1, 0, 0]],
        np.zeros((3, 3)),
        np.ones((3, 3)),
        np.full((3, 3, 2), 1),
        np.zeros((3, 3)),
    )
    ranked.counts[:] = [3, 1, 0]

    read = [
        decode_slate(text) for text in written(ranked, item_text("a", "", "c"), targets("x", "y", "z"), STAMP)
    ]

    assert [[(item.item_id, item.rank, item.because) for item in slate.items] for slate in read] == [
        [("a", 1, []), ("c", 2, [])],
        [],
        [],
    ]


@pytest.mark.parametrize(("number", "text"), [(np.nan, -1e9), (np.inf, 1e9), (-1e30, -1e9), (-0.000001, 0.0)])
def test_a_score_that_json_cannot_hold_is_written_as_the_nearest_that_it_can(number, text):
    """Never NaN or Infinity, whatever the model says."""
    (slate,) = written(TWO._replace(scores=np.full((1, 2), number, np.float32)), ITEMS, targets("u"), STAMP)

    assert decode_slate(slate).items[0].score == text


def test_the_sources_are_the_heads():
    """A new head must be added to the contract."""
    assert get_args(Source) == tuple(MODELS[head] for head in HEADS)


def test_the_same_answer_has_the_same_bytes():
    """What is sent again after a restart replaces itself."""
    assert written(TWO, ITEMS, targets("u1"), STAMP) == written(TWO, ITEMS, targets("u1"), STAMP)


def test_readers_ignore_fields_of_later_versions():
    """A field more must not break a consumer."""
    (text,) = written(TWO, ITEMS, targets("u1"), STAMP)

    assert isinstance(decode_slate(text[:-1] + b',"mood":"good"}'), Slate)
