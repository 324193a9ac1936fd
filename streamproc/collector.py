"""Python's garbage collector, told what kind of program this is."""

import gc

THRESHOLDS = (50_000, 20, 100)  # what lives long is arrays, which it need not look at


def settle() -> None:
    """What is there now will stay: look at it no more, and less often at the rest. After warming up."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
