"""What the learner needs beside the model: its numbers, its bookkeeping, and the users of each partition."""

from typing import NamedTuple

from streamproc.engine.ids import Ids
from streamproc.engine.reading import FactorRules, Reading
from streamproc.engine.seen import Seen
from streamproc.engine.window_arrays import Windows
from streamproc_models.arrays import F64, I32, I64, U8
from streamproc_models.evaluation import Record
from streamproc_models.kernel import tight


class Settings(NamedTuple):
    """The numbers of the config that the loop needs."""

    reading: Reading
    pairs: int  # newest items that a new one is paired with
    backward: float
    growth: float  # of the weight of one event in co-visitation and Markov, per event
    session_growth: float  # and in the session's table
    factors: FactorRules
    fusion_every: int  # it learns on every so many-th event,
    settled_after: int  # and after so many predictions,
    settled_every: int  # on every so many-th
    twin_rate: float
    twin_every: int
    sample_every: int  # a full slate is made for every so many-th prediction, for coverage and the gate
    exclude_seen: bool
    use_markov: bool
    use_covisitation: bool
    use_session: bool
    use_bias: bool
    use_gru: bool
    request_clock: bool  # rank as of the time of the event to come, not of the user's newest one
    compare: bool  # with fusions that do not learn
    answer: int  # whose slates are looked at: the fusion's, or of one of these
    shadow_warmup: int  # predictions in shadow before the comparison begins


class Memory(NamedTuple):
    """What only the learner holds beside the model."""

    record: Record
    dirty: U8  # (items,), changed since the last sync
    dirty_rows: I32  # (items,)
    shown: U8  # (items,), was on a sampled slate
    gate: F64  # (4,), sums of the sampled gates, and their number
    counters: I64  # (3,): dirty items; events seen in shadow, -1 where nothing runs in shadow; as below
    shadow: F64  # (5,): trials, hits and reciprocal ranks of the fusion, then of the shadow


DIRTY, SHADOWED, PREDICT_EVERY = 0, 1, 2  # places in `counters`; every so many-th event is predicted


class Partition(NamedTuple):
    """The users of one source partition, as the learner knows them."""

    windows: Windows
    ids: Ids
    seen: Seen
    dirty: U8  # (users,)
    dirty_rows: I32  # (users,)
    dirty_count: I64  # (1,)
    gone: Ids  # ids of users forgotten since the last sync
    gone_count: I64  # (1,)


@tight
def mark_item(memory: Memory, item: int) -> None:
    """The item's row has to be published again."""
    if memory.dirty[item] == 0:
        memory.dirty[item] = 1
        memory.dirty_rows[memory.counters[DIRTY]] = item
        memory.counters[DIRTY] += 1


@tight
def mark_user(part: Partition, row: int) -> None:
    """The user's state has to be published again."""
    if part.dirty[row] == 0:
        part.dirty[row] = 1
        part.dirty_rows[part.dirty_count[0]] = row
        part.dirty_count[0] += 1
