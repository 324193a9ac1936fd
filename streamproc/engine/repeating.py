"""Calls of a compiled function that differ in whole numbers only."""

from typing import Any


class Repeated:
    """A compiled function that is called with the same objects again and again.

    Before a call numba looks at every array in the arguments, to know their types: 32 us for a model. The
    very objects of the call before have the types of the call before: the machine code is called at once.
    """

    def __init__(self, function: Any) -> None:
        self._function = function
        self._last: tuple[Any, ...] = ()
        self._code: Any = None

    def __call__(self, *arguments: Any) -> Any:
        """Whatever the function returns."""
        if self._code is not None and self._are_known(arguments):
            return self._code(*arguments)
        result = self._function(*arguments)
        versions: dict[Any, Any] = getattr(self._function, "overloads", {})  # none where nothing is compiled
        self._code = next(iter(versions.values())).entry_point if len(versions) == 1 else None
        self._last = arguments
        return result

    def _are_known(self, arguments: tuple[Any, ...]) -> bool:
        return len(arguments) == len(self._last) and all(
            new is old or type(new) is type(old) is int
            for new, old in zip(arguments, self._last, strict=True)
        )
