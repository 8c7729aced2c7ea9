"""Every benchmark, one after the other, each in a process of its own.

python -m bench [--smoke] [--page FILE]
"""

import subprocess
import sys

PROGRAMS = ("post", "get", "latency", "bound", "million", "start", "classify", "ingest", "filtered", "pages", "ledger")


def main() -> None:
    """Command line: the options go to each."""
    ended = {
        name: subprocess.run([sys.executable, "-m", f"bench.{name}", *sys.argv[1:]]).returncode for name in PROGRAMS
    }
    failed = [name for name, code in ended.items() if code]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
