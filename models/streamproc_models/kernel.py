"""The one way to compile a function: cached on disk, without the GIL, numpy's error model.

numba's own cache looks at the file of a function, not at the files of what it calls. So the cache lies in a
folder that is named after the text of all compiled files: a change in one of them compiles everything anew.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite.binding import get_host_cpu_features, get_host_cpu_name
from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])

PACKAGES = ("streamproc_models", "streamproc")  # where compiled code may be
_MARK = b"streamproc_models.kernel import"
_KEPT = 4  # caches: of this version, of the last ones, of another checkout
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": True}
_TIGHT: dict[str, Any] = {**_OPTIONS, "_nrt": False}


def _sources() -> Iterator[bytes]:
    for package in PACKAGES:
        found = find_spec(package)
        for folder in (found.submodule_search_locations or ()) if found else ():
            for path in sorted(Path(folder).rglob("*.py")):
                text = path.read_bytes()
                if _MARK in text or path == Path(__file__):
                    yield text


def _cache_folder() -> Path:
    """The folder of the caches below the user's cache folder, and in it the one for this code."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    whole = hashlib.sha256(numba.__version__.encode())
    for text in _sources():
        whole.update(text)
    return home / "streamproc" / "kernels" / whole.hexdigest()[:16]


def _use_wide_vectors() -> None:
    """All of AVX-512 where there is it: LLVM prefers half of it, which costs the dense loops a tenth."""
    features = get_host_cpu_features()
    if features.get("avx512f") and numba.config.CPU_FEATURES is None:  # type: ignore[attr-defined]
        features["prefer-256-bit"] = False
        numba.config.CPU_NAME = get_host_cpu_name()  # type: ignore[attr-defined]
        numba.config.CPU_FEATURES = features.flatten()  # type: ignore[attr-defined]


def _use_cache() -> None:
    """Where no folder can be made, numba finds a place by its own rules."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    folder = _cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.touch()
        caches = sorted(folder.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return
    for old in caches[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]


_use_wide_vectors()
_use_cache()
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
