"""The words of the shop: what it sells, in the order in which things lead to the next, and who buys."""

from collections.abc import Iterator
from itertools import count, product

CATEGORIES = {
    "tea": "teapot|oolong tea|tea strainer|tea bowls|sencha|tea caddy|honey|teapot warmer",
    "coffee": "grinder|espresso beans|moka pot|espresso cups|milk frother|filter papers|biscotti|tamper",
    "table": "tablecloth|linen napkins|dinner plates|wine glasses|carafe|candlestick|place cards|cake stand",
    "baking": "mixing bowl|rye flour|proofing tin|dough scraper|baking stone|vanilla|pie dish|cooling rack",
    "kitchen": "chef's knife|cutting board|whetstone|apron|copper pan|wooden spoon|olive oil|salt cellar",
    "bath": "bath towel|olive soap|soap dish|bath salts|loofah|bathrobe|hand cream|laundry basket",
    "bedroom": "duvet|linen sheets|pillow|bed throw|lavender bag|night lamp|alarm clock|slippers",
    "candles": "beeswax candles|lantern|matches|incense|incense holder|tealights|snuffer|scented wax",
    "garden": "watering can|tomato seeds|terracotta pot|potting soil|trowel|plant labels|twine|bird feeder",
    "balcony": "deck chair|parasol|herb planter|basil seeds|string lights|side table|seat cushion|wind chime",
    "writing": "fountain pen|blue ink|notebook|blotting paper|letter paper|envelopes|sealing wax|desk tray",
    "drawing": "sketchbook|graphite pencils|eraser|watercolours|brushes|masking tape|easel|varnish",
    "knitting": "merino yarn|knitting needles|markers|pattern book|yarn bowl|buttons|wool wash",
    "sewing": "linen fabric|thread|sewing shears|pin cushion|thimble|bias tape|zips|sewing box",
    "toys": "wooden train|train tracks|station house|little figures|toy bridge|play mat|kite|spinning top",
    "hiking": "rucksack|water bottle|trail map|wool socks|first aid kit|head torch|trail mix|rain cape",
}
CONSUMABLES = frozenset(
    "oolong tea|sencha|honey|espresso beans|filter papers|biscotti|rye flour|vanilla|olive oil|olive soap"
    "|bath salts|hand cream|beeswax candles|matches|incense|tealights|scented wax|tomato seeds|potting soil"
    "|basil seeds|blue ink|letter paper|envelopes|watercolours|merino yarn|wool wash|thread|trail mix".split(
        "|"
    )
)
STYLES = (
    "blue|white|green|striped|small|large|antique|rustic|organic|handmade|walnut|brass|grey|floral|travel|gift"
    "|everyday|autumn|spring|limited|dotted|northern|classic|festive"
).split("|")
FIRST_NAMES = (
    "Ada|Bruno|Chloe|Dmitri|Elif|Farid|Greta|Hugo|Ines|Jonas|Kaya|Leo|Mina|Noor|Oskar|Priya|Quinn|Rosa|Samir|Tove"
    "|Umberto|Vera|Wanda|Xenia|Yuki|Zoran|Amara|Bastian|Carla|Dario|Esme|Finn|Goran|Hana|Ivo|Judith|Karim|Lotte"
).split("|")
FAMILY_NAMES = (
    "|Adler|Bianchi|Castro|Dahl|Eriksen|Fontaine|Gupta|Haas|Ito|Jansen|Kovac|Lindt|Moreau|Novak|Okafor|Petrov|Rossi"
    "|Silva|Tanaka|Ueda|Varga|Weber|Yilmaz|Zeman"
).split("|")


def things() -> list[tuple[str, list[str]]]:
    """Each category with what it sells, in its order."""
    return [(category, text.split("|")) for category, text in CATEGORIES.items()]


def people() -> Iterator[str]:
    """Names without end, each once: Ada, Bruno, ..., Ada Adler, ..., Ada 2, ..."""
    for round_ in count(1):
        for family, first in product(FAMILY_NAMES, FIRST_NAMES):
            yield " ".join(filter(None, (first, family, str(round_) if round_ > 1 else "")))


def styles() -> Iterator[str]:
    """Words before a thing, without end, each once: none, blue, white, ..., blue 2, ..."""
    yield ""
    for round_ in count(1):
        for style in STYLES:
            yield f"{style} " if round_ == 1 else f"{style} {round_} "
