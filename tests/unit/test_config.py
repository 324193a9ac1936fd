"""Settings: one tree, four places, and a typo that stops the start."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from streamproc.commands.config import leaves
from streamproc.config import Config, load
from streamproc.errors import ConfigError

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "streamproc.toml"


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch, tmp_path):
    """No file in the current folder and no variable of ours in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith("STREAMPROC_")]:
        monkeypatch.delenv(name)


def written(tmp_path, text):
    file = tmp_path / "given.toml"
    file.write_text(text, "utf-8")
    return file


def test_with_nothing_given_the_defaults_hold():
    """Loading from nowhere is the plain tree."""
    assert load() == Config()


def test_the_reference_file_is_exactly_the_defaults():
    """Copying it changes nothing."""
    assert load(REFERENCE) == Config()


def test_the_reference_file_names_every_setting():
    """A reader finds all there is, also what is not set by default, in the group where it belongs."""
    set_or_shown = re.sub(r"^# (\w+ = )", r"\1", REFERENCE.read_text("utf-8"), flags=re.MULTILINE)
    named = {location for location, _ in leaves(tomllib.loads(set_or_shown))}

    every = {location for location, _ in leaves(Config().model_dump()) if location[:2] != ("events", "types")}

    assert every - named == set()


def test_the_reference_file_leaves_the_embedded_broker_on():
    """A set address means a cluster of one's own, even if it is the default one."""
    assert "bootstrap_servers" not in load(REFERENCE).kafka.model_fields_set
    assert (
        "bootstrap_servers"
        in load(None, {"kafka": {"bootstrap_servers": "127.0.0.1:1"}}).kafka.model_fields_set
    )


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path, monkeypatch):
    """Each place overrides single settings of the weaker ones, not whole groups."""
    file = written(tmp_path, '[kafka]\nprefix = "file."\npartitions = 2\nreplication_factor = 3\n')
    monkeypatch.setenv("STREAMPROC_KAFKA__PREFIX", "environment.")
    monkeypatch.setenv("STREAMPROC_KAFKA__PARTITIONS", "8")

    kafka = load(file, {"kafka": {"prefix": "flag."}}).kafka

    assert (kafka.prefix, kafka.partitions, kafka.replication_factor) == ("flag.", 8, 3)


def test_a_file_in_the_current_folder_is_read(tmp_path):
    """Without --config, streamproc.toml counts."""
    (tmp_path / "streamproc.toml").write_text("seed = 11\n", "utf-8")

    assert load().seed == 11


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"haeds": {}}, "unknown field `haeds` in a flag; did you mean `heads`?"),
        ({"heads": {"factrs": {}}}, "unknown field `heads.factrs` in a flag; did you mean `factors`?"),
        ({"events": {"types": {"view": {"strenth": 1}}}}, "did you mean `strength`?"),
        ({"kafka": {"partitions": 0}}, "`kafka.partitions` in a flag: Input should be greater than"),
        ({"kafka": {"min_insync_replicas": 2}}, "min_insync_replicas is above replication_factor"),
        ({"window": {"length": 257}}, "`window.length` in a flag: Input should be less than or equal to 256"),
        (
            {"fusion": {"gate": {"short_term": [0.6, 0.5]}}},
            "the least share of short_term is above its largest",
        ),
        (
            {"fusion": {"gate": {"long_term": [0.6, 1], "popularity": [0.6, 1]}}},
            "no slate can have these shares",
        ),
    ],
)
def test_a_typo_stops_the_start_and_names_the_nearest_right_name(wrong, right):
    """The message says what, where it was written, and what was probably meant."""
    with pytest.raises(ConfigError, match=re.escape(right)):
        load(None, wrong)


def test_a_typo_in_a_file_names_the_file(tmp_path):
    """With several places, the reader must know which one to open."""
    with pytest.raises(ConfigError, match=r"unknown field `window.lenght` in .*given.toml; .*`length`"):
        load(written(tmp_path, "[window]\nlenght = 3\n"))


def test_a_typo_in_the_environment_is_no_silent_nothing(monkeypatch):
    """A variable with our prefix is either a setting or a mistake."""
    monkeypatch.setenv("STREAMPROC_KAFK__PREFIX", "x")

    with pytest.raises(ConfigError, match=r"STREAMPROC_KAFK__PREFIX.*did you mean `kafka`"):
        load()


def test_a_file_that_is_not_toml_is_named(tmp_path):
    """The parser's line and column are kept."""
    with pytest.raises(ConfigError, match=r"given.toml is not TOML: .*line 1"):
        load(written(tmp_path, "seed =\n"))


def test_event_types_are_added_to_the_default_ones_and_change_single_fields(tmp_path):
    """A shop that adds `wish` still knows `click`, and a new threshold keeps the strength."""
    file = written(tmp_path, "[events.types.wish]\nstrength = 2.5\n[events.types.rating]\nthreshold = 3.0\n")

    types = load(file).events.types

    assert types["wish"].strength == 2.5
    assert types["click"].strength == 1.0
    assert (types["rating"].threshold, types["rating"].strength) == (3.0, 1.0)
    assert list(types) == sorted(types)


def test_there_is_room_for_62_event_types():
    """The kind of an event is six bits, and the last two values are taken."""
    new = {f"type{number}": {} for number in range(62 - len(Config().events.types))}

    assert len(load(None, {"events": {"types": new}}).events.types) == 62
    with pytest.raises(ConfigError, match=r"events.types"):
        load(None, {"events": {"types": new | {"one_more": {}}}})


def test_nothing_can_be_changed_after_loading():
    """Parts share one tree."""
    with pytest.raises(ValidationError, match="frozen"):
        Config().kafka.prefix = "x"


def test_reading_the_configuration_imports_nothing_heavy():
    """The command line has to answer at once."""
    heavy = "{'numba', 'torch', 'faust', 'numpy', 'scipy'}"
    code = f"import sys, streamproc.config as c; c.load(); print({heavy} & set(sys.modules) or 'light')"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)

    assert done.stdout == "light\n", done.stderr


def test_the_profile_of_few_signals_is_a_configuration():
    """What it names is switched off; all else is as by default."""
    path = ROOT / "docs" / "few-signals.toml"

    heads = load(path).heads

    off = {name for name, head in heads if not head.enabled}
    assert off == {"second_order", "session", "factors", "bias", "long_term", "encoder"}
