"""Codes of countries, as ISO 3166-1 has them: where a partner is, where it stores, where an object may lie."""

from functools import cache

from comity.node import system


@cache
def countries() -> frozenset[str]:
    """Every code of two letters that stands for a country."""
    lines = system.countries_text().splitlines()
    return frozenset(line.partition("\t")[0] for line in lines if line and not line.startswith("#"))
