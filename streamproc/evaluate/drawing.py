"""Curves in a terminal, in braille: every character has two by four dots."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich.text import Text

from streamproc_models.arrays import F64, I64

_BLANK = 0x2800  # no dot; a space is drawn for it, which every font has
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # (4, 2), the bit of each dot
_AXIS = 6  # characters of a number on the axis


class Line(NamedTuple):
    """One curve, and what is written at its end."""

    label: str
    x: F64  # (n,), ascending
    y: F64  # (n,), not negative
    style: str


def draw(lines: Sequence[Line], width: int, height: int, below: str) -> Text:
    """All lines over one axis from 0 on, `width` characters by `height` plus the axis; `below` names x."""
    labels = max(len(line.label) for line in lines) + 1
    columns = max(width - _AXIS - 1 - labels, 10)
    top = round_up(max(float(line.y.max()) for line in lines))
    first, last = min(line.x[0] for line in lines), max(line.x[-1] for line in lines)
    cells = np.full((height, columns), _BLANK)
    styles = np.zeros((height, columns), np.int64)
    for number, line in enumerate(lines):
        at = np.linspace(first, last, 2 * columns)
        _trace(cells, styles, np.interp(at, line.x, line.y) / top, number)
    ends = _ends([line.y[-1] / top for line in lines], height)
    text = Text()
    for row in range(height):
        text.append(_tick(row, height, top))
        for cell, style in zip(cells[row], styles[row], strict=True):
            text.append(chr(cell) if cell != _BLANK else " ", lines[style].style)
        if row in ends:
            text.append(" " + lines[ends[row]].label, lines[ends[row]].style)
        text.append("\n")
    return text.append(f"{0:{_AXIS - 1}.3f} └{'─' * columns}\n{' ' * (_AXIS + 1)}{below}")


def round_up(value: float) -> float:
    """The next of 1, 2, 4, 5, 6, 8 and 10 times a power of ten; 1 for zero."""
    if value <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(step * power for step in (1, 2, 4, 5, 6, 8, 10) if step * power >= value * (1 - 1e-9)))


def _trace(cells: I64, styles: I64, levels: F64, number: int) -> None:
    """One line, `levels` (2 columns,) in 0..1, with the gaps between two neighbouring dots closed."""
    dots = 4 * len(cells)
    heights = np.minimum((levels * dots).astype(np.int64), dots - 1)
    before = heights[0]
    for x, now in enumerate(heights):
        low, high = (now, before - 1) if before > now else (before + 1, now)
        for y in range(min(low, now), max(high, now) + 1):
            row, column = (dots - 1 - y) // 4, x // 2
            cells[row, column] |= _DOTS[(dots - 1 - y) % 4, x % 2]
            styles[row, column] = number
        before = now


def _ends(levels: list[float], height: int) -> dict[int, int]:
    """Row -> number of the line whose label stands there: near its end, and each in a row of its own."""
    rows = [min(int((1.0 - level) * height), height - 1) for level in levels]
    order = sorted(range(len(levels)), key=lambda number: -levels[number])
    taken: dict[int, int] = {}
    for done, number in enumerate(order):
        free = max(taken, default=-1) + 1
        taken[min(max(rows[number], free), height - len(order) + done)] = number
    return taken


def _tick(row: int, height: int, top: float) -> str:
    """Top and middle have a number."""
    value = {0: top, height // 2: top * (1 - (height // 2) / height)}.get(row)
    return f"{value:{_AXIS - 1}.3f} ┤" if value is not None else " " * _AXIS + "│"
