"""Where a store is: what an address says of it, and how it is shown."""

import re

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")
_PASSWORD = re.compile(r"(?<=://)([^:/?#@]*:)[^/?#]*(?=@)|((?:^|[?&])password=)[^&]*")


def is_postgres(address: str) -> bool:
    """Whether a database server is meant."""
    return address.startswith(POSTGRES)


def masked(address: str) -> str:
    """The address without the password that may be in it."""
    return _PASSWORD.sub(lambda found: f"{found[1] or found[2]}***", address)


def has_password(address: str) -> bool:
    """Whether there is one in it."""
    return _PASSWORD.search(address) is not None
