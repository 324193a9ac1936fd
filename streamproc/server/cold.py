"""What a stranger gets: one slate for all, asked for once per model."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from streamproc.contracts.slates import Slate


class ColdSlate:
    """While the newest model is being asked, the answer of the one before it is good enough."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, Slate]]) -> None:
        self._ask = ask
        self._asked: asyncio.Task[Slate] | None = None
        self._known: Slate | None = None

    def at_hand(self, version: int) -> Slate | None:
        """The answer of this version's model, or of the one before while it is being asked."""
        known = self._known
        if known is not None and (self._asked is not None or known.model.version == version):
            return known
        return None

    async def by(self, version: int) -> Slate:
        """The same, waited for if need be."""
        known = self.at_hand(version)
        return known if known is not None else await asyncio.shield(self.renew())

    def renew(self) -> "asyncio.Task[Slate]":
        """The present model's, in a while; one question for all who ask meanwhile."""
        if self._asked is None:
            self._asked = asyncio.ensure_future(self._ask())
            self._asked.add_done_callback(self._answered)
        return self._asked

    def _answered(self, asked: "asyncio.Task[Slate]") -> None:
        self._asked = None
        if not asked.cancelled() and asked.exception() is None:
            self._known = asked.result()
