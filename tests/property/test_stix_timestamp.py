"""The order of keys is the order of instants, to every digit."""

from datetime import datetime
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from comity.stix.timestamp import instant_key


@st.composite
def timestamps(draw: st.DrawFn) -> tuple[str, Fraction]:
    """A timestamp and, exactly, its seconds."""
    day = draw(st.datetimes(min_value=datetime(2020, 2, 27), max_value=datetime(2020, 3, 2))).replace(microsecond=0)
    digits = draw(st.text("0159", max_size=12))
    seconds = Fraction(int((day - datetime(2020, 1, 1)).total_seconds()))
    fraction = Fraction(int(digits), 10 ** len(digits)) if digits else Fraction(0)
    return day.isoformat() + (f".{digits}Z" if digits else "Z"), seconds + fraction


@given(timestamps(), timestamps())
def test_keys_order_as_instants_do(one: tuple[str, Fraction], other: tuple[str, Fraction]) -> None:
    a, b = instant_key(one[0]), instant_key(other[0])
    assert a is not None
    assert b is not None
    assert (a < b) == (one[1] < other[1])
    assert (a == b) == (one[1] == other[1])


@given(st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", fullmatch=True))
def test_only_real_dates_are_instants(text: str) -> None:
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
        real = text[17:19] < "60"
    except ValueError:
        real = False
    assert (instant_key(text) is not None) == real
