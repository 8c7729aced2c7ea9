"""Runs every fuzzer beside this file, for so many seconds in sum; fails where one finds an input that breaks a law.

    python tests/fuzz/run.py --seconds 60

Nothing is kept: what was found is printed in base64, to be made into a test.
"""

import argparse
import base64
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FUZZERS = sorted(Path(__file__).resolve().parent.glob("fuzz_*.py"))
SECONDS_LEAST = 1
START_SECONDS = 60
"""How much longer than its time a fuzzer may take, to load and to make small what it found."""
_UNCAUGHT = "=== Uncaught Python exception"
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


def run(fuzzer: Path, seconds: int) -> bool:
    """Whether the fuzzer found nothing in that time; its executions are printed."""
    with tempfile.TemporaryDirectory() as folder:
        options = [f"-max_total_time={seconds}", f"-artifact_prefix={folder}/", "-print_final_stats=1", "-timeout=10"]
        command = [sys.executable, str(fuzzer), *options]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, timeout=seconds + START_SECONDS, check=False
            )
            said, status = (done.stdout + done.stderr).decode("utf-8", "replace"), done.returncode
        except subprocess.TimeoutExpired as late:
            said, status = (late.stderr or b"").decode("utf-8", "replace"), -1
        executed = _EXECUTED.search(said)
        count = int(executed[1]) if executed else 0
        print(f"{fuzzer.name}: {count:,} executions in {seconds} s, exit {status}", flush=True)
        if status == 0 and count:
            return True
        print(said[max(said.find(_UNCAUGHT), 0) :][:4000])
        for artefact in sorted(Path(folder).iterdir()):
            if artefact.is_file():
                print(f"{artefact.name}: {base64.b64encode(artefact.read_bytes()).decode()}")
        return False


def main() -> int:
    """All fuzzers have run; 1 where one of them found something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="for all fuzzers together (60)")
    parser.add_argument("names", nargs="*", help="only these, for example fuzz_parse")
    given = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed here (it wants CPython below 3.14 on x86-64): nothing was run", file=sys.stderr)
        return 2
    chosen = [fuzzer for fuzzer in FUZZERS if not given.names or fuzzer.stem in given.names]
    if not chosen:
        parser.error(f"there is {', '.join(fuzzer.stem for fuzzer in FUZZERS)}")
    each = max(SECONDS_LEAST, given.seconds // len(chosen))
    failed = [fuzzer.name for fuzzer in chosen if not run(fuzzer, each)]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
