"""Fuzzing of the pattern grammar: only InvalidPattern may come out, and the check by shape must agree with the parser.

Run for a minute: `python tests/fuzz/fuzz_pattern.py -max_total_time=60`
"""

import sys

import atheris

with atheris.instrument_imports(include=["comity.stix"]):
    from comity.errors import InvalidPattern
    from comity.stix.pattern import check, parse


def one_input(data: bytes) -> None:
    """Judges one text twice, and as the content of a pattern."""
    text = data.decode("utf-8", "surrogateescape")
    for candidate in (text, f"[a:b = '{text}']", f"[file:hashes.{text}]"):
        try:
            parse(candidate)
            expected = None
        except InvalidPattern as error:
            expected = (error.message, error.where)
        for _ in range(2):
            found = check(candidate)
            if (None if found is None else (found.message, found.where)) != expected:
                raise AssertionError(f"check and parse differ on {candidate!r}")


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
