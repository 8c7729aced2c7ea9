"""Timestamps of STIX 2.1 §2.16."""

import pytest

from comity.stix.timestamp import DIGITS_MAX, instant_key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("2021-01-01T00:00:00Z", "2021-01-01T00:00:00"),
        ("2021-01-01T00:00:00.000Z", "2021-01-01T00:00:00"),
        ("2021-01-01T00:00:00.5Z", "2021-01-01T00:00:00.5"),
        ("2021-01-01T00:00:00.50Z", "2021-01-01T00:00:00.5"),
        ("2021-01-01T00:00:00.123456789123Z", "2021-01-01T00:00:00.123456789123"),
        ("2020-02-29T23:59:59Z", "2020-02-29T23:59:59"),
        ("2000-02-29T23:59:59Z", "2000-02-29T23:59:59"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
        ("9999-12-31T23:59:59.9Z", "9999-12-31T23:59:59.9"),
    ],
)
def test_an_instant_has_one_key(text: str, key: str) -> None:
    assert instant_key(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2021-02-29T00:00:00Z",
        "2021-02-30T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2021-04-31T00:00:00Z",
        "2021-13-01T00:00:00Z",
        "2021-00-01T00:00:00Z",
        "2021-01-00T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2021-01-01T24:00:00Z",
        "2021-01-01T23:60:00Z",
        "2021-01-01T00:00:00",
        "2021-01-01T00:00:00.Z",
        "2021-01-01T00:00:00+00:00",
        "2021-01-01t00:00:00z",
        "2021-01-01 00:00:00Z",
        "2021-01-01T00:00:00Z\n",
        "٢٠٢١-01-01T00:00:00Z",
        "2021-01-01T00:00:00.٥Z",
        "12021-01-01T00:00:00Z",
        "2021-01-01T00:00:00." + "1" * (DIGITS_MAX + 1) + "Z",
    ],
)
def test_what_is_no_instant_has_none(text: str) -> None:
    assert instant_key(text) is None


def test_leap_seconds_are_refused_as_the_oasis_validator_refuses_them() -> None:
    assert instant_key("2016-12-31T23:59:60Z") is None
    assert instant_key("2016-12-31T23:59:60.5Z") is None
