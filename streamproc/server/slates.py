"""The newest slate of every user, as it came from the topic."""

from typing import NamedTuple

import msgspec


class _Trigger(msgspec.Struct):
    kind: str
    offset: int


class _Head(msgspec.Struct):
    """What has to be known of a slate to tell whether it is newer; the rest is passed over."""

    trigger: _Trigger
    generated_at: int


_head = msgspec.json.Decoder(_Head).decode


class Kept(NamedTuple):
    """One slate."""

    value: bytes  # JSON
    trigger: int  # offset of the event that it answers; -1 where it answers something else
    generated_at: int  # ms


class NewestSlates:
    """At most `limit` users, whose slates came last."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_user: dict[str, Kept] = {}
        self.seen = 0  # slates taken in

    def __len__(self) -> int:
        return len(self._by_user)

    def put(self, user: str, value: bytes | None) -> bool:
        """Take a record of `recommendations`; whether it is the user's newest now."""
        if value is None:
            return self._by_user.pop(user, None) is not None
        head = _head(value)
        trigger = head.trigger.offset if head.trigger.kind == "event" else -1
        before = self._by_user.get(user)
        if before is not None and 0 <= trigger < before.trigger:
            return False  # an earlier event, answered again by somebody who had lost the partition
        self._by_user.pop(user, None)
        newest = trigger if trigger >= 0 or before is None else before.trigger
        self._by_user[user] = Kept(value, newest, head.generated_at)
        self.seen += 1
        if len(self._by_user) > self._limit:
            del self._by_user[next(iter(self._by_user))]
        return True

    def get(self, user: str) -> Kept | None:
        """None of a stranger."""
        return self._by_user.get(user)

    def latest(self, count: int) -> list[str]:
        """Users whose slates came last, the newest first."""
        users: list[str] = []
        for user in reversed(self._by_user):
            if len(users) == count:
                break
            users.append(user)
        return users
