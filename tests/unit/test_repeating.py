"""A compiled function that is called again with the same objects."""

import numpy as np
import pytest

from streamproc.engine.repeating import Repeated
from streamproc_models.kernel import kernel


@kernel
def _added(pair, start):
    """Compiled for every kind of array that it meets."""
    total = start
    for value in pair[0]:
        total += value
    return total


class Counted:
    """A compiled function as numba presents it, which counts how often numba looks at the arguments."""

    def __init__(self, *versions):
        self.overloads = dict(enumerate(versions))
        self.looks = 0

    def __call__(self, *arguments):
        self.looks += 1
        return "looked", arguments


class Code:
    """The machine code of one version."""

    @staticmethod
    def entry_point(*arguments):
        return "at once", arguments


A, B = np.zeros(1), np.zeros(1)


@pytest.mark.parametrize(
    ("first", "second", "how"),
    [
        ((A, 1), (A, 2), "at once"),
        ((A, 1), (B, 1), "looked"),
        ((A, 1), (A, 2.0), "looked"),
        ((A, 1), (A, True), "looked"),
        ((A, 1), (A, np.int32(1)), "looked"),
        ((A, 1), (A, 1, 1), "looked"),
        ((A, (B, 1)), (A, (B, 1)), "looked"),
    ],
    ids=[
        "another number",
        "another array",
        "a float",
        "a bool",
        "numpy's number",
        "one more",
        "a like tuple",
    ],
)
def test_only_the_very_same_objects_are_not_looked_at(first, second, how):
    """Whole numbers of Python's have one type for numba, whatever their value."""
    repeated = Repeated(Counted(Code()))
    repeated(*first)

    assert repeated(*second) == (how, second)


def test_it_goes_on_at_once_for_the_objects_that_were_looked_at_last():
    function = Counted(Code())
    repeated = Repeated(function)
    for array in (A, A, A, B, B, A):
        repeated(array, 1)

    assert function.looks == 3


@pytest.mark.parametrize("versions", [(), (Code(), Code())], ids=["not compiled", "compiled for two kinds"])
def test_where_it_is_not_certain_which_code_is_meant_numba_decides(versions):
    function = Counted(*versions)
    repeated = Repeated(function)
    repeated(A)
    repeated(A)

    assert function.looks == 2


def test_a_compiled_function_gives_the_same_at_once():
    """Also after it has met another kind of array, from when on numba decides."""
    repeated, pair = Repeated(_added), (np.arange(4.0), 0)
    assert [repeated(pair, start) for start in (0, 1, 2)] == [6.0, 7.0, 8.0]

    other = (np.arange(4, dtype=np.float32), 0)
    assert [repeated(other, start) for start in (0, 1)] == [6.0, 7.0]
    assert repeated(pair, 3) == 9.0


def test_what_the_code_raises_is_raised():
    """As by numba's own way."""

    @kernel
    def fails(values, place):
        if place > 0:
            raise ValueError("no such place")
        return values[place]

    repeated, values = Repeated(fails), np.ones(1)
    assert repeated(values, 0) == repeated(values, 0) == 1.0
    with pytest.raises(ValueError, match="no such place"):
        repeated(values, 1)
