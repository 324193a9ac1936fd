"""A stream that becomes another one: noticed as a function of its events, written down, and obeyed."""

import msgspec
import numpy as np
import pytest

from streamproc.config import Config, DriftConfig, KafkaConfig
from streamproc.contracts.control import Drift
from streamproc.contracts.events import encode
from streamproc.contracts.journal import Reader, pack_control, unpack
from streamproc.engine import drift, state
from streamproc.engine.drift import BLOCK, DRAWS, KEPT, Change, Signal, Watch
from streamproc.engine.learner import Learner
from streamproc.engine.model import BRIEF, LONG
from streamproc.evaluate import journal
from streamproc.evaluate.run import Evaluation
from streamproc.simulate.shop import Shop
from streamproc.trainer.follower import APPLIED, STALE, Follower
from tests.learning import restored
from tests.shop_journal import journal_of

SHIFT, EVENTS = 5250, 7000
SOON = 0.05  # delta; the default is for streams that are longer than those of tests
ACTING = DriftConfig(delta=SOON, discount=30.0, rate=2.0, events=700, refresh=True)


def settings(acting=ACTING):
    return Config(kafka=KafkaConfig(partitions=1), drift=acting)


CONFIG = settings()


def shop_events():
    """From number SHIFT on every item plays the part of another one."""
    shop = Shop(seed=11, users=300, items=400)
    names = shop.items.item_ids
    part = dict(zip(names, np.random.default_rng(11).permutation(names).tolist(), strict=True))
    for number, event in enumerate(shop.events(EVENTS)):
        yield event if number < SHIFT else msgspec.structs.replace(event, item_id=part[event.item_id])


SHIFTED = [encode(event) for event in shop_events()]


@pytest.fixture(scope="module")
def records():
    return journal_of(CONFIG, SHIFTED, batch=100)


@pytest.fixture(scope="module")
def written(records):
    """The journal with the record that the drift has led to."""
    return follow(records)[1]


def follow(records, config=CONFIG, obey=True):
    """A follower that has taken in these records, and after each what it wanted to be written down.

    Returns it, and the journal as it is then.
    """
    one, written = Follower(Learner(config, 1), Reader(), 0), []
    for value in records:
        one.apply(len(written), value)
        written.append(value)
        while obey and one.undecided:
            decision = pack_control(one.undecided.pop(0))
            one.apply(len(written), decision)
            written.append(decision)
    return one, written


def drifts(written):
    return [record for record in map(unpack, written) if isinstance(record, Drift)]


def shares(chance, blocks, seed=0):
    """What is seen of a chance in blocks of 500 events."""
    return (np.random.default_rng(seed).binomial(BLOCK, chance, blocks) / BLOCK).tolist()


def changes(signal, values):
    """By the number of the block after which they were noticed."""
    return {number: change for number, value in enumerate(values) if (change := signal.add(value))}


def test_a_fall_is_noticed_in_the_next_block():
    """With the share before and after it."""
    signal = Signal(0.002)

    found = changes(signal, [*shares(0.8, 40), *shares(0.4, 3)])

    [(number, change)] = found.items()
    assert number == 40
    assert change.before == pytest.approx(0.8, abs=0.01)
    assert change.after == pytest.approx(0.4, abs=0.05)


def test_a_small_fall_is_noticed_after_more_blocks():
    """It takes more to be sure."""
    found = changes(Signal(0.002), [*shares(0.5, 100), *shares(0.42, 40)])

    [(number, change)] = found.items()
    assert number > 101
    assert change.before == pytest.approx(0.5, abs=0.01)
    assert change.after == pytest.approx(0.42, abs=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_chance_alone_is_no_change(seed):
    """Half a million events of the same kind."""
    assert changes(Signal(0.002), shares(0.3, 1000, seed)) == {}


def test_a_detector_is_told_of_a_block_in_ones_and_zeros_that_lie_evenly():
    """Its mean is that of the blocks."""
    signal = Signal(0.002)

    for share in (0.25, 0.75, 0.5):
        signal.add(share)

    assert signal.mean == pytest.approx(0.5)
    assert Signal(0.002).mean == 0.0


@pytest.mark.parametrize("after", [1, 39, 40, 41, 2 * KEPT - 1, 2 * KEPT, 2 * KEPT + 1])
def test_a_detector_goes_on_from_what_a_snapshot_keeps(after):
    """Wherever it was stopped it notices the same, and it keeps no more than it has to."""
    values = [*shares(0.8, 40), *shares(0.6, 2 * KEPT), *shares(0.3, 40)]
    whole, first, second = Signal(0.002), Signal(0.002), Signal(0.002)
    expected = [whole.add(value) for value in values]

    begun = [first.add(value) for value in values[:after]]
    second.begin(first.shares)
    found = begun + [second.add(value) for value in values[after:]]

    assert found == expected
    assert sum(change is not None for change in found) >= 2
    assert len(whole.shares) <= 2 * KEPT
    assert (second.shares, second.mean) == (whole.shares, whole.mean)


def test_other_items_are_noticed():
    """And the same ones in other numbers are not, as long as they stay the usual ones."""
    watch, random = Watch(ACTING.model_copy(update={"delta": 0.002})), np.random.default_rng(1)
    noticed = []
    for block in range(60):
        first = 0 if block < 40 else 5000
        items = first + np.minimum(random.geometric(0.02, BLOCK), 400)
        watch.see(items.astype(np.uint64))
        watch.end_block(np.zeros((16, 6)), (block + 1) * BLOCK)
        noticed += watch.undecided()

    [found] = noticed
    assert (found.signal, found.event) == ("item_mix", 41 * BLOCK)
    assert found.before == pytest.approx(0.5, abs=0.05)
    assert found.after < 0.1
    assert found.refresh
    assert (found.discount, found.rate, found.events) == (1.0, 1.0, 0)  # what is known is not wrong


@pytest.mark.parametrize(("least", "expected"), [(0.1, 1), (0.6, 0)])
def test_only_a_fall_by_enough_counts(least, expected):
    """And a rise never does."""
    watch, sums = Watch(DriftConfig(least=least)), np.zeros((16, 6))
    for block, share in enumerate([*shares(0.4, 30), *shares(0.8, 30), *shares(0.4, 30)]):
        sums[0, 0] += BLOCK
        sums[0, 3] += BLOCK * share
        watch.end_block(sums, (block + 1) * BLOCK)

    assert len(watch.undecided()) == expected


def test_a_shift_is_noticed_once(written):
    """Within two blocks; the record says what is to be done."""
    [found] = drifts(written)

    assert found.signal == "hits"
    assert SHIFT < found.event <= SHIFT + 2 * BLOCK
    assert found.after < 0.9 * found.before
    assert (found.refresh, found.discount, found.rate, found.events) == (True, 30.0, 2.0, 700)


@pytest.mark.parametrize("batch", [1, 37, 1000])
def test_what_is_noticed_does_not_depend_on_how_the_events_were_cut(records, batch):
    """Nor what is learned meanwhile."""
    one, _ = follow(journal_of(CONFIG, SHIFTED, batch), obey=False)
    other, _ = follow(records, obey=False)

    assert one.undecided == other.undecided != []
    assert state.digest(one.learner) == state.digest(other.learner)


def test_nothing_is_done_until_the_record_is_read(records):
    """Noticing alone changes nothing that serves."""
    quiet = settings(DriftConfig(delta=SOON))
    noticing, _ = follow(records, obey=False)
    plain, _ = follow(records, quiet)

    assert len(noticing.undecided) == 1
    assert learned(noticing.learner) == learned(plain.learner)
    assert len(plain.undecided) == 0
    assert learned(follow(records)[0].learner) != learned(plain.learner)


def learned(learner):
    """The digest of everything but what is known of drifts."""
    return state.digest_of({n: a for n, a in state.arrays(learner).items() if not n.startswith("drift.")})


def test_a_record_takes_effect_when_it_is_read_and_only_once(records):
    """What comes counts 30 times as much, the recurrent head learns twice as fast, for 700 events."""
    one, _ = follow(records[:10])
    record = pack_control(Drift("hits", 900, 0.8, 0.4, False, 30.0, 2.0, 700))
    before, rate = one.learner.model.increments.copy(), CONFIG.heads.gru.rate

    first, second = one.apply(10, record), one.apply(11, record)

    assert (first.outcome, second.outcome) == (APPLIED, STALE)
    assert one.learner.model.increments[[LONG, BRIEF]] == pytest.approx(30.0 * before[[LONG, BRIEF]])
    assert one.learner.gru_config.rate == one.learner.encoder_config.rate == 2.0 * rate
    rates = []
    for offset, value in enumerate(records[10:30], 12):
        one.apply(offset, value)
        rates.append((one.learner.events, one.learner.gru_config.rate))
    assert [events for events, now in rates if now == rate] == list(range(2000, 3001, 100))


def test_an_earlier_record_of_the_same_signal_is_stale(records):
    """It was written by a trainer that was behind; of the other signal it counts."""
    one, _ = follow(records[:10])

    outcomes = [
        one.apply(offset, pack_control(Drift(signal, event, 0.8, 0.4))).outcome
        for offset, (signal, event) in enumerate([("hits", 1000), ("hits", 500), ("item_mix", 500)], 10)
    ]

    assert outcomes == [APPLIED, STALE, APPLIED]


def test_what_the_journal_holds_already_is_not_written_again(written):
    """A trainer that learns again notices again."""
    again, _ = follow(written, obey=False)

    assert again.undecided == []


@pytest.mark.parametrize("after", [-20, -1, 0, 1, 4, 8])
def test_a_restart_from_a_copy_ends_with_the_same_state(written, after):
    """Before a drift, between its being noticed and its being read, while rates are raised, and after."""
    whole, _ = follow(written)
    stop = place_of_drift(written) + after
    before, _ = follow(written[:stop], obey=False)
    after = Follower(restored(CONFIG, before.learner), Reader(before.reader.highest), before.position)

    for offset in range(stop, len(written)):
        after.apply(offset, written[offset])

    assert state.digest(after.learner) == state.digest(whole.learner)
    assert after.undecided == []


def place_of_drift(written):
    """Of its record; the one before it holds the event by which it was noticed."""
    return next(place for place, value in enumerate(written) if isinstance(unpack(value), Drift))


def test_a_restart_still_asks_for_what_was_noticed(records):
    """The trainer died before it could write it down."""
    one, _ = follow(records, obey=False)
    noticed = one.undecided
    stop = place_of_drift(follow(records)[1])
    before, _ = follow(records[:stop], obey=False)
    after = Follower(restored(CONFIG, before.learner), Reader(before.reader.highest), before.position)
    for offset in range(stop, len(records)):
        after.apply(offset, records[offset])

    assert after.undecided == noticed


def test_a_snapshot_of_before_there_were_drifts_is_taken(records):
    """Its learner begins to watch."""
    one, _ = follow(records[:20])
    older = {name: each.copy() for name, each in state.arrays(one.learner).items() if "drift." not in name}
    again = Learner(CONFIG, 1)

    state.restore(again, older)

    assert learned(again) == learned(one.learner)
    assert again.watch.signals[0].shares == []


def test_switched_off_nothing_is_noticed_but_records_are_obeyed(records, written):
    """They may be of before it was switched off."""
    off = settings(DriftConfig(enabled=False))

    one, _ = follow(records, off)
    obeying, _ = follow(written, off)

    assert one.undecided == []
    assert learned(obeying.learner) == learned(follow(written)[0].learner)


def test_a_recorded_journal_is_learned_again_as_it_was(records, written):
    """`evaluate --journal` decides nothing anew."""
    whole, _ = follow(records)
    learner, reader = Learner(CONFIG, 1), Reader()

    for value in written:
        journal.follow(learner, reader, value)

    assert state.digest(learner) == state.digest(whole.learner)


def test_an_evaluation_of_a_file_tells_of_drifts_and_acts_on_them():
    """As the product would, with and without refreshes."""
    reports = []
    for acting in (DriftConfig(delta=SOON), ACTING, DriftConfig(enabled=False)):
        run = Evaluation(settings(acting))
        run.feed(SHIFTED)
        reports.append(run.measured().report)

    assert [len(report.refreshes.drifts) for report in reports] == [1, 1, 0]
    assert reports[0].models == reports[2].models != reports[1].models


def test_a_change_is_a_pair_of_shares():
    """Unknown signals are no record of this version."""
    assert Change(0.5, 0.25)._asdict() == {"before": 0.5, "after": 0.25}
    assert unpack(pack_control(Drift("hits", 1, 0.5, 0.25))) == Drift("hits", 1, 0.5, 0.25)
    assert set(drift.SIGNALS) == {"hits", "item_mix"}
    assert DRAWS % 4 == 0
