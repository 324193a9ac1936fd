"""How often somebody may say a wrong token."""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from math import ceil

MOST_ADDRESSES = 10_000  # that are remembered; beyond, the one that began first is forgotten
SHARED = 64  # bits of an IPv6 address that whoever has one can choose no others of


class Attempts:
    """Counts wrong ones of each address; who has had `most` of them waits for the end of `over` seconds.

    Seconds are those of a clock that never goes back.
    """

    def __init__(self, seconds: Callable[[], float], most: int, over: float = 60.0) -> None:
        self._seconds = seconds
        self._most = most
        self._over = over
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()  # address -> first one, how many

    def wait(self, address: str) -> int:
        """Seconds until the next attempt may be made; 0: now."""
        if not self._wrong:
            return 0
        began, count = self._wrong.get(_whose(address), (0.0, 0))
        left = began + self._over - self._seconds()
        return ceil(left) if count >= self._most and left > 0 else 0

    def wrong(self, address: str) -> None:
        """One more that was wrong."""
        whose, now = _whose(address), self._seconds()
        began, count = self._wrong.pop(whose, (now, 0))
        if now - began >= self._over:
            began, count = now, 0
        self._wrong[whose] = (began, count + 1)
        if len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)


def _whose(address: str) -> str:
    """The address, of IPv6 the network that one household or machine is given."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address.partition("%")[0], SHARED), strict=False))
    except ValueError:
        return address
