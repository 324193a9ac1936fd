"""Asks for memory before it is needed, so that its way to the processor goes beside other work."""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from streamproc_models.arrays import LINE
from streamproc_models.kernel import tight

_READ, _KEEP, _DATA = 0, 3, 1  # what LLVM wants to know: to read it, soon, and it is no code


def _request(context: Any, array: Any, offset: Any) -> tuple[Any, Callable[..., Any]]:
    """The cache line `offset` bytes behind the beginning of an array."""

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        start = target.make_array(signature.args[0])(target, builder, value=arguments[0]).data
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function: Any = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
        where = builder.gep(builder.bitcast(start, byte), [arguments[1]])
        builder.call(function, [where, *(number(value) for value in (_READ, _KEEP, _DATA))])
        return target.get_dummy_value()

    return types.void(array, types.int64), generate


_line: Callable[[NDArray[Any], int], None] = cast(Any, intrinsic(_request))


@tight
def ask_for(table: NDArray[Any], row: int) -> None:
    """All cache lines of a row of `table` (rows, columns)."""
    size = table.shape[1] * table.itemsize
    start = row * size
    for offset in range(0, size, LINE):
        _line(table, start + offset)
    _line(table, start + size - 1)
