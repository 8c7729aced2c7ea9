"""Several processes behind one port: fair, counted together, replaced when they die, and never left behind."""

import contextlib
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from tests.served import COMITY, READY_SECONDS_MAX, STOP_SECONDS_MAX, Served, served_home, wait_until
from tests.serving import TAXII, certificate
from tests.world import envelope, indicator

from comity.node.home import init_home
from comity.web.auth import FAILURES_MAX
from comity.web.serve import STOP_SECONDS

pytestmark = pytest.mark.slow

TWO = ("--log-json", "--workers", "2")


def workers(node: Served) -> list[psutil.Process]:
    """The processes that answer, in order of their start."""
    return sorted(psutil.Process(node.process.pid).children(), key=lambda each: each.pid)


def connections(process: psutil.Process) -> int:
    """How many clients are connected to the process."""
    return sum(each.status == "ESTABLISHED" for each in process.net_connections("tcp"))


@contextlib.contextmanager
def session(node: Served) -> Iterator[requests.Session]:
    """A client that signs in."""
    with requests.Session() as made:
        made.trust_env = False
        made.headers.update(node.authorization | {"Accept": TAXII})
        yield made


def test_connections_go_to_the_process_that_has_the_fewest(tmp_path: Path) -> None:
    with served_home(tmp_path, options=TWO) as node, contextlib.ExitStack() as stack:
        first, second = workers(node)

        def opened() -> socket.socket:
            return stack.enter_context(socket.create_connection(node.address, timeout=10))

        def share() -> tuple[int, int]:
            return connections(first), connections(second)

        some = [opened() for _ in range(20)]
        wait_until(lambda: share() == (10, 10), seconds=10)
        # All of one process end; the next ones go there until both have the same number again.
        ours = {each.getsockname()[1]: each for each in some}
        for each in first.net_connections("tcp"):
            if each.status == "ESTABLISHED":
                ours[each.raddr.port].close()
        wait_until(lambda: share() == (0, 10), seconds=10)
        for _ in range(10):
            opened()
        wait_until(lambda: share() == (10, 10), seconds=10)


def test_who_calls_while_no_process_keeps_up_waits_and_is_answered(tmp_path: Path) -> None:
    calls = 900
    head = f"GET /taxii2/ HTTP/1.1\r\nHost: node\r\nAccept: {TAXII}\r\nConnection: close\r\n\r\n".encode()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with served_home(tmp_path, options=TWO) as node, contextlib.ExitStack() as stack:
            # More than the front can leave at both doors, and fewer than with those the kernel keeps.
            for each in workers(node):
                each.suspend()
            callers = [stack.enter_context(socket.create_connection(node.address, timeout=30)) for _ in range(calls)]
            for caller in callers:
                caller.sendall(head)
            time.sleep(1)
            for each in workers(node):
                each.resume()
            answers = [caller.recv(100)[:12] for caller in callers]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert set(answers) == {b"HTTP/1.1 401"}


def test_the_front_rests_while_a_process_begins_and_no_other_keeps_up(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with served_home(tmp_path, options=TWO) as node, contextlib.ExitStack() as stack:
            before = workers(node)
            for each in before:
                each.suspend()
            before[1].kill()
            # The one that takes its place is stopped before it says that it takes connections.
            wait_until(lambda: any(each not in before for each in workers(node)), seconds=10)
            (begun,) = (each for each in workers(node) if each not in before)
            begun.suspend()
            for _ in range(700):
                stack.enter_context(socket.create_connection(node.address, timeout=30))
            front = psutil.Process(node.process.pid)
            time.sleep(0.5)
            spent = sum(front.cpu_times()[:2])
            time.sleep(1.5)
            assert sum(front.cpu_times()[:2]) - spent < 0.5
            for each in (before[0], begun):
                each.resume()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_one_process_stores_the_other_shows_at_once(tmp_path: Path) -> None:
    with served_home(tmp_path, options=TWO) as node, session(node) as one, session(node) as two:
        url = f"{node.url}taxii2/root/collections/default/objects/"
        for number in range(20):
            sent = indicator(name=f"indicator {number}")
            assert one.post(url, data=envelope(sent), headers={"Content-Type": TAXII}).status_code == 202
            found = two.get(url, params={"match[id]": sent["id"]}).json()
            assert [each["id"] for each in found["objects"]] == [sent["id"]]
        assert [connections(each) for each in workers(node)] == [1, 1]


def test_requests_are_counted_together(tmp_path: Path) -> None:
    with served_home(tmp_path, options=TWO) as node, session(node) as one, session(node) as two:
        for asking in (one, two):
            for _ in range(5):
                assert asking.get(f"{node.url}taxii2/").status_code == 200
        lines = {each.get(f"{node.url}metrics").text.splitlines()[0] for each in (one, two)}
        text = one.get(f"{node.url}metrics").text
    assert lines
    assert 'comity_http_requests_total{method="GET",route="/taxii2/",status="200"} 10.0' in text
    assert "comity_objects 0.0" in text


@pytest.mark.parametrize("place", [0, 1])
def test_what_a_process_that_died_has_counted_is_not_lost(tmp_path: Path, place: int) -> None:
    def counted(client: requests.Session) -> int:
        text = client.get(f"{node.url}metrics").text
        line = 'comity_http_requests_total{method="GET",route="/taxii2/",status="200"} '
        return int(float(text.partition(line)[2].partition("\n")[0]))

    with served_home(tmp_path, options=TWO) as node:
        with session(node) as one, session(node) as two:
            for asking in (one, two):
                for _ in range(5):
                    assert asking.get(f"{node.url}taxii2/").status_code == 200
            # A request is counted once its answer is out.
            wait_until(lambda: counted(one) == 10, seconds=10)
        before = workers(node)
        os.kill(before[place].pid, signal.SIGKILL)
        wait_until(lambda: len(workers(node)) == 2 and before[place] not in workers(node), seconds=10)
        with session(node) as one, session(node) as two:
            assert [counted(one), counted(two)] == [10, 10]
            for asking in (one, two):
                assert asking.get(f"{node.url}taxii2/").status_code == 200
            wait_until(lambda: [counted(one), counted(two)] == [12, 12], seconds=10)


def test_failed_sign_ins_are_limited_over_all_processes(tmp_path: Path) -> None:
    wrong = {"Authorization": "Bearer comity_aaaaaaaaaaaaaaaa_" + "s" * 43}
    with served_home(tmp_path, options=TWO) as node, session(node) as one, session(node) as two:
        for _ in range(FAILURES_MAX):
            assert one.get(f"{node.url}taxii2/", headers=wrong).status_code == 401
        assert one.get(f"{node.url}taxii2/", headers=wrong).status_code == 429
        # The other process hears of it when it shares its own first failure.
        assert two.get(f"{node.url}taxii2/", headers=wrong).status_code == 401
        wait_until(lambda: two.get(f"{node.url}taxii2/", headers=wrong).status_code == 429, seconds=10)
        assert two.get(f"{node.url}taxii2/").status_code == 200


@pytest.mark.parametrize("place", [0, 1])
def test_a_process_that_dies_is_replaced_while_the_other_answers(tmp_path: Path, place: int) -> None:
    with served_home(tmp_path, options=TWO) as node, contextlib.ExitStack() as stack:
        before = workers(node)
        clients = [stack.enter_context(session(node)) for _ in range(2)]
        for client in clients:
            assert client.get(f"{node.url}taxii2/").status_code == 200
        os.kill(before[place].pid, signal.SIGKILL)
        alive = 0
        for client in clients:
            with contextlib.suppress(requests.ConnectionError):
                alive += client.get(f"{node.url}taxii2/").status_code == 200
        assert alive >= 1
        wait_until(lambda: len(workers(node)) == 2 and before[place] not in workers(node), seconds=10)
        assert before[1 - place] in workers(node)
        for _ in range(4):
            assert stack.enter_context(session(node)).get(f"{node.url}taxii2/").status_code == 200
        assert "is replaced" in node.log.read_text(encoding="utf-8")


def test_connections_wait_while_no_process_is_there(tmp_path: Path) -> None:
    with served_home(tmp_path, options=TWO) as node:
        before = workers(node)
        for each in before:
            os.kill(each.pid, signal.SIGKILL)
        wait_until(lambda: node.log.read_text(encoding="utf-8").count("is replaced") == 2, seconds=10)
        with session(node) as client:
            assert client.get(f"{node.url}taxii2/").status_code == 200
        assert set(before).isdisjoint(workers(node))


def test_a_front_without_a_file_to_spare_takes_connections_later(tmp_path: Path) -> None:
    with served_home(tmp_path, options=TWO) as node:
        front = node.process.pid
        used = max(int(name) for name in os.listdir(f"/proc/{front}/fd")) + 1
        soft, hard = resource.prlimit(front, resource.RLIMIT_NOFILE)
        resource.prlimit(front, resource.RLIMIT_NOFILE, (used, hard))
        with session(node) as client:
            answers: list[int] = []
            asking = threading.Thread(target=lambda: answers.append(client.get(f"{node.url}taxii2/").status_code))
            asking.start()
            wait_until(lambda: "a connection cannot be taken" in node.log.read_text(encoding="utf-8"), seconds=10)
            assert not answers
            resource.prlimit(front, resource.RLIMIT_NOFILE, (soft, hard))
            asking.join(10)
        assert answers == [200]


def test_a_second_signal_ends_what_takes_too_long(tmp_path: Path) -> None:
    command = [*COMITY, "serve", "--home", str(tmp_path / "home"), "--port", "0", "--workers", "2"]
    with init_home(tmp_path / "home", name="Test") as node:
        token = node.new_token("slow", write=["all"]).token
    head = (
        "POST /taxii2/root/collections/default/objects/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        f"Content-Type: {TAXII}\r\nAccept: {TAXII}\r\nAuthorization: Bearer {token}\r\n\r\n{{"
    )
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
    ) as front:
        assert front.stdout is not None
        port = int(front.stdout.readline().rstrip("/\n").rpartition(":")[2])
        left = psutil.Process(front.pid).children()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
            slow.sendall(head.encode())
            wait_until(lambda: sum(map(connections, left)) == 1, seconds=10)
            time.sleep(0.5)
            began = time.monotonic()
            front.terminate()
            time.sleep(0.5)
            assert front.poll() is None
            front.terminate()
            front.wait(STOP_SECONDS_MAX)
            assert time.monotonic() - began < STOP_SECONDS
    gone, alive = psutil.wait_procs(left, timeout=15)
    assert (len(gone), alive) == (2, [])


def test_no_process_outlives_the_front(tmp_path: Path) -> None:
    command = [*COMITY, "serve", "--home", str(tmp_path / "home"), "--port", "0", "--workers", "2"]
    init_home(tmp_path / "home", name="Test").close()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as front:
        assert front.stdout is not None
        front.stdout.readline()
        left = psutil.Process(front.pid).children()
        assert len(left) == 2
        front.kill()
    gone, alive = psutil.wait_procs(left, timeout=15)
    assert (len(gone), alive) == (2, [])


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_ends_all_gently(tmp_path: Path, sign: signal.Signals) -> None:
    command = [*COMITY, "serve", "--home", str(tmp_path / "home"), "--port", "0", "--workers", "3", "--log-json"]
    init_home(tmp_path / "home", name="Test").close()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, encoding="utf-8"
    ) as front:
        assert front.stdout is not None
        assert "http" in front.stdout.readline()
        left = psutil.Process(front.pid).children()
        os.killpg(front.pid, sign)
        _, error = front.communicate(timeout=STOP_SECONDS_MAX)
        assert front.returncode == 0, error
    assert len(left) == 3
    assert not any(each.is_running() for each in left)
    assert "Traceback" not in error


def test_a_request_that_is_running_is_answered_before_the_end(tmp_path: Path) -> None:
    body = envelope(*(indicator() for _ in range(20_000)))
    answers: list[int] = []
    with contextlib.ExitStack() as stack:
        with served_home(tmp_path, options=TWO) as node:
            client = stack.enter_context(session(node))
            assert client.get(f"{node.url}taxii2/").status_code == 200

            def post() -> None:
                url = f"{node.url}taxii2/root/collections/default/objects/"
                answers.append(client.post(url, data=body, headers={"Content-Type": TAXII}).status_code)

            posting = threading.Thread(target=post)
            posting.start()
            time.sleep(0.3)
            assert not answers
        posting.join()
    assert answers == [202]
    with node.node() as opened:
        assert opened.counts().objects == 20_000


def test_tls_is_spoken_by_every_process_and_a_broken_handshake_counts_no_more(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    options = (*TWO, "--tls-cert", str(cert), "--tls-key", str(key))
    with served_home(tmp_path, options=options) as node:
        for _ in range(6):
            with socket.create_connection(node.address, timeout=10) as plain:
                plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                with contextlib.suppress(ConnectionError):
                    plain.recv(100)
        context = ssl.create_default_context(cafile=str(cert))
        with contextlib.ExitStack() as stack:
            for _ in range(6):
                raw = stack.enter_context(socket.create_connection(node.address, timeout=10))
                stack.enter_context(context.wrap_socket(raw, server_hostname="127.0.0.1"))
            wait_until(lambda: [connections(each) for each in workers(node)] == [3, 3], seconds=10)


def test_a_node_that_cannot_be_served_says_so_once_and_ends(tmp_path: Path) -> None:
    init_home(tmp_path / "home", name="Test").close()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [*COMITY, "serve", "--home", str(tmp_path / "home"), "--port", port, "--workers", "2"]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=READY_SECONDS_MAX, check=False, encoding="utf-8"
        )
    assert done.returncode == 75
    assert done.stderr.count("cannot be taken") == 1
    assert "Traceback" not in done.stderr


BROKEN = """
import sys
from pathlib import Path
from comity.node.home import open_home
from comity.web.serve import serve_by_processes

opened = 0

def open_node():
    global opened
    opened += 1
    if opened > 1:
        raise RuntimeError("only once")
    return open_home(Path(sys.argv[1]))

serve_by_processes(open_node, 2, "127.0.0.1", 0, on_ready=print)
"""


def test_processes_that_cannot_begin_end_the_whole(tmp_path: Path) -> None:
    init_home(tmp_path / "home", name="Test").close()
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, str(tmp_path / "home")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "RuntimeError: only once" in done.stderr
    assert "ended before it could serve" in done.stderr


def test_a_second_command_takes_no_part_of_the_port(tmp_path: Path) -> None:
    with served_home(tmp_path, options=TWO) as node:
        other = tmp_path / "other"
        init_home(other, name="Other").close()
        command = [*COMITY, "serve", "--home", str(other), "--port", str(node.address[1]), "--workers", "2"]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=READY_SECONDS_MAX, check=False, encoding="utf-8"
        )
        assert done.returncode == 75, done.stderr
