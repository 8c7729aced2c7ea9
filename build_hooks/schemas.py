"""Copies the OASIS STIX 2.1 JSON schemas out of the installed stix2-validator distribution into the wheel.

The schemas are OASIS's own text, so they are not kept in this tree; stix2-validator is a requirement of the build
alone.
"""

import importlib.metadata
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SCHEMAS_EXPECTED = 57


class SchemasHook(BuildHookInterface[Any]):
    """Adds `comity/_schemas/<folder>/<name>.json` to every wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """The wheel to be built holds every schema file of the distribution, or the build stops."""
        found = 0
        for file in importlib.metadata.files("stix2-validator") or ():
            parts = file.parts
            inside_schemas = parts[:3] == ("stix2validator", "schemas-2.1", "schemas")
            if inside_schemas and file.suffix == ".json":
                build_data["force_include"][str(file.locate())] = "/".join(("comity", "_schemas", *parts[3:]))
                found += 1
        if found != SCHEMAS_EXPECTED:
            message = f"expected {SCHEMAS_EXPECTED} STIX 2.1 schema files in stix2-validator, found {found}"
            raise RuntimeError(message)
