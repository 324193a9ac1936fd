"""How soon a silent trainer is replaced."""

import asyncio

import pytest

from streamproc.config import Config
from streamproc.kafka.app import make_app
from streamproc.kafka.lease import Limits
from streamproc.trainer.part import session_timeout


@pytest.mark.parametrize(("group", "own", "expected"), [(10.0, 6.0, 6.0), (3.0, 6.0, 3.0), (60.0, 8.0, 8.0)])
def test_a_trainer_is_replaced_sooner_than_a_worker_and_never_later(group, own, expected):
    """Its own limit holds, unless that of all parts is shorter."""
    config = Config(kafka={"session_timeout": group}, trainer={"session_timeout": own})

    assert session_timeout(config) == expected


def test_the_session_of_a_part_is_what_its_group_is_told(tmp_path):
    """With six heartbeats in it; without a word it is that of all parts."""
    config, limits = Config(data_dir=tmp_path), Limits(batch=1, seconds=1.0)
    before = asyncio.get_event_loop_policy()

    with asyncio.Runner():
        own = make_app(config, "trainer", "journal", object(), limits, 6.0)
        other = make_app(config, "worker", "events", object(), limits)

    assert (own.conf.broker_session_timeout, own.conf.broker_heartbeat_interval) == (6.0, 1.0)
    assert other.conf.broker_session_timeout == config.kafka.session_timeout
    assert asyncio.get_event_loop_policy() is before
