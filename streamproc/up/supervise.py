"""Keeping parts alive: who dies is started again, ever less hastily; stopping is in order and has an end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streamproc.clock import Clock, SystemClock
from streamproc.errors import StreamprocError
from streamproc.up.parts import FENCED, Part

FIRST_WAIT = 0.5  # seconds before the first restart; each further one waits twice as long
LONGEST_WAIT = 30.0  # seconds
STEADY = 60.0  # seconds of life after which earlier deaths are forgotten
STOP_WITHIN = 14.0  # seconds for all parts together

Say = Callable[[str], None]


@dataclass
class _Watch:
    """What the supervisor knows about one part."""

    part: Part
    alive: bool = False
    started: float = 0.0
    due: float | None = None  # when it is to be started again; None: not
    deaths: int = 0

    def wait(self, longest: float) -> float:
        return min(FIRST_WAIT * 2.0 ** (self.deaths - 1), longest)


class Supervisor:
    """Watches parts in the order in which they are started; call `look` again and again."""

    def __init__(
        self, parts: Sequence[Part], say: Say, clock: Clock | None = None, longest_wait: float = LONGEST_WAIT
    ) -> None:
        self._longest_wait = longest_wait
        self._clock = clock or SystemClock()
        self._say = say
        self._watches = [_Watch(part) for part in parts]

    def add(self, part: Part) -> None:
        """Watch one more; it is started by `start`, and stopped by `stop` in any case."""
        self._watches.append(_Watch(part))

    def started(self, part: Part) -> None:
        """Somebody else has started this part already."""
        for watch in self._watches:
            if watch.part is part:
                watch.alive, watch.started = True, self._clock.seconds()

    def start(self) -> None:
        """Start every part that does not run."""
        for watch in self._watches:
            if not watch.alive:
                self._start(watch)

    def look(self) -> None:
        """Notice who died, start again who is due."""
        for watch in self._watches:
            if watch.alive and (code := watch.part.poll()) is not None:
                self._bury(watch, code)
            elif watch.due is not None and self._clock.seconds() >= watch.due:
                self._start(watch)

    def running(self) -> list[str]:
        """Names of the parts that are alive."""
        return [watch.part.name for watch in self._watches if watch.alive]

    def stop(self, order: Sequence[str]) -> None:
        """Stop the parts in this order of names, all within STOP_WITHIN seconds."""
        until = self._clock.seconds() + STOP_WITHIN
        for watch in sorted(self._watches, key=lambda watch: order.index(watch.part.name)):
            watch.due = None
            left = max(0.1, until - self._clock.seconds())
            watch.part.stop(min(watch.part.patience, left))
            watch.alive = False

    def _start(self, watch: _Watch) -> None:
        watch.due, watch.started = None, self._clock.seconds()
        try:
            watch.part.start()
        except (StreamprocError, OSError) as error:
            self._wait(watch, f"{watch.part.name} cannot be started: {error}")
            return
        watch.alive = True

    def _bury(self, watch: _Watch, code: int) -> None:
        watch.alive = False
        name = watch.part.name
        if name.startswith("trainer") and code == FENCED:
            self._say(f"{name}: another trainer took over; this one stays stopped")
            return
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        words = watch.part.last_words()
        self._wait(watch, f"{name} {how}" + (f" ({words})" if words else ""))

    def _wait(self, watch: _Watch, what: str) -> None:
        if self._clock.seconds() - watch.started >= STEADY:
            watch.deaths = 0
        watch.deaths += 1
        wait = watch.wait(self._longest_wait)
        watch.due = self._clock.seconds() + wait
        self._say(f"{what}; starting it again in {wait:g} s")
