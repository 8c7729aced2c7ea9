"""Random bytes through the cutter and the judge: only verdicts and Comity's own errors come out.

    python tests/fuzz/fuzz_parse.py -max_total_time=60

Options that begin with one hyphen go to libFuzzer (`-help=1` lists them); folders hold an own corpus. Needs atheris.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import atheris  # noqa: E402

with atheris.instrument_imports(include=["comity"]):
    from comity.errors import ComityError
    from comity.stix.compare import differing_paths
    from comity.stix.cut import cut_lines, cut_stream
    from comity.stix.object import Rejected
    from comity.stix.parse import Limits, judge
    from comity.stix.split import split_envelope

from tests.schemas import schemas  # noqa: E402
from tests.stix_samples import SAMPLES  # noqa: E402

LIMITS = Limits(object_bytes_max=4096)


def seeds() -> list[bytes]:
    """A small corpus: every type, the shapes of documents, and what is hard to find by chance."""
    objects = [json.dumps(one).encode() for one in SAMPLES]
    found = [b'{"objects":[' + one + b"]}" for one in objects]
    found += [
        b"{}",
        b'{"more":true,"next":"x","objects":[{},{"a":"\\ud800"}]}',
        b'{"type":"bundle","id":"bundle--1","objects":[{"a":1,"a":2},{"b":1e400}]}',
        b'{"objects":[{"a":[[[[[[[[]]]]]]]]}],"objects":[]}',
        b'\xef\xbb\xbf{"type":"x","a":"\\\\\\"","b":NaN}',
        b'{"a":1}\n\n{"type":"bundle","objects":[{"b":1}]}\n',
    ]
    return found


def one_input(data: bytes) -> None:
    """One run; an exception that is none of ours ends the fuzzing."""
    size, body = (data[0] + 1, data[1:]) if data else (1, b"")
    bites = [body[at : at + size] for at in range(0, len(body), size)]
    outcomes = []
    for chunks in (bites, [body]):
        found: list[bytes] = []
        try:
            for raw in cut_stream(chunks, object_bytes_max=LIMITS.object_bytes_max):
                found.append(raw)  # noqa: PERF402 - what came before an error counts
        except ComityError as error:
            outcomes.append((found, error.where))
        else:
            outcomes.append((found, ""))
    assert outcomes[0] == outcomes[1], "the size of the chunks changes what is cut"
    for raw in outcomes[0][0]:
        judge_both(raw)
    judge_both(body)
    try:
        list(cut_lines(bites, line_bytes_max=4096))
        split_envelope(body, objects_max=100)
    except ComityError:
        pass


def judge_both(raw: bytes) -> None:
    """Strict and lenient agree on what is sound; what is taken is what was sent."""
    strict = judge(raw, 0, schemas(), strict=True, limits=LIMITS)
    lenient = judge(raw, 0, schemas(), strict=False, limits=LIMITS)
    if isinstance(lenient, Rejected):
        assert isinstance(strict, Rejected), "strict takes what lenient refuses"
        return
    assert lenient.raw == raw.strip(b" \t\r\n")
    assert differing_paths(lenient.raw, b" " + lenient.raw) == ()


def main() -> None:
    # Only `--help` is ours: `-help=1` is libFuzzer's.
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, add_help=False, allow_abbrev=False
    )
    parser.add_argument("--help", action="help", help="show this help and exit")
    _, passed_on = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            Path(folder, f"seed-{number}").write_bytes(b"\x40" + seed)
        corpus = [] if any(not one.startswith("-") for one in passed_on) else [folder]
        atheris.Setup([sys.argv[0], *passed_on, *corpus], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
