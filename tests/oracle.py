"""OASIS's stix2-validator, the oracle of what is valid STIX."""

from functools import partial
from typing import Any


def oracle() -> Any:
    """The module. It reads its own schemas in the encoding of the place where it runs; here in UTF-8, in which they are
    written, wherever that is."""
    import stix2validator
    from stix2validator import validator

    validator.open = partial(open, encoding="utf-8")
    return stix2validator
