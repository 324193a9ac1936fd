"""Rankings on request: of a user's window, of a window that somebody makes up, of nobody's."""

import numpy as np

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.events import Decoder, Event, encode
from streamproc.contracts.ids import strings
from streamproc.contracts.slates import Kind, Slate, Stamp, Targets, decode_slate, write_slates
from streamproc.contracts.topics import topics
from streamproc.engine import ids
from streamproc.engine.inquiry import Inquirer, Standing
from streamproc.engine.observer import Observer
from streamproc.engine.ranker import Ranker
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc_models.hashing import find_all, hash_strings

DEEP = 100  # items of a ranking that is filtered afterwards
ANONYMOUS = "anonymous"
SECOND = 1000  # ms between two events of a window that is made up
LATE_ENOUGH = -1  # a record's time that nothing is too far in the future of


class Asker:
    """Everything here runs in the thread of the kernels, which share the model and its working memory."""

    def __init__(self, config: Config, view: ModelView, clock: Clock) -> None:
        deep = config.publish.model_copy(update={"slate_size": DEEP})
        self._config = config
        self._view = view
        self._clock = clock
        self._ranker = Ranker(config.model_copy(update={"publish": deep}))
        self._inquirer = Inquirer(config)
        self._observer = Observer(config, view)
        self._decoder = Decoder(config.events)
        self._topic = topics(config).journal.name
        self._nobody = Windows(config, partitions=1)
        kinds = self._decoder.kinds
        liked = {name: float(kinds.strengths[kind]) for name, kind in kinds.numbers.items()
                 if not kinds.ignored[kind] and np.isnan(kinds.thresholds[kind])}  # fmt: skip
        self._kind = max(liked, key=liked.__getitem__, default="")

    def rank(self, user: str, windows: Windows | None, kind: Kind = "event") -> Slate:
        """The best DEEP items for the user in row 0 of `windows`, None: for a stranger."""
        row = -1 if windows is None else 0
        slates = self._ranker.rank(self._view, windows or self._nobody, np.array([row], np.int32))
        names = strings([user.encode()])
        targets = Targets(names, hash_strings(*names), np.zeros(1, np.int32), np.zeros(1, np.int64))
        return decode_slate(write_slates(slates, self._view.names, targets, self._stamp(kind)).data.tobytes())

    def made_up(self, items: list[str], kind: str | None = None) -> Windows:
        """A window with these items, the newest last, by the present rules."""
        windows = Windows(self._config, partitions=1)
        newest = self._view.header.newest if self._view.header else self._clock.now_ms()
        values = [
            encode(
                Event(
                    type=kind or self._kind,
                    user_id=ANONYMOUS,
                    item_id=item,
                    ts=newest - SECOND * (len(items) - place),
                )
            )
            for place, item in enumerate(items)
        ]
        count = len(values)
        columns, _ = self._decoder.decode(values, np.arange(count), np.full(count, LATE_ENOUGH), 0)
        self._observer.decide(windows, columns)
        return windows

    def inquire(self, windows: Windows | None, item: str) -> tuple[Standing, list[str]] | None:
        """Where an item stands for the user in row 0, and the ids of the window items behind it.

        None where the model does not know the item.
        """
        row, user = self.row(item), -1 if windows is None else 0
        if row < 0:
            return None
        standing = self._inquirer.ask(self._view, windows or self._nobody, user, row)
        return standing, self.names(standing.because)

    def row(self, item: str) -> int:
        """An item's row in the model, -1 where it is not known."""
        m, found = self._view.model, np.empty(1, np.int32)
        find_all(m.keys, m.rows, hash_strings(*strings([item.encode()])), found)
        return int(found[0])

    def names(self, rows: list[int]) -> list[str]:
        """Ids of rows of the model."""
        found = ids.text(self._view.names, np.array(rows, np.int32))
        return [name.decode("utf-8", "replace") for name in found]

    def _stamp(self, kind: Kind) -> Stamp:
        view, now = self._view, self._clock.now_ms()
        return Stamp(kind, self._topic, view.version, view.learned_to, view.generation, now)
