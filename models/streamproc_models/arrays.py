"""Names for the array types that the whole product uses, and how an array grows."""

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I16 = NDArray[np.int16]
U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]
Bool = NDArray[np.bool_]

# Numbers as kernels take them: Python's own, or an array's element.
Real = float | np.float32
Hash = int | np.uint64


LINE = 64  # bytes of a cache line


def on_lines(shape: tuple[int, ...], kind: Any = np.float32) -> NDArray[Any]:
    """Zeros that begin with a cache line, so that a row lies in as few of them as it can."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    room = np.zeros(size + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    rows: NDArray[Any] = room[start : start + size].view(kind).reshape(shape)
    return rows


def longer(array: Any, rows: int) -> Any:
    """The array with zeros behind, up to `rows` rows."""
    grown = np.zeros((rows, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown


def stretched(array: NDArray[Any], rows: int, used: int) -> NDArray[Any]:
    """The array's first `used` rows, and room up to `rows` rows that takes no memory before it is written to.

    It comes straight from the system: numpy's allocator clears what it hands out again, and so makes it take
    memory. The room reads as zeros.
    """
    size = rows * array.itemsize * int(np.prod(array.shape[1:], dtype=np.int64))
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    grown = np.frombuffer(memory, array.dtype).reshape(rows, *array.shape[1:])
    grown[:used] = array[:used]
    return grown
