"""Addresses of stores: what is shown of them holds no password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.store.address import has_password, is_postgres, masked


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("sqlite:///comity.db", "sqlite:///comity.db"),
        ("sqlite:///a:b@c.db", "sqlite:///a:b@c.db"),
        ("postgresql:///comity", "postgresql:///comity"),
        ("postgresql://role@host/comity", "postgresql://role@host/comity"),
        ("postgresql://role:s3cret@host:5432/comity", "postgresql://role:***@host:5432/comity"),
        ("postgres://role:s3:cr@et@host/comity", "postgres://role:***@host/comity"),
        ("postgresql://:s3cret@/comity?host=/run", "postgresql://:***@/comity?host=/run"),
        ("postgresql://h/x?user=a&password=s3cret&port=1", "postgresql://h/x?user=a&password=***&port=1"),
        ("postgresql://h/x?password=s3cret", "postgresql://h/x?password=***"),
    ],
)
def test_only_the_password_is_masked(address: str, shown: str) -> None:
    assert masked(address) == shown
    assert has_password(address) == (address != shown)
    assert is_postgres(address) == address.startswith("postgres")


@given(st.text(st.characters(exclude_characters="/?#&", exclude_categories=["Cs"]), min_size=1))
def test_no_password_is_shown_whatever_is_in_it(password: str) -> None:
    for address in (f"postgresql://role:<{password}>@host/x", f"postgresql://h/x?user=a&password=<{password}>"):
        assert f"<{password}>" not in masked(address)
        assert has_password(address)
