"""A user's state as it travels in the `users` topic: key = user id, value = packed bytes of what is there.

Little-endian, every section padded to 8 bytes:
    u8 version, u8 remembered event ids, u16 window length, u12 numbers in its vectors, u20 items seen
    i64 newest event time (ms), i64 last source offset
    u64 source and i64 number of the last sequenced id, u64 session
    u32 generation of the encoder that the user has a state by, u16 numbers in it; 0 and 0 where none
    u64 * length item hashes, u32 * length event times (s), u8 * length types and marks: oldest first
    u64 * ids event id hashes, oldest first;  i16 * numbers: recurrent state, then factors
    i16 * numbers in the state by the encoder
    u64 * seen item hashes, oldest first
The record under MARK says what the states of its partition are a function of.
"""

import msgspec

VERSION = 3
HEAD_WORDS = 7  # of 8 bytes, before the window
ENCODER_AT = 12  # place of the encoder's generation, counted in u32 from the start
VECTOR_BITS = 12  # numbers in the vectors and items seen are one u32: the first are in its lowest bits
MARK = b"\0mark"  # no user id holds a control character


class Mark(msgspec.Struct, frozen=True, tag="mark"):
    """The states are those of the journal before `learned_to`."""

    version: int  # of the model published with them
    learned_to: int
    highest: list[int]  # source offset of each partition, -1 where none
    generation: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Mark).decode


def pack_mark(mark: Mark) -> bytes:
    """The value under MARK."""
    return _encode(mark)


def unpack_mark(value: bytes) -> Mark:
    """Raises msgspec.DecodeError where the value is no mark."""
    return _decode(value)
