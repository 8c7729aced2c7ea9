"""Commands in processes of their own that need not import everything first: forked from one that has.

A command is the same as when it is started cold (its arguments, input, environment, folder, exit code), but for what an
interpreter does before its first line. COMITY_TEST_COLD=1 starts each cold, as `make deep` does.
"""

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

COLD = bool(os.environ.get("COMITY_TEST_COLD"))
HEADER_BYTES = 8
LIMITS = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_AS)
"""What a test may have lowered for itself holds for the commands that it runs, and for no others."""
_SERVER = Path(__file__).with_name("warm_server.py")


class _Warm:
    """The process that forks, one for each process of tests."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        ours, theirs = socket.socketpair()
        self.socket = ours
        self.process = subprocess.Popen(
            [sys.executable, str(_SERVER), str(theirs.fileno())], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
        )
        theirs.close()

    def run(
        self, arguments: Sequence[str], given: bytes, env: dict[str, str], cwd: Path | None, seconds: float
    ) -> "subprocess.CompletedProcess[bytes]":
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            stdin.write(given)
            stdin.seek(0)
            limits = {which: resource.getrlimit(which)[0] for which in LIMITS}
            asked = {"arguments": list(arguments), "env": env, "cwd": str(cwd or Path.cwd()), "limits": limits}
            body = json.dumps(asked).encode()
            self.socket.settimeout(seconds)
            fds = [file.fileno() for file in (stdin, out, err)]
            socket.send_fds(self.socket, [len(body).to_bytes(HEADER_BYTES)], fds)
            self.socket.sendall(body)
            try:
                code = int.from_bytes(self._receive(HEADER_BYTES), signed=True)
            except TimeoutError:
                self.process.kill()
                raise subprocess.TimeoutExpired(list(arguments), seconds) from None
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(list(arguments), code, out.read(), err.read())

    def _receive(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            some = self.socket.recv(size - len(found))
            if not some:
                raise RuntimeError("the process that forks has ended")
            found += some
        return found


_warm: _Warm | None = None


def run_comity(
    arguments: Sequence[str], *, given: bytes, env: dict[str, str], cwd: Path | None, seconds: float
) -> "subprocess.CompletedProcess[bytes]":
    """The command `comity` was run with these arguments, in a process of its own. TimeoutExpired where it took too
    long."""
    global _warm
    if COLD:
        command = [sys.executable, "-m", "comity", *arguments]
        return subprocess.run(command, input=given, capture_output=True, timeout=seconds, env=env, cwd=cwd, check=False)
    if _warm is None or _warm.pid != os.getpid() or _warm.process.poll() is not None:
        _warm = _Warm()
    return _warm.run(arguments, given, env, cwd, seconds)
