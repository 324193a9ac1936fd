"""The one way to compile a function: cached on disk, without the GIL, numpy's error model."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": True}
_TIGHT: dict[str, Any] = {**_OPTIONS, "_nrt": False}
_compile = njit(**_OPTIONS)
_compile_tight = njit(**_TIGHT)
_compile_inlined = njit(**_TIGHT, forceinline=True)


def kernel(function: Function) -> Function:
    """The compiled `function`; to a type checker it stays the function itself.

    `fastmath` lets the compiler assume that there is no NaN and no infinity: check for
    them outside of kernels.
    """
    return cast(Function, _compile(function))


def tight(function: Function) -> Function:
    """Like `kernel`, for what allocates nothing: compiled without reference counting.

    Models travel as tuples of a hundred arrays; counting references to each of them at every call
    costs more than the work itself. numba refuses to compile an allocation here.
    """
    return cast(Function, _compile_tight(function))


def inlined(function: Function) -> Function:
    """Like `tight`, and made part of its caller: for what has one caller and is handed whole models.

    A call with hundreds of arrays writes thousands of bytes of arguments; compiling takes longer instead.
    """
    return cast(Function, _compile_inlined(function))
