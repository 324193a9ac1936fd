"""Which rows of a file are taken: `Quantity>0`, `CustomerID!=`, `event=VIEW`."""

import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from streamproc.errors import ConfigError

ORDERS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
FORM = re.compile(r"(?P<column>[^=!<>]+)(?P<sign>>=|<=|!=|=|>|<)(?P<right>.*)")


class Where(NamedTuple):
    """One condition on one column: equal or not compare the text as it is written, the others numbers."""

    column: str
    sign: str
    right: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """From a flag. Raises ConfigError with the form that it should have."""
        found = FORM.fullmatch(text)
        if not found:
            raise ConfigError(f"--where {text!r} is no condition", "Write it like Quantity>0")
        condition = cls(found["column"].strip(), found["sign"], found["right"].strip())
        if condition.sign in ORDERS and math.isnan(_number(condition.right)):
            raise ConfigError(f"--where {text!r} compares with {condition.right!r}, which is no number")
        return condition

    def test(self) -> Callable[[str], bool]:
        """Whether a row with this text in the column is taken; what is no number is in no order."""
        right = self.right
        if self.sign == "=":
            return lambda text: text == right
        if self.sign == "!=":
            return lambda text: text != right
        compare, limit = ORDERS[self.sign], _number(right)
        return lambda text: compare(_number(text), limit)

    def __str__(self) -> str:
        return f"{self.column}{self.sign}{self.right}"


class Condition(NamedTuple):
    """A condition made ready for many rows."""

    column: str
    holds: Callable[[str], bool]
    reason: str  # for a row that does not meet it


def ready(where: Sequence[Where]) -> list[Condition]:
    """The conditions in the same order."""
    return [Condition(each.column, each.test(), f"not {each}") for each in where]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
