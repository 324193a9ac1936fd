"""The one way to compile a function: cached on disk, without the GIL, numpy's error model."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])

_compile = njit(cache=True, nogil=True, error_model="numpy", fastmath=True)


def kernel(function: Function) -> Function:
    """The compiled `function`; to a type checker it stays the function itself.

    `fastmath` lets the compiler assume that there is no NaN and no infinity: check for
    them outside of kernels.
    """
    return cast(Function, _compile(function))
