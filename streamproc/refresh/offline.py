"""The refresh of a journal that is in memory: the same history, fit and encoder, at the same moments."""

import asyncio

from streamproc.config import Config
from streamproc.contracts.journal import pack_control
from streamproc.errors import StreamprocError
from streamproc.refresh.encoding import Encoding, encode
from streamproc.refresh.fit import Fitted, History, bounded, fit
from streamproc.refresh.history import JournalHistory
from streamproc.refresh.timer import due
from streamproc.refresh.written import write

NO_CLOCK = 0  # ms; no interval ever passes, so that events alone decide


class OfflineRefresh:
    """A refresh every so many events: the first as soon as it can be, none while another is in shadow."""

    def __init__(self, config: Config, every: int) -> None:
        self._config = config
        self._settings = config.refresh.model_copy(update={"events": every})
        self._history = JournalHistory(config.refresh.history)

    def add(self, offset: int, value: bytes) -> None:
        """One record of the journal."""
        self._history.add(offset, value)

    def due(self) -> bool:
        """Whether a timer would begin one now."""
        return due(self._history, self._settings, NO_CLOCK)

    def fit(self) -> list[bytes]:
        """The records of a new generation; StreamprocError where the history cannot be fitted."""
        learned_to = self._history.position
        observed = bounded(self._history.cut(), self._config)
        fitted, encoding = self._fitted(observed), self._encoding(observed, learned_to)
        written = write(self._history.next_id, fitted, encoding.arrays, learned_to, NO_CLOCK)
        return [*written.chunks, pack_control(written.control)]

    def _fitted(self, observed: History) -> Fitted:
        try:
            return fit(observed, self._config, self._history.factors)
        except (ValueError, ArithmeticError) as error:
            raise StreamprocError(f"{observed.items.size} events cannot be fitted: {error}") from error

    def _encoding(self, observed: History, learned_to: int) -> Encoding:
        return asyncio.run(encode(observed, learned_to, self._history, self._config, lambda _: None))
