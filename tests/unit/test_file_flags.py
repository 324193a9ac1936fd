"""What the flags of event files mean: times, columns, conditions."""

import pytest

from streamproc.errors import ConfigError
from streamproc.files.columns import Columns
from streamproc.files.times import millis, span
from streamproc.files.where import Where


@pytest.mark.parametrize(
    "text",
    [
        "2023-11-14T22:13:20Z",
        "2023-11-14T23:13:20+01:00",
        "2023-11-14 22:13:20",
        "1700000000",
        "1700000000.0",
        "1700000000000",
    ],
)
def test_one_moment_in_every_form(text):
    """A time without a zone is UTC; a small number is seconds."""
    assert millis(text) == 1_700_000_000_000


def test_fractions_of_a_second_are_kept_to_the_millisecond():
    """As the click files write them."""
    assert millis("1396314141.719") == 1_396_314_141_719
    assert millis("2014-04-01T01:02:21.719Z") == 1_396_314_141_719


@pytest.mark.parametrize("text", ["", "soon", "nan", "-5", "1e99", "2023-13-01", "1700000000000000"])
def test_what_is_no_time_is_refused(text):
    """Microseconds too: they would be the year 55,000."""
    with pytest.raises(ValueError):
        millis(text)


def test_a_flag_that_is_no_time_is_refused_by_name():
    with pytest.raises(ConfigError, match="--to 'soon' is no time"):
        span(None, "soon")


@pytest.mark.parametrize(
    ("condition", "text", "taken"),
    [
        ("Quantity>0", "1", True),
        ("Quantity>0", "0", False),
        ("Quantity>0", "", False),
        ("Quantity<=2.5", "2.5", True),
        ("Customer!=", "", False),
        ("Customer!=", "17850", True),
        ("event=VIEW", "VIEW", True),
        ("event=VIEW", "view", False),
    ],
)
def test_a_condition_holds_or_not(condition, text, taken):
    """Order is for numbers, equality for text as it is written."""
    assert Where.parse(condition).test()(text) is taken


@pytest.mark.parametrize("text", ["Quantity", ">0", "Quantity>many", ""])
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(ConfigError, match="--where"):
        Where.parse(text)


@pytest.mark.parametrize("text", ["usr=a", "user", "user=", "item=#"])
def test_what_names_no_column_is_refused(text):
    with pytest.raises(ConfigError, match="--columns"):
        Columns.parse(text)


def test_a_field_with_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean session"):
        Columns.parse("sesion=a")
