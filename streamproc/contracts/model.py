"""The `model` topic: what the trainer changed since its last sync, one transaction per sync, the header last.

Keys: b"i" + item id: an item's row in the heads that learn online; b"l" + item id: its long-term neighbours;
b"e" + item id: its row in the encoder's head, which learns online too but is not always there;
HEADER: what is not per item. A row is the bytes of one numpy record, little-endian; null takes the item out.
"""

import hashlib

import msgspec
import numpy as np

from streamproc.config import Config

ITEM, LASTING, ENCODED = b"i", b"l", b"e"
HEADER = b"h"
TABLES = ("markov", "covisitation", "session")  # heads whose rows are weighted neighbours


class Header(msgspec.Struct, frozen=True):
    """The dense part of the model, and what it is a function of."""

    layout: str  # of the rows; a reader with another one cannot use them
    version: int  # ascends by one with each sync
    learned_to: int  # journal offset
    generation: int  # that serves; 0 where there is none
    events: int  # learned so far
    items: int  # rows in use or freed
    serving: int  # number of the model that answers
    newest: int  # largest event time learned, ms
    weights: bytes  # (13, features) float32, the fusion's
    twin: bytes  # (13, features) float32, its twin's
    increments: bytes  # (2,) float64, present weight of one event
    totals: bytes  # (3,) float64, popularity
    tops: bytes  # (3, 100) int32: popular lately, popular, newest
    cell: bytes  # the recurrent head's own weights, float32
    figures: dict[str, list[float]]  # per model: sums of trials, hits at 1, 10, 20, reciprocal ranks, gains
    gate: list[float]  # sums of the sampled gates by family, and their number
    encoder: int = 0  # generation that brought the encoder; 0 where there is none
    encoder_cell: bytes = b""  # its head's own weights, float32; empty where there is none


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Header).decode


def pack_header(header: Header) -> bytes:
    """The value under HEADER."""
    return _encode(header)


def unpack_header(value: bytes) -> Header:
    """Raises msgspec.DecodeError where the value is no header."""
    return _decode(value)


def item_row(config: Config) -> np.dtype[np.void]:
    """One item in the heads that learn online."""
    heads = config.heads
    return np.dtype(
        [
            ("item", "<u8"),
            ("last", "<i8"),
            ("first", "<i8"),
            ("markov_total", "<f8"),
            ("covisitation_total", "<f8"),
            ("session_total", "<f8"),
            ("row", "<u4"),
            ("counts", "<f4", 3),
            ("markov_neighbours", "<i4", heads.markov.slots),
            ("markov_weights", "<f4", heads.markov.slots),
            ("covisitation_neighbours", "<i4", heads.covisitation.slots),
            ("covisitation_weights", "<f4", heads.covisitation.slots),
            ("session_neighbours", "<i4", heads.session.slots),
            ("session_weights", "<f4", heads.session.slots),
            ("factors", "<f4", heads.factors.size),
            ("embedding", "<f4", heads.gru.size),
            ("embedding_bias", "<f4"),
            ("bias", "<f4"),
        ]
    )


def lasting_row(config: Config) -> np.dtype[np.void]:
    """One item in the long-term head."""
    slots = config.heads.long_term.slots
    return np.dtype([("row", "<u4"), ("neighbours", "<i4", slots), ("weights", "<f4", slots)])


def encoded_row(config: Config) -> np.dtype[np.void]:
    """One item in the encoder's head."""
    size = config.refresh.encoder.size if config.heads.encoder.enabled else 0
    return np.dtype([("row", "<u4"), ("embedding", "<f4", size), ("embedding_bias", "<f4")])


def layout(config: Config) -> str:
    """Short name of the shapes; differs where a worker and a trainer are configured differently."""
    described = repr([row(config).descr for row in (item_row, lasting_row, encoded_row)])
    return hashlib.sha256(described.encode()).hexdigest()[:12]
