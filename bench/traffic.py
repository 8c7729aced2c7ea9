"""Clients: posting envelopes, paging a collection, and asking the same questions again and again."""

import http.client
import json
import math
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec
from bench.cost import Meter, until_idle
from bench.data import PAGE_OBJECTS, scratch
from bench.figures import Run, UnmeasuredError
from bench.sides import MEDIA, Server


class _Status(msgspec.Struct):
    status: str
    failure_count: int


class Page(msgspec.Struct):
    """The members of an envelope; objects are counted, not read."""

    objects: list[msgspec.Raw] = []
    more: bool = False
    next: str = ""


_status = msgspec.json.Decoder(_Status)
_page = msgspec.json.Decoder(Page)


def post_all(
    server: Server, envelopes: Sequence[bytes], counts: Sequence[int], clients: int, budget_seconds: float = math.inf
) -> Run:
    """Every envelope was posted, each client waiting for each answer; or as many as were begun within the budget."""
    todo = iter(list(zip(envelopes, counts, strict=True)))
    turn = threading.Lock()
    failures: list[str] = []
    done: list[int] = []
    over = threading.Event()
    start = time.perf_counter()

    def client() -> None:
        with closing(server.connect()) as connection:
            while not failures:
                with turn:
                    body, count = next(todo, (b"", 0))
                if not body:
                    break
                if time.perf_counter() - start > budget_seconds:
                    over.set()
                    break
                failure = _posted(connection, server, body)
                if failure:
                    failures.append(failure)
                else:
                    done.append(count)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    with Meter(server.pids) as meter:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return Run(sum(done), meter.seconds, meter.client_cpu, meter.server_cpu, over.is_set(), failures)


def _posted(connection: http.client.HTTPConnection, server: Server, body: bytes) -> str:
    """What went wrong with this POST; nothing where every object of it was stored."""
    try:
        connection.request("POST", server.objects_path, body, server.headers(**{"Content-Type": MEDIA}))
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    if response.status == 202:
        status = _status.decode(answer)
        if status.status == "complete" and not status.failure_count:
            return ""
    return f"{response.status} {answer[:300]!r}"


class BrokenError(UnmeasuredError):
    """The connection broke, or there was no answer in time."""


def get(connection: http.client.HTTPConnection, server: Server, path: str) -> bytes:
    """The body under that path."""
    try:
        connection.request("GET", path, headers=server.headers())
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise BrokenError(f"GET {path}: {error!r}") from error
    if response.status != 200:
        raise UnmeasuredError(f"GET {path}: {response.status} {body[:200]!r}")
    return body


def page_all(
    server: Server, wanted: int, budget_seconds: float = math.inf, visit: Callable[[str], None] = lambda _path: None
) -> Run:
    """One client read page after page by `next`, whole or until its time was up; `visit` was told each path."""
    plain = path = f"{server.objects_path}?limit={PAGE_OBJECTS}"
    count, cut = 0, False
    until_idle(server.pids)
    with closing(server.connect()) as connection, Meter(server.pids) as meter:
        start = time.perf_counter()
        while True:
            visit(path)
            page = _page.decode(get(connection, server, path))
            count += len(page.objects)
            if not page.more:
                break
            if time.perf_counter() - start > budget_seconds:
                cut = True
                break
            path = f"{plain}&next={quote(page.next)}"
    failures = [] if cut or count == wanted else [f"{count:,} objects came of {wanted:,}"]
    return Run(count, meter.seconds, meter.client_cpu, meter.server_cpu, cut, failures)


def as_pages_all(server: Server, wanted: int, budget_seconds: float = math.inf) -> Run:
    """The same by the `as_pages` of taxii2-client, which parses every object."""
    import requests
    from taxii2client.exceptions import TAXIIServiceException
    from taxii2client.v21 import Collection, as_pages

    class Bearer(requests.auth.AuthBase):
        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = server.authorization
            return request

    collection = Collection(server.url + server.collection_path, auth=Bearer())
    count, cut, failures = 0, False, []
    until_idle(server.pids)
    with Meter(server.pids) as meter:
        start = time.perf_counter()
        try:
            for page in as_pages(collection.get_objects, per_request=PAGE_OBJECTS):
                count += len(page.get("objects", []))
                if time.perf_counter() - start > budget_seconds and count < wanted:
                    cut = True
                    break
        except (requests.RequestException, TAXIIServiceException) as error:
            failures.append(f"the client says {error!r}")
    if not failures and not cut and count != wanted:
        failures.append(f"{count:,} objects came of {wanted:,}")
    return Run(count, meter.seconds, meter.client_cpu, meter.server_cpu, cut, failures)


@dataclass(frozen=True, slots=True)
class Asked:
    """What many equal questions met: the run of them, and two latencies in ms."""

    run: Run
    p50_ms: float
    p99_ms: float


FAILURES = ("status", "connect", "read", "write", "timeout")
"""How a question can fail, in the words of wrk: another status than 200, or the connection."""


def client_name() -> str:
    """What asks."""
    return "wrk, 1 thread" if shutil.which("wrk") else "threads of Python (wrk is not installed)"


def ask(server: Server, paths: Sequence[str], clients: int, seconds: float) -> Asked:
    """Each client asked these paths in turn, the next when the last was answered, for so many seconds."""
    until_idle(server.pids)
    with Meter(server.pids) as meter:
        made = (
            _wrk(server, paths, clients, seconds) if shutil.which("wrk") else _threads(server, paths, clients, seconds)
        )
    until_idle(server.pids)
    requests, elapsed, p50_ms, p99_ms, *failed = made
    failures = [f"{word}: {count:.0f} requests" for word, count in zip(FAILURES, failed, strict=True) if count]
    run = Run(int(requests), elapsed, meter.client_cpu, meter.server_cpu, failures=failures)
    return Asked(run, p50_ms, p99_ms)


_SCRIPT = """local paths={%s}
local at=0
wrk.headers["Accept"]="%s"
wrk.headers["Authorization"]="%s"
request=function() at=at%%#paths+1 return wrk.format("GET",paths[at]) end
done=function(s,l,r) io.write(string.format("RESULT %%d %%f %%f %%f %%d %%d %%d %%d %%d\\n",s.requests,s.duration/1e6,
l:percentile(50)/1e3,l:percentile(99)/1e3,
s.errors.status,s.errors.connect,s.errors.read,s.errors.write,s.errors.timeout)) end
"""


def _wrk(server: Server, paths: Sequence[str], clients: int, seconds: float) -> tuple[float, ...]:
    with scratch() as folder:
        script = Path(folder) / "paths.lua"
        script.write_text(_SCRIPT % (",".join(map(json.dumps, paths)), MEDIA, server.authorization), encoding="utf-8")
        # It knows whole seconds alone, and asks nothing for none.
        lasts = f"-d{max(1, round(seconds))}s"
        words = ["wrk", "-t1", f"-c{clients}", lasts, "--timeout", "120s", "-s", str(script), server.url]
        done = subprocess.run(words, capture_output=True, text=True, check=False, encoding="utf-8")
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), "")
    if not line:
        raise UnmeasuredError(f"wrk ended with {done.returncode}: {done.stderr[-300:]}")
    return tuple(float(word) for word in line.split()[1:])


def _threads(server: Server, paths: Sequence[str], clients: int, seconds: float) -> tuple[float, ...]:
    taken: list[float] = []
    failed: list[str] = []
    start = time.perf_counter()

    def client(first: int) -> None:
        at = first
        with closing(server.connect()) as connection:
            while time.perf_counter() - start < seconds:
                began = time.perf_counter()
                try:
                    get(connection, server, paths[at % len(paths)])
                except UnmeasuredError as error:
                    failed.append("read" if isinstance(error, BrokenError) else "status")
                    break
                taken.append(time.perf_counter() - began)
                at += clients

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - start
    taken.sort()
    if not taken:
        raise UnmeasuredError(f"nothing was answered in {elapsed:.0f} s, {len(failed)} failed")
    p50, p99 = (taken[min(len(taken) - 1, int(len(taken) * part))] * 1e3 for part in (0.5, 0.99))
    return len(taken), elapsed, p50, p99, *map(failed.count, FAILURES)
