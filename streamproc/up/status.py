"""How the parts are doing: one live screen on a terminal, plain lines elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streamproc.figures import Figures

SCREEN_EVERY = 1.0  # seconds
LINES_EVERY = 5.0  # seconds
BAR = 30  # characters of a full bar
MODELS = ("fusion", "popularity")
UNKNOWN = "-"


class Screen:
    """Shows figures as they come; what is said meanwhile scrolls above them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = (
            Live(Text("starting"), console=console, auto_refresh=False) if console.is_terminal else None
        )

    @property
    def every(self) -> float:
        """Seconds between two looks."""
        return SCREEN_EVERY if self._live else LINES_EVERY

    def show(self, figures: Figures) -> None:
        if self._live:
            self._live.update(panel(figures), refresh=True)
        else:
            self._console.print(line(figures), soft_wrap=True, highlight=False)

    def say(self, text: str) -> None:
        """One line that stays."""
        self._console.print(text, soft_wrap=True, highlight=False, markup=False)

    def tell(self, text: str) -> None:
        """One line of somebody else, with the colours that it brings along."""
        self._console.print(Text.from_ansi(text), soft_wrap=True)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()


def line(figures: Figures) -> str:
    """Everything in one plain line."""
    recall = " ".join(f"{model} {_share(figures.recall_at_20.get(model))}" for model in MODELS)
    return " | ".join(
        [
            f"events {_whole(figures.events_per_second)}/s, {figures.events:,} in all",
            f"lag {_lags(figures)}",
            f"slates {figures.slates:,}",
            f"model {_version(figures)}",
            f"recall@20 {recall} of {figures.predicted:,}",
            f"refresh {figures.refresh}",
        ]
    )


def panel(figures: Figures, below: str = "Ctrl-C stops everything") -> RenderableType:
    """Everything in one box, with a hint below."""
    table = Table.grid(padding=(0, 2))
    for name, value in _rows(figures):
        table.add_row(Text(name, style="dim"), value)
    return Panel(table, title="streamproc", subtitle=below, expand=False)


def _rows(figures: Figures) -> list[tuple[str, Text]]:
    rate = f"{_whole(figures.events_per_second)}/s   {figures.events:,} in all"
    rows = [
        ("parts", _parts(figures)),
        ("events", Text(f"{rate}   {_counts(figures.outcomes)}")),
        ("lag", Text(_lags(figures))),
        ("slates", Text(f"{figures.slates:,}")),
        ("model", Text(_version(figures))),
        ("refresh", Text(figures.refresh)),
        ("recall@20", Text(f"so far, over {figures.predicted:,} events predicted before they were learned")),
    ]
    return rows + [(f"  {model}", _bar(figures.recall_at_20.get(model))) for model in MODELS]


def _parts(figures: Figures) -> Text:
    colours = {"ready": "green", "starting": "yellow"}
    text = Text()
    for part, health in figures.parts.items():
        text.append(f"{part} {health}   ", style=colours.get(health, "red"))
    return text


def _bar(share: float | None) -> Text:
    filled = round(BAR * (share or 0.0))
    return (
        Text()
        .append("█" * filled, style="green")
        .append("░" * (BAR - filled), style="dim")
        .append(f" {_share(share)}")
    )


def _lags(figures: Figures) -> str:
    lags = f"worker {_whole(figures.worker_lag)} events, trainer {_whole(figures.trainer_lag)} records"
    every = figures.predicts_every or 1
    return lags if every == 1 else f"{lags} (predicts 1 event in {every} until it has caught up)"


def _version(figures: Figures) -> str:
    return f"version {_whole(figures.model_version)}, generation {_whole(figures.generation)}"


def _counts(outcomes: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.items() if count)


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}".lstrip("0")


def _whole(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}"
