"""The OASIS schemas for tests: read from the files of the installed stix2-validator, which is not imported."""

import importlib.metadata
from functools import lru_cache
from typing import Any

import orjson

from comity.stix.schema import Schemas, compile


@lru_cache(maxsize=1)
def documents() -> dict[str, Any]:
    """Schema documents by name (`sdos/indicator`)."""
    found = {}
    for file in importlib.metadata.files("stix2-validator") or ():
        if file.parts[:3] == ("stix2validator", "schemas-2.1", "schemas") and file.suffix == ".json":
            name = "/".join(file.parts[3:]).removesuffix(".json")
            found[name] = orjson.loads(file.locate().read_bytes())  # type: ignore[attr-defined]
    return found


@lru_cache(maxsize=1)
def schemas() -> Schemas:
    """The compiled schemas, shared by all tests of a process."""
    return compile(documents())
