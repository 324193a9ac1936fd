"""What the console says of generations and snapshots, what can be ordered, and what is asked before."""

from pathlib import Path

import pytest

from streamproc.clock import ManualClock
from streamproc.config import ServerConfig
from streamproc.contracts.control import Generation, Promote, Reject
from streamproc.contracts.journal import Chunk, pack_chunk, pack_control
from streamproc.engine.snapshots import Manifest, Standing
from streamproc.orders.generations import Generations
from streamproc.server.admission import LOGINS, Admission
from streamproc.server.confirming import Confirming
from streamproc.server.console.generations import told
from streamproc.server.console.snapshots import line
from streamproc.server.orders import Done, standings
from tests import serving

HERE, THERE = "10.0.0.1", "10.0.0.2"
TOKEN = "s3cret"


def fitted(number, sha256=""):
    return [
        pack_chunk(Chunk(number, 0, b"")),
        pack_control(Generation(number, "ease", 120, 1, sha256 or f"content {number}", 40, 1000 * number)),
    ]


def read(*records):
    found = Generations()
    for value in records:
        found.add(value)
    return found


@pytest.fixture
def found():
    """1 was promoted, 2 rejected, 3 promoted by order, 4 is in shadow."""
    return read(
        *fitted(1), pack_control(Promote(1, 0.5, 0.4, 99)),
        *fitted(2), pack_control(Reject(2, "it is worse")),
        *fitted(3), pack_control(Promote(3, 0.0, 0.0, 0, "Ann")),
        *fitted(4),
    )  # fmt: skip


def test_every_generation_says_what_became_of_it_and_what_can_be_ordered(found):
    """The newest first; to what serves, and to what was rejected, there is no going back."""
    assert [(each.number, each.state, each.verbs) for each in standings(found)] == [
        (4, "in shadow", ("promote", "reject")),
        (3, "serves, by order of Ann", ()),
        (2, "rejected: it is worse", ()),
        (1, "served", ("roll back",)),
        (0, "served before the first", ("roll back",)),
    ]
    assert standings(found)[0].what == "EASE, 120 items"


def test_where_nothing_has_served_there_is_nothing_to_go_back_to():
    """Only what is in shadow can be decided on."""
    assert standings(read()) == []
    assert [each.verbs for each in standings(read(*fitted(1)))] == [("promote", "reject")]


def test_a_copy_is_known_as_one(found):
    """To what it is a copy of there is no going back: that serves already."""
    back = [*fitted(5, "content 1"), pack_control(Promote(5, 0.0, 0.0, 0, "Ann", like=1))]
    for value in back:
        found.add(value)

    by = {each.number: each for each in standings(found)}

    assert by[5].what == "EASE, 120 items; a copy of 1" and by[5].state == "serves, by order of Ann"
    assert (by[1].verbs, by[3].verbs) == ((), ("roll back",))
    assert by[4].state == "gave way to the next one before it was judged"


def test_what_has_left_the_journal_cannot_serve_again():
    """Its record is there, its arrays are not."""
    [_, control] = fitted(1)
    found = read(
        control, pack_control(Promote(1, 0.5, 0.4, 99)), *fitted(2), pack_control(Promote(2, 0.5, 0.4, 9))
    )

    assert standings(found)[1].verbs == ()
    assert standings(found)[1].state == "served; its arrays have left the journal"


def test_without_a_token_the_number_is_typed():
    """So that no click alone changes what serves."""
    confirming = Confirming(Admission(ServerConfig()))

    assert confirming.asked(3) == "Type 3 to confirm"
    assert confirming.refusal(" 3 ", 3, HERE) == ""
    for wrong in ("", "2", "33", "three"):
        assert "That is not 3" in confirming.refusal(wrong, 3, HERE)


def test_where_there_is_a_token_it_is_typed_again():
    """Neither a number nor another token will do, and guesses count as those of the login do."""
    clock = ManualClock()
    admission = Admission(ServerConfig(token=TOKEN), clock)
    confirming = Confirming(admission)

    assert "token" in confirming.asked(3)
    assert confirming.refusal(TOKEN, 3, HERE) == ""
    for wrong in ["3", "", "s3cre", *["no"] * (LOGINS - 3)]:
        assert "nothing was done" in confirming.refusal(wrong, 3, HERE)
    assert confirming.refusal(TOKEN, 3, HERE) == "Too many wrong tokens from this address: wait 60 s"
    assert admission.typed.wait(HERE) == 60
    assert confirming.refusal(TOKEN, 3, THERE) == ""
    clock.advance(60.0)
    assert confirming.refusal(TOKEN, 3, HERE) == ""


@pytest.mark.parametrize(
    ("offset", "trainer", "said"),
    [
        (0, "good", "Done. Generation 2 is promoted, from journal offset 0 on."),
        (70, "good", "in the journal, at offset 70; the trainer has not read it yet: it is at"),
        (70, "bad", "none answers: start one with `streamproc trainer`"),
        (-1, "good", "Generation 2 is promoted already; nothing was written."),
    ],
)
def test_an_order_is_followed_until_the_trainer_has_obeyed(offset, trainer, said):
    """The model tells up to where the trainer has learned."""
    state = serving.state()
    assert 0 < state.view.learned_to <= 70

    assert said in told(Done("Generation 2 is promoted", offset), state, trainer)


def test_a_snapshot_says_how_to_go_back_to_it():
    """And how far it has been checked."""
    manifest = Manifest(
        learned_to=1500,
        highest=[7],
        version=3,
        events=9000,
        generation=2,
        digest="",
        created_at=0,
        size=2_000_000,
    )
    whole, damaged = (
        Standing(Path("snapshot-1"), manifest),
        Standing(Path("snapshot-2"), None, "checksum", "it is not whole"),
    )

    assert line(whole, True, 5000) == [
        "1,500", "5 s", "9,000", "2", "2.0 MB", "every byte", "streamproc snapshot rollback 1500",
    ]  # fmt: skip
    assert line(whole, False, 5000)[5] == "its manifest"
    assert line(damaged, True, 5000)[5:] == ["DAMAGED: it is not whole", "an older one"]
