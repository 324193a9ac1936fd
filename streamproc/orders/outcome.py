"""What became of an order."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """The generation that it was about, and where the journal says so."""

    generation: int
    offset: int = -1  # of the record; -1: nothing was written, since it was so already

    @property
    def written(self) -> bool:
        """Whether it took a record."""
        return self.offset >= 0
