"""The client that calls other servers, against real ones: bounded, pinned, and true to the credential's one server."""

import gzip
import os
import socket
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard
from tests.peers import Asked, peer, reply
from tests.serving import certificate

from comity.errors import AddressRefused, BadCertificate, Invalid, InvalidAnswer, NotFound, PeerUnavailable
from comity.interfaces import Fetched, Fetcher
from comity.node import fetch as fetching
from comity.node.addresses import Reach, networks_of
from comity.node.fetch import HttpFetcher

LOOPBACK = networks_of(["127.0.0.1", "::1"])
SECRET = "Bearer very-secret"


def _here(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def ask(
    url: str, *, method: str = "GET", body: bytes = b"", bytes_max: int = 10_000, base: str = "", **how: Any
) -> Fetched:
    """The answer, fetched with a credential for that server."""
    resolver, seconds = how.pop("resolver", _here), how.pop("seconds_max", 10)
    reach = Reach(base or url, **{"authorization": SECRET, "allowed": LOOPBACK, **how})
    with HttpFetcher(reach, resolver=resolver, seconds_max=seconds) as fetcher:
        checked: Fetcher = fetcher
        return checked.fetch(method, url, headers={"Accept": "x/y"}, body=body, bytes_max=bytes_max)


def test_what_is_asked_and_answered_comes_through() -> None:
    with peer(reply(b"hello", "201 Created", "X-A: 1", "x-a: 2")) as other:
        got = ask(f"{other.url}/a?b=c", method="POST", body=b"sent" * 50_000)
    assert (got.status, got.body, got.headers["x-a"], got.url) == (201, b"hello", "1, 2", f"{other.url}/a?b=c")
    (asked,) = other.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/a?b=c", b"sent" * 50_000)
    assert asked.headers["host"] == f"127.0.0.1:{other.port}"
    assert asked.headers["authorization"] == SECRET
    assert asked.headers["accept"] == "x/y"
    assert asked.headers["user-agent"].startswith("comity/")
    assert "cookie" not in asked.headers


def test_one_connection_serves_several_requests_and_cookies_are_not_kept() -> None:
    with peer(reply(b"x", "200 OK", "Set-Cookie: a=b")) as other:
        with HttpFetcher(Reach(other.url, allowed=LOOPBACK)) as fetcher:
            for _ in range(3):
                fetcher.fetch("GET", other.url, bytes_max=10)
        assert (other.connections, len(other.asked)) == (1, 3)
        assert all("cookie" not in asked.headers and "authorization" not in asked.headers for asked in other.asked)


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"])
def test_a_proxy_in_the_environment_is_not_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(reply(b"direct")) as other, peer(reply(b"by proxy")) as proxy:
        monkeypatch.setenv(name, proxy.url)
        assert ask(other.url).body == b"direct"
        assert proxy.asked == []


# -- addresses --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]"])  # noqa: S104
def test_ssrf_by_an_address_inside_is_refused_before_a_byte_is_sent(host: str) -> None:
    with peer(reply(b"inside")) as other:
        url = f"http://{host}:{other.port}/"
        with pytest.raises(AddressRefused):
            ask(url, allowed=(), resolver=fetching.system_resolver)
        assert other.connections == 0


def test_ssrf_by_a_name_that_resolves_inside_is_refused() -> None:
    with peer(reply(b"inside")) as other:
        for allowed in ((), networks_of(["10.0.0.0/8"])):
            with pytest.raises(AddressRefused, match=r"evil\.example, which is at 127\.0\.0\.1, is a loopback"):
                ask(f"http://evil.example:{other.port}/", allowed=allowed)
        assert other.connections == 0


def test_ssrf_by_dns_rebinding_meets_the_address_that_was_judged() -> None:
    answers = [["127.0.0.1"], ["127.0.0.2"]]
    calls: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        calls.append(host)
        return answers[min(len(calls), len(answers)) - 1]

    with peer(reply(b"good", "200 OK", "Connection: close"), host="0.0.0.0") as other:  # noqa: S104
        url = f"http://feed.example:{other.port}/"
        assert ask(url, resolver=rebinding).body == b"good"
        assert calls == ["feed.example"], "resolved once for the connection, which goes to what was judged"
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.2"):
            ask(url, resolver=rebinding)
        assert other.connections == 1


def test_ssrf_by_a_redirect_inside_is_refused() -> None:
    with peer(reply(b"inside")) as inside:
        places = {"feed.example": ["127.0.0.1"], "inside.example": ["127.0.0.2"]}
        with (
            peer(reply(b"", "302 Found", f"Location: http://inside.example:{inside.port}/")) as other,
            pytest.raises(AddressRefused, match=r"inside\.example, which is at 127\.0\.0\.2,"),
        ):
            ask(f"http://feed.example:{other.port}/", resolver=lambda host, port: places[host])
        assert inside.connections == 0


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "gopher://x/", "ftp://x/", "//user:x@y/", "http://", "", "http://a b/"]
)
def test_ssrf_by_a_redirect_to_no_plain_url_is_refused(target: str) -> None:
    with (
        peer(lambda asked: reply(b"", "302 Found", f"Location: {target}")) as other,
        pytest.raises((InvalidAnswer, AddressRefused)),
    ):
        ask(f"{other.url}/a")


def test_a_name_with_an_address_that_is_down_is_reached_at_the_next() -> None:
    with peer(reply(b"up")) as other:
        got = ask(
            f"http://feed.example:{other.port}/",
            resolver=lambda host, port: ["::1", "127.0.0.1"],
        )
    assert got.body == b"up"


# -- TLS --------------------------------------------------------------------------------------------------------------
def test_a_certificate_is_checked_against_the_file_that_was_named(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    with peer(reply(b"hello"), certificate=(cert, key)) as other:
        with pytest.raises(BadCertificate, match="does not hold"):
            ask(other.url)
        assert ask(other.url, ca_file=cert).body == b"hello"
        with pytest.raises(BadCertificate):
            ask(f"https://other.example:{other.port}/", ca_file=cert)
        assert len(other.asked) == 1
    with pytest.raises(NotFound):
        ask("https://other.example/", ca_file=tmp_path / "none.pem")
    with pytest.raises(Invalid, match="no certificate"):
        ask("https://other.example/", ca_file=key)


def test_plain_http_is_refused_but_to_loopback_or_by_the_operators_word() -> None:
    texts = networks_of(["127.0.0.0/8", "192.0.2.0/24"])
    with pytest.raises(AddressRefused, match="without TLS"):
        ask("http://feed.example/", allowed=texts, resolver=lambda host, port: ["192.0.2.1"])
    with pytest.raises(AddressRefused, match="without TLS"):
        ask("http://feed.example/", allowed=texts, resolver=lambda host, port: ["127.0.0.1", "192.0.2.1"])


def test_a_redirect_never_leads_out_of_tls(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    with (
        peer(reply(b"plain")) as plain,
        peer(reply(b"", "301 Moved", f"Location: {plain.url}/"), certificate=(cert, key)) as other,
    ):
        with pytest.raises(AddressRefused, match="without TLS"):
            ask(other.url, ca_file=cert)
        assert plain.connections == 0


# -- redirects --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_port_or_scheme_drops_the_credential(status: int, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)

    def there(target: str) -> bytes:
        return reply(b"", f"{status} Moved", f"Location: {target}")

    with peer(reply(b"there")) as port, peer(reply(b"there"), certificate=(cert, key)) as scheme:
        for target in (f"{port.url}/x", f"{scheme.url}/x"):
            with peer(there(target)) as other:
                got = ask(f"{other.url}/a", ca_file=cert)
                assert (got.body, got.url) == (b"there", target)
                assert other.asked[0].headers["authorization"] == SECRET
        assert all("authorization" not in one.asked[0].headers for one in (port, scheme))

        def onward(asked: Asked) -> bytes:
            host = asked.headers["host"].replace("a.example", "b.example")
            return reply(b"on") if asked.target == "/b" else there(f"http://{host}/b")

        with peer(onward) as other:
            assert ask(f"http://a.example:{other.port}/a").body == b"on"
            assert ["authorization" in asked.headers for asked in other.asked] == [True, False]


def test_a_redirect_on_the_same_server_keeps_the_credential() -> None:
    with peer(
        lambda asked: reply(b"on") if asked.target == "/b/" else reply(b"", "301 Moved", "Location: /b/")
    ) as other:
        assert ask(f"{other.url}/a").url == f"{other.url}/b/"
        assert [asked.headers["authorization"] for asked in other.asked] == [SECRET, SECRET]


def test_a_credential_is_for_the_server_that_was_named_whatever_is_fetched() -> None:
    with peer(reply(b"x")) as other:
        ask(f"{other.url}/", base=f"http://feed.example:{other.port}/")
        assert "authorization" not in other.asked[0].headers


def test_redirects_end() -> None:
    with peer(reply(b"", "302 Found", "Location: /again")) as other:
        with pytest.raises(InvalidAnswer, match="more than 5 times"):
            ask(other.url)
        assert len(other.asked) == 6


def test_a_post_is_not_redirected() -> None:
    with (
        peer(reply(b"", "307 Moved", "Location: /there")) as other,
        pytest.raises(InvalidAnswer, match="redirects a POST"),
    ):
        ask(other.url, method="POST", body=b"x")


# -- bounds -----------------------------------------------------------------------------------------------------------
def _packed(kind: str, data: bytes) -> bytes:
    return gzip.compress(data) if kind == "gzip" else zstandard.compress(data)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_packed_answer_is_unpacked_and_a_bomb_is_not(kind: str) -> None:
    for size, fits in ((9_000, True), (50_000_000, False)):
        packed = _packed(kind, bytes(size))
        with peer(reply(packed, "200 OK", f"Content-Encoding: {kind}")) as other:
            if fits:
                assert ask(other.url).body == bytes(size)
            else:
                with pytest.raises(InvalidAnswer, match="more than"):
                    ask(other.url, bytes_max=100_000)


CODINGS = {
    "unknown": ("br", b"x"),
    "no gzip": ("gzip", b"no gzip"),
    "gzip that breaks off": ("gzip", gzip.compress(b"x" * 99)[:-3]),
    "two codings": ("gzip, gzip", b"x"),
    "deflate": ("deflate", zlib.compress(b"x")),
}


@pytest.mark.parametrize("what", CODINGS)
def test_a_coding_that_cannot_be_read_is_said(what: str) -> None:
    coding, body = CODINGS[what]
    with peer(reply(body, "200 OK", f"Content-Encoding: {coding}")) as other, pytest.raises(InvalidAnswer):
        ask(other.url)


def _endless(start: bytes, piece: bytes, pause: float = 0.0) -> Callable[[Asked, socket.socket], None]:
    def answer(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return answer


HEAD = b"HTTP/1.1 200 OK\r\n"
ENDLESS = {
    "body without length": (HEAD + b"\r\n", b"x" * 10_000, InvalidAnswer),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n" * 100, InvalidAnswer),
    "length above the bound": (HEAD + b"Content-Length: 99999999999\r\n\r\n", b"x" * 10_000, InvalidAnswer),
    "headers": (HEAD, b"X-More: and more\r\n" * 100, InvalidAnswer),
    "one header": (HEAD + b"X: ", b"x" * 10_000, InvalidAnswer),
    "status lines": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, InvalidAnswer),
    "no HTTP": (b"SSH-2.0-server\r\n", b"x" * 1000, InvalidAnswer),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_what_has_no_end_is_ended(what: str) -> None:
    start, piece, error = ENDLESS[what]
    with peer(_endless(start, piece)) as other, pytest.raises(error):
        ask(other.url)


SLOW = {
    "nothing": (b"", b""),
    "a head by the byte": (HEAD + b"X: ", b"x"),
    "a body by the byte": (HEAD + b"Content-Length: 5000\r\n\r\n", b"x"),
    "chunks by the byte": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", SLOW)
def test_what_drips_is_ended_when_the_time_for_the_whole_is_over(what: str) -> None:
    start, piece = SLOW[what]
    begun = time.monotonic()
    with peer(_endless(start, piece, 0.05)) as other, pytest.raises(PeerUnavailable, match="too slow"):
        ask(other.url, seconds_max=0.4)
    assert time.monotonic() - begun < 3


@pytest.mark.slow
def test_a_silent_server_is_left_before_the_time_for_the_whole_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SILENCE_SECONDS_MAX", 0.2)
    with peer(_endless(b"", b"", 0.05)) as other, pytest.raises(PeerUnavailable, match="too slow"):
        ask(other.url, seconds_max=60)


@pytest.mark.slow
def test_a_reader_that_does_not_read_is_left() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with listener, pytest.raises(PeerUnavailable):
        ask(url, method="POST", body=os.urandom(30_000_000), seconds_max=0.5)


@pytest.mark.slow
def test_a_tls_handshake_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(_endless(b"", b"")) as other, pytest.raises(PeerUnavailable):
        ask(f"https://127.0.0.1:{other.port}/", seconds_max=0.4)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        b"\0" * 10,
    ],
)
def test_an_answer_that_is_broken_is_said(raw: bytes) -> None:
    def answer(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(raw)

    with peer(answer) as other, pytest.raises((InvalidAnswer, PeerUnavailable)):
        ask(other.url)


def test_a_server_that_is_not_there_is_said() -> None:
    with peer(b"") as other:
        url = other.url
    with pytest.raises(PeerUnavailable, match="cannot be reached"):
        ask(url)
    with pytest.raises(PeerUnavailable, match="cannot be resolved"):
        ask("https://no-such-name.invalid/", resolver=fetching.system_resolver)
    with pytest.raises(PeerUnavailable, match="no address"):
        ask("https://no-such-name.invalid/", resolver=lambda host, port: [])


def test_many_headers_are_refused() -> None:
    many = reply(b"", "200 OK", *(f"X-{number}: y" for number in range(300)))
    with peer(many) as other, pytest.raises(InvalidAnswer, match="headers"):
        ask(other.url)
