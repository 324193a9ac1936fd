"""Moments that no signal hits, which a right pipeline bears; and bugs of the product, which are found."""

import pytest

pytestmark = pytest.mark.kafka

PATIENCE = 10.0  # seconds; a pipeline with a bug may never come to its end

BORNE = {
    "zombies with batches of theirs": (
        ("stops_before_append", "stops_before_ack"), {"workers": 3},
        {"stops_before_append-0", "stops_before_append-1", "stops_before_ack-0"},
    ),
    "killed after an append, appends lost, unheard and late, and a zombie's before every lease's first": (
        ("overlaps", "loses_appends", "dies_after_append"), {},
        {"overlaps-0", "dies_after_append-1", "loses_appends_unsent-0", "loses_appends_late-0"},
    ),
}  # fmt: skip
BUGS = {  # by the part that has it; what else is done; what has to be found
    "drops_a_record": (["worker"], (), {"lost", "broken"}),
    "two_in_flight": (["worker"], (), {"lost", "broken"}),
    "learns_one_twice": (["trainer"], (), {"users_differing"}),
    "forgets_the_tail": (["worker"], ("kill-worker",), {"wrong"}),
    "takes_only_what_follows": (["worker", "trainer"], (), {"users_differing"}),
    "letters_come_last": (["worker"], (), {"letters_missing"}),
}
LONG_AGO = 30.0  # seconds from one sync of the users to the next, so that a restore needs all of the journal


@pytest.mark.parametrize("name", BORNE)
async def test_what_befalls_a_worker_between_two_steps_is_borne(name, hurt, planted):
    """Observed and not journalled, journalled and not heard of, killed, delayed: all counts once."""
    program, folder = planted
    names, more, happened = BORNE[name]

    report = await hurt(programs={"worker": program(*names)}, events=14_000, rate=700.0, **more)

    assert happened <= {file.name for file in folder.iterdir()}
    assert report.right, (report.verdict.complaints, report.as_dict())


@pytest.mark.parametrize("bug", BUGS)
async def test_a_bug_in_the_running_product_is_found(bug, hurt, planted):
    """Six, each planted in the product itself; the figures say which promise is broken."""
    program, folder = planted
    parts, faults, found = BUGS[bug]
    zombies = ["overlaps"] if bug == "takes_only_what_follows" else []  # without them it does not matter
    programs = {part: program(*(zombies if part == "worker" else []), bug) for part in parts}
    pause, patience = (LONG_AGO, LONG_AGO + PATIENCE) if bug == "forgets_the_tail" else (1.0, PATIENCE)
    settings = {"sync": {"users_interval": pause}}

    report = await hurt(faults, len(faults), programs, settings, events=5000, rate=1000.0, patience=patience)

    assert (folder / f"{bug}-0").exists()
    assert not report.right
    assert {name for name in found if not getattr(report.verdict, name)} == set(), report.as_dict()
