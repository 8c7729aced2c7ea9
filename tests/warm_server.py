"""The process that has imported everything, and forks for each command: see `tests.warm`."""

import atexit
import importlib
import io
import json
import os
import pkgutil
import resource
import socket
import sys
import threading
from typing import NoReturn

import comity.cli
from comity.cli.main import main

HEADER_BYTES = 8


def serve(connection: socket.socket) -> None:
    """Every command that is asked for is run, one after the other, until the other side is gone."""
    while True:
        head, fds, _, _ = socket.recv_fds(connection, HEADER_BYTES, 3)
        if len(head) < HEADER_BYTES:
            return
        body = b""
        while len(body) < int.from_bytes(head):
            body += connection.recv(int.from_bytes(head) - len(body))
        child = os.fork()
        if child == 0:
            connection.close()
            run(json.loads(body), fds)
        for fd in fds:
            os.close(fd)
        _, status = os.waitpid(child, 0)
        connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(HEADER_BYTES, signed=True))


def run(asked: dict[str, object], fds: list[int]) -> NoReturn:
    """The command, as an interpreter that was just started runs it."""
    code: object = 1
    try:
        for place, fd in enumerate(fds):
            os.dup2(fd, place)
            os.close(fd)
        sys.stdin, sys.stdout, sys.stderr = _text(0, "r"), _text(1, "w"), _text(2, "w")
        os.environ.clear()
        os.environ.update(dict(asked["env"]))  # type: ignore[call-overload]  # texts, as they were sent
        os.chdir(str(asked["cwd"]))
        for which, soft in dict(asked["limits"]).items():  # type: ignore[call-overload]  # numbers, as they were sent
            resource.setrlimit(int(which), (soft, resource.getrlimit(int(which))[1]))
        sys.argv = ["comity", *asked["arguments"]]  # type: ignore[misc]  # texts, as they were sent
        main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        threading._shutdown()  # type: ignore[attr-defined]  # what an interpreter does before it ends
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                code = code or 120
        os._exit(code if isinstance(code, int) else 1 if code else 0)


def _text(fd: int, mode: str) -> io.TextIOWrapper:
    raw = io.FileIO(fd, mode, closefd=False)
    like = sys.__stdout__
    assert like is not None
    buffer = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding=like.encoding, errors="strict", line_buffering=fd == 2)


if __name__ == "__main__":
    for module in pkgutil.walk_packages(comity.cli.__path__, "comity.cli."):
        importlib.import_module(module.name)
    for name in ("comity.node.home", "comity.store.sqlite.store", "comity.store.postgres.store", "comity.web.serve"):
        importlib.import_module(name)
    serve(socket.socket(fileno=int(sys.argv[1])))
