"""Everything that is known of the users of one partition, as flat arrays: a row each, and pages of entries.

A window is a ring of pages that grows by one page at a time, so that a user takes room for what there is
and not for what there could be. Pages come from one arena, and go back to it with their user.
"""

from typing import NamedTuple

from streamproc_models.arrays import I16, I32, I64, U8, U32, U64
from streamproc_models.heads import history

RING = history.LENGTH  # entries of a window, at most; the config may use fewer
SHORT_TERM = history.SHORT_TERM  # of them, the newest: what is ranked by, and how long a dislike lasts
PAGE = 32  # entries
NONE = -1
USERS, COLDEST, HOTTEST, FREED, EVICTED, LIMIT = 0, 1, 2, 3, 4, 5  # places in `counters`: of users
PAGES, FREE_PAGE, FREE_PAGES = 6, 7, 8  # of pages: ever taken, the first free one, free ones
MAX_AGE, SESSION_GAP, LATE_ALLOWANCE, LENGTH = 0, 1, 2, 3  # places in `bounds`: three in ms, entries


class Windows(NamedTuple):
    """The states of the users of one partition, row = user."""

    keys: U64  # (table,) hash table: user -> row
    rows: I32  # (table,)
    user: U64  # (users,) hash of the id; 0 where the row is free
    newest: I64  # (users,) event time of the newest event, ms
    offset: I64  # (users,) source offset of the last accepted event
    source: U64  # (users,) source of the last sequenced event id
    sequence: I64  # (users,) newest number of that source
    session: U64  # (users,) hash of the current session id; 0 where none was given
    length: I16  # (users,) entries in the window
    page: I32  # (users,) that of the newest entry; NONE where there is no entry
    place: U8  # (users,) of the newest entry, in its page
    known: I32  # (users,) event ids ever remembered
    ids: U64  # (users, E) ring of event id hashes
    vectors: I16  # (users, H + D) recurrent state before the newest item, in 1/32767; factors, in 1/4096
    encoder: I32  # (users,) generation of the encoder that `encoded` is by; no row before there is one
    encoded: I16  # (users, E) recurrent state before the newest item by that encoder, in 1/32767
    colder: I32  # (users,) chain by activity
    hotter: I32  # (users,)
    older: I32  # (pages,) page with the entries before; from the oldest on to the newest; chain of the free
    items: U64  # (pages, PAGE) item hashes
    times: U32  # (pages, PAGE) event times, s
    flags: U8  # (pages, PAGE) event types and marks
    counters: I64  # (9,)
    bounds: I64  # (4,)


# Which arrays have one row per page, and which are kept whole; all others but the table have one per user.
LATER = frozenset(("encoder", "encoded"))  # of these, but only once they are needed
PER_PAGE = frozenset(("older", "items", "times", "flags"))
WHOLE = frozenset(("counters", "bounds"))
