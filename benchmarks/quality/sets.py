"""The streams: how each is read, what has to be reached on it, and what has been looked at before."""

from typing import Any, NamedTuple

from benchmarks.sources import DIGINETICA, ONLINE_RETAIL, SHOP, SOURCES, YOOCHOOSE, Source

FOR_EVER = 1e8  # seconds, longer than any file whose rows are a second apart
RETURNING = "returning"  # not a set of its own: users of the simulated shop who come back to an old taste
NO_TIMES = "The file has an order but no times: rows are a second apart, and a session is a user."


class Level(NamedTuple):
    """What the fusion has to reach over all evaluated events."""

    recall_at_20: float
    mrr_at_20: float


class Set(NamedTuple):
    """One stream, and how it is judged."""

    name: str
    title: str
    source: Source
    must: Level | None
    aim: Level | None
    told: str  # what the events are
    settings: dict[str, Any]  # all that differs from the defaults
    looked_at: str = "never"  # while features were chosen
    first: int | None = None  # events, where it is not all of them

    @property
    def new_pairs(self) -> bool:
        """Whether only a user's first event with an item counts."""
        return bool(self.settings.get("rules", {}).get("exclude_seen"))


_ORDERED = {"window": {"session_gap": FOR_EVER}}
_NEW_PAIRS = {"rules": {"exclude_seen": True}}

SETS = {
    each.name: each
    for each in (
        Set(
            "diginetica", "DIGINETICA",
            SOURCES[DIGINETICA],
            Level(0.520, 0.194), Level(0.529, 0.197),
            f"Item views of a web shop in sessions, 5 months of 2016 (CIKM Cup). {NO_TIMES}",
            _ORDERED, "first 60,000 to 250,000 events",
        ),
        Set(
            YOOCHOOSE, "YOOCHOOSE, first million",
            SOURCES[YOOCHOOSE],
            Level(0.690, 0.362), Level(0.698, 0.367),
            f"Clicks in sessions, April 2014 (RecSys Challenge 2015). {NO_TIMES}",
            _ORDERED, first=1_000_000,
        ),
        Set(
            "deskdrop", "Deskdrop",
            Source("deskdrop/events.csv.xz", "user=user,item=item,ts=ts,type=:view"),
            Level(0.840, 0.565), Level(0.847, 0.576),
            "Articles read, liked, bookmarked, commented or followed by the people of a company, 2016 to "
            "2017; all of them count as views. A silence of 30 minutes ends a session; the file's sessions "
            "are not used.",
            {}, "all",
        ),
        Set(
            ONLINE_RETAIL, "Online Retail",
            SOURCES[ONLINE_RETAIL],
            Level(0.418, 0.202), Level(0.432, 0.209),
            "Lines of invoices of a gift wholesaler, December 2010 to December 2011; lines without a "
            "customer and returns are left out. All lines of an invoice have the same minute.",
            {}, "first 40,000 to 200,000 events",
        ),
        Set(
            "ml-100k", "MovieLens 100K, new pairs",
            Source("ml-100k/events.csv.xz", "user=user,item=item,ts=ts,type=:view", ("rating>=5",)),
            Level(0.278, 0.075), Level(0.290, 0.081),
            "Five-star ratings, 1997 to 1998. What the user has rated is never shown again.",
            _NEW_PAIRS, "all",
        ),
        Set(
            "ml-1m-sample", "MovieLens 1M, sample, new pairs",
            Source("ml-1m-sample/events.csv.xz", "user=user,item=item,ts=ts,type=:view"),
            Level(0.262, 0.077), Level(0.280, 0.084),
            "A sample of the five-star ratings of 2000. What the user has rated is never shown again.",
            _NEW_PAIRS,
        ),
        Set(
            "rsc15-100k", "rsc15, 100,000 clicks",
            Source("rsc15-100k/events.csv.xz", "user=session,item=item,ts=ts,type=:view"),
            Level(0.675, 0.375), Level(0.684, 0.382),
            "A week of YOOCHOOSE's clicks with their times; a session is a user.",
            {},
        ),
    )
}  # fmt: skip

SIMULATED = Set(SHOP, "Simulated shop", Source("", ""), None, None, "Events of a simulated shop.", {}, "all")
