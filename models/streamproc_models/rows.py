"""A weighted sum of the rows of a matrix, as vector code that keeps it in registers until it is whole.

A compiler that takes one row after the other loads and stores the sum for each of them, which is most of the
work where rows are short. Here a block of columns goes through all rows before the next one does.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from streamproc_models.arrays import F32
from streamproc_models.kernel import tight

_BLOCKS = ((16, 6), (16, 3), (8, 1))  # lanes of a vector and vectors of a block, the widest first
_NUMBER, _LANE = ir.IntType(64), ir.IntType(32)
_FAST = ("fast",)  # sums in any order, as in all kernels


class _Block(NamedTuple):
    """Some columns, from `first` on, as vectors."""

    builder: Any
    first: Any
    lanes: int
    vectors: int

    @property
    def kind(self) -> Any:
        """The type of its vectors."""
        return ir.VectorType(ir.FloatType(), self.lanes)

    def places(self, data: Any, start: Any) -> list[Any]:
        """Where its vectors are in the row that begins `start` numbers behind `data`."""
        b = self.builder
        first = b.add(start, self.first)
        offsets = [b.add(first, _NUMBER(j * self.lanes)) for j in range(self.vectors)]
        return [b.bitcast(b.gep(data, [offset]), self.kind.as_pointer()) for offset in offsets]

    def spread(self, number: Any) -> Any:
        """One number in all lanes."""
        b, nothing = self.builder, ir.Constant(self.kind, ir.Undefined)
        first = ir.Constant(ir.VectorType(_LANE, self.lanes), [0] * self.lanes)
        return b.shuffle_vector(b.insert_element(nothing, number, _LANE(0)), nothing, first)


def _blocks(builder: Any, columns: Any) -> Iterator[_Block]:
    """Code for blocks of every size, inside of a loop over as many as there is room for."""
    first = _NUMBER(0)
    for lanes, vectors in _BLOCKS:
        step = _NUMBER(lanes * vectors)
        times = builder.udiv(builder.sub(columns, first), step)
        with cgutils.for_range(builder, times) as loop:
            yield _Block(builder, builder.add(first, builder.mul(loop.index, step)), lanes, vectors)
        first = builder.add(first, builder.mul(times, step))


def _adding(context: Any, out: Any, weights: Any, rows: Any) -> tuple[Any, Callable[..., Any]]:
    if any(array.layout != "C" for array in (out, weights, rows)):
        raise TypingError("add_rows reads arrays whose rows lie one after the other: numpy.ascontiguousarray")

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, shares, matrix = (
            target.make_array(kind)(target, builder, value=value)
            for kind, value in zip(signature.args, arguments, strict=True)
        )
        count, columns = (builder.extract_value(array.shape, 0) for array in (shares, sums))
        width = builder.extract_value(matrix.shape, 1)
        for block in _blocks(builder, columns):
            so_far = [cgutils.alloca_once(builder, block.kind) for _ in range(block.vectors)]  # type: ignore[no-untyped-call]
            places = block.places(sums.data, _NUMBER(0))
            _copy(builder, places, so_far)
            with cgutils.for_range(builder, count) as loop:
                share = block.spread(builder.load(builder.gep(shares.data, [loop.index])))
                _add(builder, share, block.places(matrix.data, builder.mul(loop.index, width)), so_far)
            _copy(builder, so_far, places)
        return target.get_dummy_value()

    return types.void(out, weights, rows), generate


def _copy(builder: Any, sources: list[Any], places: list[Any]) -> None:
    for source, place in zip(sources, places, strict=True):
        builder.store(builder.load(source, align=4), place, align=4)


def _add(builder: Any, share: Any, row: list[Any], so_far: list[Any]) -> None:
    for source, place in zip(row, so_far, strict=True):
        product = builder.fmul(share, builder.load(source, align=4), flags=_FAST)
        builder.store(builder.fadd(builder.load(place, align=4), product, flags=_FAST), place, align=4)


_add_rows: Callable[[F32, F32, F32], None] = cast(Any, intrinsic(_adding))


@tight
def add_rows(out: F32, weights: F32, rows: F32) -> None:
    """out (c,) += sum over k of weights[k] * rows[k]; c is a multiple of 8, and no row is shorter."""
    _add_rows(out, weights, rows)
