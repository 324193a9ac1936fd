"""Numbers and tables as the page writes them."""

from collections.abc import Iterable, Mapping, Sequence

Figures = Mapping[str, float]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column to the left, the others to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def share(value: float | None, digits: int = 3) -> str:
    """Without the zero that all shares begin with; nothing where there is none."""
    return "" if value is None else f"{value:.{digits}f}".removeprefix("0")


def both(figures: Figures, name: str = "") -> str:
    """recall@20 / MRR@20."""
    recall, mrr = (figures.get(f"{name}{figure}") for figure in ("recall_at_20", "mrr_at_20"))
    return "" if recall is None or mrr is None else f"{share(recall)} / {share(mrr)}"


def count(value: float) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,.0f}"


def lead(figures: Figures, name: str) -> str:
    """A difference with its standard error; bold where it is more than two of them away from zero."""
    value, error = figures.get(name), figures.get(f"{name}_error")
    if value is None or error is None:
        return ""
    text = f"{value:+.4f} ± {error:.4f}"
    return f"**{text}**" if abs(value) > 2 * error else text
