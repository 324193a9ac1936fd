"""Where real streams are, and how their files are read; light, for those who only want the names."""

from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parents[2] / "shared" / "data"
YOOCHOOSE, ONLINE_RETAIL, DIGINETICA = "yoochoose", "online-retail", "diginetica"
SHOP = "simulated shop"


class Source(NamedTuple):
    """A file of events, and how to read it."""

    path: str
    columns: str
    where: tuple[str, ...] = ()


SOURCES = {
    YOOCHOOSE: Source("yoochoose-ader/events.csv.xz", "user=session,item=item,ts=#,type=:view"),
    ONLINE_RETAIL: Source(
        "online-retail/events.csv.xz",
        "user=CustomerID,item=StockCode,ts=InvoiceDate,type=:purchase",
        ("CustomerID!=", "Quantity>0"),
    ),
    DIGINETICA: Source("diginetica-ader/events.csv.xz", "user=session,item=item,ts=#,type=:view"),
}
