"""Users' windows as the trainer published them last, kept packed until somebody asks."""

from streamproc.config import Config
from streamproc.contracts.users import MARK
from streamproc.engine.windows import Windows


class UserStates:
    """At most `limit` users, whose states came last."""

    def __init__(self, config: Config, limit: int) -> None:
        self._config = config
        self._limit = limit
        self._packed: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._packed)

    def put(self, user: bytes, value: bytes | None) -> None:
        """Take a record of `users`."""
        self._packed.pop(user, None)
        if value is None or user == MARK:
            return
        self._packed[user] = value
        if len(self._packed) > self._limit:
            del self._packed[next(iter(self._packed))]

    def windows(self, user: str) -> Windows | None:
        """Windows with this user alone, in row 0; None of a stranger."""
        key = user.encode()
        value = self._packed.get(key)
        if value is None:
            return None
        windows = Windows(self._config, partitions=1)
        windows.load({key: value})
        return windows
