"""Comity: a self-hosted node for cyber cooperation between parties who trust each other only partly.

The names below are the public API. They are loaded when first used, so that `import comity` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comity.errors import ComityError, Conflict, Invalid, NotFound, Refused, Unavailable, Unverified
    from comity.interfaces import Query
    from comity.node.node import Node
    from comity.stix.markings import TLP
    from comity.stix.object import StixObject

__version__ = "0.1.0"

_HOMES = {
    "ComityError": "comity.errors",
    "Conflict": "comity.errors",
    "Invalid": "comity.errors",
    "Node": "comity.node.node",
    "NotFound": "comity.errors",
    "Query": "comity.interfaces",
    "Refused": "comity.errors",
    "StixObject": "comity.stix.object",
    "TLP": "comity.stix.markings",
    "Unavailable": "comity.errors",
    "Unverified": "comity.errors",
}

__all__ = [
    "TLP",
    "ComityError",
    "Conflict",
    "Invalid",
    "Node",
    "NotFound",
    "Query",
    "Refused",
    "StixObject",
    "Unavailable",
    "Unverified",
    "__version__",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'comity' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
