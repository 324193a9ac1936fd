"""One user of the shop, as they are seen on a terminal: their clicks, and what became of the slate."""

from collections.abc import Callable

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from streamproc.contracts.events import Event
from streamproc.contracts.slates import Slate, SlateItem

SHOWN = 5  # items of a slate
WORDS = {"view": "looks at", "like": "likes", "cart": "puts into the cart", "purchase": "buys"}
CAUSES = {
    "event": "for what they did",
    "refresh": "since the long-term interests were refreshed",
    "cold": "for the first time",
}
INTRODUCTION = """\
{user} is one of the customers: what they do, then the first {shown} of their slate, before -> now, and why.
recall@20 is how often an event's item was among the 20 that were predicted just before."""

Say = Callable[[RenderableType], None]


class Watch:
    """Tells of one user; a slate is shown beside the one that was shown before."""

    def __init__(self, user_id: str, say: Say) -> None:
        self.user_id = user_id
        self._say = say
        self._clicks: list[Event] = []  # since the last slate that was shown
        self._before: list[SlateItem] = []

    def introduce(self) -> None:
        """What there is to see."""
        self._say(Text(INTRODUCTION.format(user=self.user_id, shown=SHOWN), style="italic"))

    def clicked(self, event: Event) -> None:
        self._clicks.append(event)

    def answered(self, slate: Slate) -> None:
        """A slate came; one without a click of ours is the answer to an earlier one, or to a refresh."""
        after = slate.items[:SHOWN]
        if not self._clicks and [i.item_id for i in after] == [i.item_id for i in self._before]:
            return
        for event in self._clicks:
            self._say(
                Text(f"{self.user_id} {WORDS.get(event.type, event.type)} {event.item_id}", style="bold")
            )
        if not self._clicks:
            self._say(Text(f"{self.user_id} gets a new slate {CAUSES[slate.trigger.kind]}", style="bold"))
        self._say(comparison(self._before, after))
        self._clicks, self._before = [], after


def comparison(before: list[SlateItem], after: list[SlateItem]) -> Table:
    """Two slates side by side: what moved, and why it is there."""
    table = Table.grid(padding=(0, 2))
    for no_wrap in (True, True, True, True, True, False):
        table.add_column(no_wrap=no_wrap)
    ranks = {item.item_id: item.rank for item in before}
    for place, item in enumerate(after):
        old = before[place].item_id if place < len(before) else ""
        table.add_row(
            f"  {item.rank}",
            Text(old, style="dim"),
            Text("->", style="dim"),
            item.item_id,
            _move(item, ranks),
            Text(reason(item), style="cyan"),
        )
    return table


def reason(item: SlateItem) -> str:
    """Why an item is on the slate, in words."""
    if item.because:
        return f"because of {' and '.join(item.because)}"
    return f"by {item.source.replace('_', ' ')}"


def _move(item: SlateItem, ranks: dict[str, int]) -> Text:
    if item.item_id not in ranks:
        return Text("new", style="green")
    up = ranks[item.item_id] - item.rank
    return Text(f"{up:+d}" if up else "", style="green" if up > 0 else "yellow")
