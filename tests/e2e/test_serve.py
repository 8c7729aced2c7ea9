"""Serving: when it is ready, how it stops, and when it refuses to begin."""

import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from tests.postgres import store_address
from tests.serving import certificate, standing
from tests.world import envelope, indicator

from comity.errors import Invalid, Refused, StoreUnavailable, Unavailable
from comity.node import work as behind
from comity.node.node import Node
from comity.web.serve import Serving, check_exposure, serve

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from comity.node import work as behind
from comity.node.node import Node
from comity.web.serve import serve

with Node.open(sys.argv[1]) as node:
    token = node.new_token("t", read=["all"], write=["all"])
    print(token.token, flush=True)
    serve(node, "127.0.0.1", 0, log_json=True, on_ready=lambda url: print(url, flush=True))
print("stopped", flush=True)
"""


@pytest.mark.parametrize("lost", ["tls_cert", "tls_key"])
def test_a_lost_file_of_tls_is_named(tmp_path: Path, lost: str) -> None:
    cert, key = certificate(tmp_path)
    files = {"tls_cert": str(cert), "tls_key": str(key)} | {lost: str(tmp_path / "lost.pem")}
    with Node.open(f"sqlite:///{tmp_path / 'a.db'}") as node, pytest.raises(Invalid) as caught:
        Serving(node, "127.0.0.1", 0, tls_cert=files["tls_cert"], tls_key=files["tls_key"])
    assert caught.value.where == lost
    assert "lost.pem" in caught.value.message


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_gently_and_it_prints_nothing_of_its_own(tmp_path: Path, sign: signal.Signals) -> None:
    command = [sys.executable, "-c", PROGRAM, store_address(tmp_path)]
    with (
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        ) as process,
        requests.Session() as session,
    ):
        try:
            assert process.stdout is not None
            token, url = process.stdout.readline().strip(), process.stdout.readline().strip()
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {token}"
            assert session.get(url + "taxii2/").status_code == 200
            process.send_signal(sign)
            out, error = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, out) == (0, "stopped\n")
    assert [line for line in error.splitlines() if '"event": "request"' not in line] == []


def test_what_is_being_answered_is_answered_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = threading.Event()
    post = Node.post

    def slow(self: Node, *arguments: object) -> object:
        began.set()
        time.sleep(0.5)
        return post(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Node, "post", slow)
    answers: list[int] = []
    with standing(tmp_path) as stand:
        asking = threading.Thread(target=lambda: answers.append(stand.post(data=envelope(indicator())).status_code))
        asking.start()
        assert began.wait(10)
    asking.join()
    assert answers == [202]


@pytest.mark.parametrize(
    ("host", "how"),
    [
        ("127.0.0.1", {}),
        ("127.9.9.9", {}),
        ("::1", {}),
        ("localhost", {}),
        ("0.0.0.0", {"tls": True}),  # noqa: S104
        ("0.0.0.0", {"behind_proxy": "10.0.0.1"}),  # noqa: S104
        ("0.0.0.0", {"insecure_http": True}),  # noqa: S104
    ],
)
def test_credentials_stay_on_this_host_or_under_the_operators_word(host: str, how: dict[str, object]) -> None:
    check_exposure(host, **({"tls": False, "behind_proxy": "", "insecure_http": False} | how))  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["0.0.0.0", "", "192.0.2.1", "::", "no-such-host.invalid"])  # noqa: S104
def test_plain_http_on_a_network_is_refused(tmp_path: Path, host: str) -> None:
    with Node.open(store_address(tmp_path)) as node, pytest.raises(Refused, match="Plain HTTP"):
        serve(node, host, 0)


def test_a_proxy_must_be_an_address() -> None:
    with pytest.raises(Invalid):
        check_exposure("127.0.0.1", tls=False, behind_proxy="proxy.example", insecure_http=False)


def test_a_taken_port_and_a_strange_address_are_named(tmp_path: Path) -> None:
    with Node.open(store_address(tmp_path)) as node, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Unavailable, match="cannot be taken"):
            serve(node, "127.0.0.1", taken.getsockname()[1])
        with pytest.raises(Invalid, match="no address"):
            Serving(node, "no-such-host.invalid", 0)


def test_https_is_spoken_in_tls_1_2_and_1_3_alone(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    with standing(tmp_path, tls_cert=str(cert), tls_key=str(key)) as stand:
        assert stand.url.startswith("https://127.0.0.1:")
        assert stand.get("/taxii2/", verify=str(cert)).status_code == 200
        port = int(stand.url.rsplit(":", 1)[1])
        for version, wanted in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            context = ssl.create_default_context(cafile=str(cert))
            context.minimum_version = context.maximum_version = version
            with (
                socket.create_connection(("127.0.0.1", port)) as plain,
                context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
            ):
                assert wrapped.version() == wanted


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    cert, _ = certificate(tmp_path)
    broken = tmp_path / "broken.pem"
    broken.write_text("nonsense", encoding="utf-8")
    with Node.open(store_address(tmp_path)) as node:
        for tls_cert, tls_key in ((cert, broken), (broken, broken), (tmp_path / "none.pem", broken)):
            with pytest.raises(Invalid) as caught:
                serve(node, "127.0.0.1", 0, tls_cert=str(tls_cert), tls_key=str(tls_key))
            assert caught.value.where == "tls_cert"


def test_work_behind_goes_on_after_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind, "SECONDS_AFTER_FAULT", 0.01)
    faults: list[Exception] = [StoreUnavailable("The store is locked."), RuntimeError("a bug")]
    done = threading.Event()

    def work(_self: Node) -> bool:
        if faults:
            raise faults.pop(0)
        done.set()
        return False

    monkeypatch.setattr(Node, "work", work)
    with standing(tmp_path):
        assert done.wait(10)


def test_full_text_is_filled_while_serving(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        stand.post(indicator(name="Kancil"))
        deadline = time.monotonic() + 20
        while stand.node.counts().text_behind and time.monotonic() < deadline:
            time.sleep(0.05)
        assert stand.node.counts().text_behind == 0
