"""Credentials out of headers, addresses out of connections, and the limit on failures."""

import base64
from collections.abc import Mapping

import pytest
from tests.served import wait_until

from comity.errors import StoreUnavailable, Unauthenticated
from comity.node.access import Credential
from comity.web.auth import (
    ADDRESSES_MAX,
    FAILURES_MAX,
    HEADER_BYTES_MAX,
    WINDOW_SECONDS,
    FailureLimit,
    caller_address,
    credential_of,
    is_loopback,
    same_address,
)

ID, SECRET = "a" * 16, "s" * 43
TOKEN = f"comity_{ID}_{SECRET}".encode()
PAIR = base64.b64encode(f"{ID}:{SECRET}".encode())


@pytest.mark.parametrize(
    "header",
    [
        b"Bearer " + TOKEN,
        b"bearer " + TOKEN,
        b"TOKEN   " + TOKEN + b" ",
        b"Basic " + PAIR,
        b"bAsIc  " + PAIR,
    ],
)
def test_one_credential_is_read_in_each_of_its_forms(header: bytes) -> None:
    assert credential_of([header]) == Credential(ID, SECRET)


def test_no_header_is_no_credential() -> None:
    assert credential_of([]) is None


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Basic",
        b"Basic ",
        b"Basic !!!!",
        b"Basic " + base64.b64encode(b"no-colon"),
        b"Basic " + base64.b64encode(b"a:\xff"),
        b"Basic " + base64.b64encode(b"a\x00:b"),
        b"Basic " + base64.b64encode("a:\u202e".encode()),
        b"Basic " + PAIR[:-3],
        b"Bearer",
        b"Bearer not.a.token",
        b"Bearer \xff\xfe",
        b"Bearer " + TOKEN + b"x",
        b"Bearer " + PAIR,
        b"Token " + TOKEN[:-1],
        b"Foo bar",
        b"\xff\xff",
        b"Basic\t" + PAIR,
        TOKEN,
        b"Basic " + base64.b64encode(b"a" * HEADER_BYTES_MAX),
    ],
)
def test_a_broken_header_is_an_unauthenticated_caller(header: bytes) -> None:
    with pytest.raises(Unauthenticated):
        credential_of([header])


def test_two_headers_are_one_too_many() -> None:
    with pytest.raises(Unauthenticated):
        credential_of([b"Bearer " + TOKEN, b"Bearer " + TOKEN])


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxy", "wanted"),
    [
        ("10.0.0.1", [b"1.2.3.4"], "", "10.0.0.1"),
        ("10.0.0.1", [b"1.2.3.4"], "10.0.0.2", "10.0.0.1"),
        ("10.0.0.1", [b"1.2.3.4"], "10.0.0.1", "1.2.3.4"),
        ("10.0.0.1", [b"6.6.6.6, 1.2.3.4"], "10.0.0.1", "1.2.3.4"),
        ("10.0.0.1", [b"6.6.6.6", b"1.2.3.4"], "10.0.0.1", "1.2.3.4"),
        ("10.0.0.1", [], "10.0.0.1", "10.0.0.1"),
        ("10.0.0.1", [b"nonsense"], "10.0.0.1", "10.0.0.1"),
        ("10.0.0.1", [b"\xff"], "10.0.0.1", "10.0.0.1"),
        ("10.0.0.1", [b"[2001:db8::1]"], "10.0.0.1", "2001:db8::1"),
        ("::ffff:10.0.0.1", [b"1.2.3.4"], "10.0.0.1", "1.2.3.4"),
        ("", [b"1.2.3.4"], "10.0.0.1", ""),
    ],
)
def test_a_forwarded_address_is_believed_from_the_proxy_alone(
    peer: str, forwarded: list[bytes], proxy: str, wanted: str
) -> None:
    assert caller_address(peer, forwarded, proxy) == wanted


def test_addresses_are_compared_as_addresses() -> None:
    assert same_address("::1", "0:0:0:0:0:0:0:1")
    assert not same_address("nonsense", "nonsense")
    assert is_loopback("127.9.9.9")
    assert is_loopback("::1")
    assert is_loopback("::ffff:127.0.0.1")
    assert not is_loopback("10.0.0.1")
    assert not is_loopback("")


class Seconds:
    """A clock that is told the time."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Others:
    """What all processes count together, and what they were told."""

    def __init__(self, seconds: Seconds) -> None:
        self.seconds = seconds
        self.counts: dict[str, tuple[float, int]] = {}
        self.told: list[dict[str, int]] = []
        self.reachable = True

    def __call__(self, counts: Mapping[str, int]) -> dict[str, tuple[float, int]]:
        if not self.reachable:
            raise StoreUnavailable("the store is locked")
        self.told.append(dict(counts))
        for place, count in counts.items():
            since, before = self.counts.get(place, (self.seconds.now, 0))
            self.counts[place] = since, before + count
        return {place: (self.seconds.now - self.counts[place][0], self.counts[place][1]) for place in counts}


def _limit(seconds: Seconds | None = None, others: Others | None = None) -> FailureLimit:
    seconds = seconds or Seconds()
    return FailureLimit(seconds, others or Others(seconds))


def test_failures_are_limited_within_a_window_and_forgotten_after_it() -> None:
    seconds = Seconds()
    limit = _limit(seconds)
    for _ in range(FAILURES_MAX):
        assert limit.failed("10.0.0.1") is None
    seconds.now = 20.0
    refused = limit.failed("10.0.0.1")
    assert refused is not None
    assert WINDOW_SECONDS - 20 <= refused.retry_after_seconds <= WINDOW_SECONDS - 18
    assert limit.failed("10.0.0.2") is None
    seconds.now = float(WINDOW_SECONDS)
    assert limit.failed("10.0.0.1") is None
    limit.close()


def test_a_network_of_ipv6_counts_as_one_address() -> None:
    limit = _limit()
    for i in range(FAILURES_MAX):
        assert limit.failed(f"2001:db8:0:1::{i:x}") is None
    assert limit.failed("2001:db8:0:1:ffff::1") is not None
    assert limit.failed("2001:db8:0:2::1") is None
    limit.close()


def test_the_table_of_failures_does_not_grow() -> None:
    limit = _limit()
    for i in range(ADDRESSES_MAX + 50):
        limit.failed(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}")
    assert len(limit) == ADDRESSES_MAX
    limit.close()


def test_processes_count_together() -> None:
    seconds = Seconds()
    others = Others(seconds)
    one, two = _limit(seconds, others), _limit(seconds, others)
    for _ in range(FAILURES_MAX - 1):
        assert one.failed("10.0.0.1") is None
    one.share()
    seconds.now = 30.0
    assert two.failed("10.0.0.1") is None
    two.share()
    refused = two.failed("10.0.0.1")
    assert refused is not None
    assert refused.retry_after_seconds <= WINDOW_SECONDS - 28
    assert others.told == [{"10.0.0.1": FAILURES_MAX - 1}, {"10.0.0.1": 1}]
    for each in (one, two):
        each.close()


def test_failures_that_could_not_be_shared_are_shared_later_and_counted_meanwhile() -> None:
    seconds = Seconds()
    others = Others(seconds)
    others.reachable = False
    limit = _limit(seconds, others)
    for _ in range(FAILURES_MAX):
        assert limit.failed("10.0.0.1") is None
    limit.share()
    assert limit.failed("10.0.0.1") is not None
    others.reachable = True
    limit.share()
    assert others.counts["10.0.0.1"][1] == FAILURES_MAX + 1
    limit.close()


@pytest.mark.slow
def test_sharing_begins_by_itself() -> None:
    seconds = Seconds()
    others = Others(seconds)
    limit = _limit(seconds, others)
    limit.failed("10.0.0.1")
    wait_until(lambda: others.told == [{"10.0.0.1": 1}], seconds=10)
    limit.close()
