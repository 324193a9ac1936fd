"""The learner's whole state as named arrays, for a snapshot, and back.

Whatever decides the future is here, statistics included; what is not: what was changed since the last sync
(a snapshot is taken right after one) and hash tables (made anew). Rows beyond those in use are left out.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamproc.engine import drift, generations, ids, model, seen, windows
from streamproc.engine.ids import Ids
from streamproc.engine.learner import Learner, Users
from streamproc.engine.memory import PREDICT_EVERY, SHADOWED
from streamproc.engine.model import Challenger
from streamproc.engine.window_arrays import LIMIT, PAGES, PER_PAGE, WHOLE
from streamproc.errors import BadSnapshot, NotFinite
from streamproc_models.heads.encoder import Encoder
from streamproc_models.heads.gru import BIAS

Arrays = dict[str, NDArray[Any]]

# What has one row per item; every other array of the model is kept whole.
PER_ITEM = frozenset(
    "item next_free features popularity.counts popularity.last popularity.first"
    " markov.neighbours markov.weights markov.fill markov.totals"
    " covisitation.neighbours covisitation.weights covisitation.fill covisitation.totals"
    " session.neighbours session.weights session.fill session.totals bias.values bias.squares"
    " factors.items gru.embeddings gru.bias gru.embeddings_sums gru.bias_sums gru.counts"
    " encoder.gru.embeddings encoder.gru.bias encoder.gru.embeddings_sums encoder.gru.bias_sums"
    " encoder.gru.counts long_term.neighbours long_term.weights pool.place".split()
)
# What follows from the other arrays or from the configuration, or is gone with the next prediction.
TABLES = frozenset(("keys", "rows", "mask", "rates", "keeps", "places"))


def arrays(learner: Learner) -> Arrays:
    """Views of everything, by name."""
    found: Arrays = {}
    for name, array in _flat(learner.model, "model."):
        found[name] = array[: learner.items] if name.removeprefix("model.") in PER_ITEM else array
    if learner.shadow is not None:
        found |= _shadow(learner, learner.items)
    found |= {"items." + name: array for name, array in _texts(learner.item_ids, learner.items).items()}
    memory = learner.memory
    found["memory.gate"], found["memory.shadow"] = memory.gate, memory.shadow
    found["memory.shown"] = memory.shown[: learner.items]
    found["memory.shadowed"] = memory.counters[SHADOWED : SHADOWED + 1]
    found["memory.predict_every"] = memory.counters[PREDICT_EVERY : PREDICT_EVERY + 1]
    found |= dict(_flat(memory.record, "record."))
    for number, users in enumerate(learner.users):
        found |= {f"users.{number}.{name}": array for name, array in _users(users).items()}
    found |= {"chunks." + name: array for name, array in learner.assembler.arrays().items()}
    found |= {"drift." + name: array for name, array in drift.arrays(learner.watch).items()}
    found["newest"] = np.array([learner.newest], np.int64)
    return found


def digest(learner: Learner) -> str:
    """sha256 over every array: equal where and only where everything learned is equal."""
    return digest_of(arrays(learner))


def digest_of(found: Mapping[str, NDArray[Any]]) -> str:
    """The digest of the learner whose `arrays` these are, or copies of them."""
    whole = hashlib.sha256()
    for name, array in sorted(found.items()):
        whole.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        whole.update(np.ascontiguousarray(array).data)
    return whole.hexdigest()


def require_finite(found: Mapping[str, NDArray[Any]]) -> None:
    """Raises NotFinite, naming the arrays, where one holds a NaN or an infinity: that must not be kept."""
    wrong = [
        name for name, array in found.items() if array.dtype.kind == "f" and not np.isfinite(array).all()
    ]
    if wrong:
        raise NotFinite(
            f"{', '.join(wrong)} holds numbers that are not finite", "Go on from an older snapshot"
        )


def restore(learner: Learner, saved: Mapping[str, NDArray[Any]]) -> None:
    """Takes what `arrays` gave into a new learner of the same configuration; BadSnapshot if it cannot."""
    try:
        _restore(learner, saved)
    except (KeyError, ValueError) as error:
        raise BadSnapshot(
            f"the snapshot does not fit this configuration ({error})",
            "Restore the configuration it was made with, or remove it to learn again from the journal",
        ) from error


def _restore(learner: Learner, saved: Mapping[str, NDArray[Any]]) -> None:
    items = int(saved["model.counters"][model.ITEMS])
    if items > model.capacity(learner.model):
        learner.resize(items)
    if saved["model.encoder.since"][0] > 0 and learner.config.heads.encoder.enabled:
        learner.take_encoder(generations.room_for_encoder(learner))
        learner.encoder_changed = False  # what was published is there already
    for name, array in _flat(learner.model, "model."):
        _fill(array, saved[name], name)
    model.rehash(learner.model)
    learner.item_ids = _named(saved, "items.", model.capacity(learner.model))
    _let_newcomers_start(learner.model.encoder, items)
    memory = learner.memory
    for name in ("gate", "shadow", "shown"):
        _fill(getattr(memory, name), saved["memory." + name], name)
    memory.counters[SHADOWED] = saved["memory.shadowed"][0]
    if "memory.predict_every" in saved:  # not in a snapshot of before there was any
        memory.counters[PREDICT_EVERY] = saved["memory.predict_every"][0]
    for name, array in _flat(memory.record, "record."):
        _fill(array, saved[name], name)
    if "shadow.lasting" in saved:
        learner.shadow = _room_for_shadow(learner, "shadow.encoder.since" in saved)
        for name, array in _shadow(learner, model.capacity(learner.model)).items():
            _fill(array, saved[name], name)
        _let_newcomers_start(learner.shadow.encoder, items)
    for number, users in enumerate(learner.users):
        _restore_users(users, _under(f"users.{number}.", saved))
    learner.assembler.restore(_under("chunks.", saved))
    drift.restore(learner.watch, _under("drift.", saved))
    learner.take_rates()
    learner.newest = int(saved["newest"][0])
    learner.kept_house_at = learner.events


def _flat(group: Any, prefix: str) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, value in group._asdict().items():
        if name in TABLES:
            continue
        if isinstance(value, tuple):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _shadow(learner: Learner, rows: int) -> Arrays:
    shadow = learner.shadow
    if shadow is None:
        return {}
    found: Arrays = {
        "shadow.neighbours": shadow.long_term.neighbours[:rows],
        "shadow.weights": shadow.long_term.weights[:rows],
        "shadow.lasting": shadow.lasting,
    }
    if shadow.encoder is not learner.model.encoder:
        for name, array in _flat(shadow.encoder, "encoder."):
            found["shadow." + name] = array[:rows] if name in PER_ITEM else array
    return found | dict(_flat(shadow.fusion, "shadow.fusion."))


def _let_newcomers_start(encoder: Encoder, items: int) -> None:
    """Rows that nobody has had yet are in no snapshot: whoever gets one has the bias of an unknown item."""
    encoder.gru.bias[items:] = encoder.gru.newcomer[BIAS]


def _room_for_shadow(learner: Learner, with_encoder: bool) -> Challenger:
    shadow = generations.challenger(learner)
    if with_encoder:  # its number makes it another one before its arrays are filled
        shadow = shadow._replace(encoder=generations.room_for_encoder(learner))
    return shadow


def _users(users: Users) -> Arrays:
    w, rows = users.windows, users.windows.used
    pages = int(w.arrays.counters[PAGES])
    found = {
        name: array if name in WHOLE else array[: pages if name in PER_PAGE else rows]
        for name, array in w.arrays._asdict().items()
        if name not in TABLES
    }
    found |= {"names." + name: array for name, array in _texts(w.names, rows).items()}
    pairs = int(w.seen.counters[seen.PAIRS])
    found |= {"seen." + name: getattr(w.seen, name)[:pairs] for name in ("item", "user", "earlier")}
    found["seen.latest"], found["seen.counters"] = w.seen.latest[:rows], w.seen.counters
    return found


def _restore_users(users: Users, saved: Mapping[str, NDArray[Any]]) -> None:
    rows, w = saved["user"].size, users.windows
    w.resize(max(rows, w.rows))
    w.reserve_pages(len(saved["items"]))
    if saved["encoder"].size:
        w.hold_encoded()
    users.widen()
    for name, array in w.arrays._asdict().items():
        if name not in TABLES and name != "bounds":
            _fill(array, saved[name], name)
    windows.rehash(w.arrays)
    w.arrays.counters[LIMIT] = w.limit  # the present configuration's, as the room that is reserved
    w.names = _named(saved, "names.", w.rows)
    w.seen = seen.load(_under("seen.", saved), w.rows)


def _texts(names: Ids, rows: int) -> Arrays:
    """Ids one after the other, whatever the order in which they came."""
    return {"text": ids.joined(names, rows), "length": names.length[:rows]}


def _named(saved: Mapping[str, NDArray[Any]], prefix: str, rows: int) -> Ids:
    text, length = saved[prefix + "text"], saved[prefix + "length"]
    names = ids.reserve(ids.empty(rows), rows, text.size)
    names.data[: text.size] = text
    names.length[: length.size] = length
    names.start[: length.size] = np.cumsum(length) - length
    names.counters[:] = text.size
    return names


def _under(prefix: str, saved: Mapping[str, NDArray[Any]]) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in saved.items() if name.startswith(prefix)}


def _fill(target: NDArray[Any], source: NDArray[Any], name: str) -> None:
    if target.shape[1:] != source.shape[1:] or len(source) > len(target) or target.dtype != source.dtype:
        found, wanted = f"{source.dtype}{list(source.shape)}", f"{target.dtype}{list(target.shape)}"
        raise ValueError(f"{name} is {found}, wanted {wanted}")
    target[: len(source)] = source
