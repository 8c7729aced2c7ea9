"""Who gets in, who does not, and what those outside learn."""

import base64
from collections import defaultdict
from collections.abc import Iterator

import pytest
import requests
from tests.serving import TAXII, Stand, standing
from tests.wire import Wire, ask, request_bytes
from tests.world import indicator

from comity.node.access import NewToken
from comity.node.settings import Settings
from comity.web.auth import FAILURES_MAX
from comity.web.routes import ROUTES, Rule

pytestmark = pytest.mark.slow

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("access"), Settings(contact="mailto:cert@node.example")) as made:
        yield made


def bare(stand: Stand, method: str, path: str, **headers: str | None) -> requests.Response:
    """The answer to a request without a credential, or with that Authorization alone."""
    given = {"Authorization": None, "Accept": "*/*"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return stand.ask(method, path, headers=given)  # type: ignore[arg-type]


def places(stand: Stand) -> list[tuple[str, Rule]]:
    """Every route with real names in it, and some paths that are none."""
    names = defaultdict(lambda: "x", collection=stand.default, object=str(indicator()["id"]))
    names |= {"file": "comity.css", "seq": "1", "source": "local"}
    names |= {"level": "0", "first": "x000", "second": "000.p", "third": "1"}
    real = [(route.template.format_map(names), route.rule) for route in ROUTES]
    return real + [
        (path, Rule.TOKEN) for path in ("/nothing", "/taxii2/nothing/", "/robots.txt", "/docs", "/openapi.json")
    ]


def test_without_a_sign_in_only_health_and_the_security_contact_answer(stand: Stand) -> None:
    for path, rule in places(stand):
        for method in METHODS:
            # From another host: the sign that lets this one in without a token is missing.
            answer = bare(stand, method, path, X_Forwarded_For="192.0.2.1")
            if rule is Rule.PUBLIC:
                posts = 403 if path.startswith("/sign-in") and method == "POST" else 405
                assert answer.status_code == (200 if method in ("GET", "HEAD") else posts), (method, path)
                continue
            if rule is Rule.SESSION:
                assert answer.status_code in (401, 403, 405), (method, path)
                assert answer.status_code != 403 or method == "POST"
                continue
            if rule is Rule.ACCOUNT and answer.status_code == 405:
                # Which methods an operation has is in its description.
                continue
            assert answer.status_code == 401, (method, path)
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
            assert "Bearer" in answer.headers["WWW-Authenticate"]
            secrets = (stand.default, stand.ro, "Read", "Test", "comity/", "0.1")
            assert not any(secret in answer.text for secret in secrets), (method, path)


def test_what_answers_strangers_tells_nothing_of_the_node(stand: Stand) -> None:
    assert bare(stand, "GET", "/healthz").text == '{"status":"ok"}'
    contact = bare(stand, "GET", "/.well-known/security.txt")
    assert contact.text.startswith("Contact: mailto:cert@node.example\nExpires: 20")
    for path in ("/healthz", "/.well-known/security.txt", "/taxii2/"):
        assert "Server" not in bare(stand, "GET", path).headers


def test_a_stranger_cannot_tell_a_collection_from_none(stand: Stand) -> None:
    real, none = (
        bare(stand, "GET", f"/taxii2/root/collections/{name}/objects/") for name in (stand.default, "no-such-thing")
    )
    assert real.status_code == none.status_code == 401
    assert {**real.json(), "error_id": ""} == {**none.json(), "error_id": ""}


@pytest.mark.parametrize("tail", ["", "objects/", "manifest/", "objects/?limit=0", "objects/x/", "objects/x/versions/"])
def test_a_member_cannot_tell_a_collection_of_others_from_none(stand: Stand, tail: str) -> None:
    twin = next((view for view in stand.node.collections() if view.title == "Twin"), None)
    twin = twin or stand.node.add_collection("Twin", alias="twin")
    seen = set()
    for name in (stand.na, "Others", twin.id, "twin", "Twin", "no-such-thing", "00000000-0000-4000-8000-000000000000"):
        for method in ("GET", "HEAD") if "?" in tail else METHODS:
            answer = stand.ask(method, f"{stand.collection(name)}{tail}", data=b"{}")
            answer.headers.pop("date")
            answer.headers.pop("x-request-id")
            text = answer.text.replace(answer.json()["error_id"], "") if answer.content else ""
            seen.add((method, answer.status_code, text, tuple(sorted(answer.headers.items()))))
    assert len(seen) == (2 if "?" in tail else len(METHODS))


@pytest.mark.parametrize("scheme", ["Basic", "bAsIc", "Bearer", "BEARER", "Token", "token"])
def test_one_credential_signs_in_in_each_form(stand: Stand, scheme: str) -> None:
    pair = base64.b64encode(f"{stand.some.user}:{stand.some.secret}".encode()).decode()
    text = pair if scheme.lower() == "basic" else stand.some.token
    assert bare(stand, "GET", "/taxii2/", Authorization=f"{scheme} {text}").status_code == 200


def test_a_revoked_or_expired_credential_does_not_hold_from_the_next_request_on(stand: Stand) -> None:
    token = stand.node.new_token("short", read=["all"])
    assert stand.get("/taxii2/", token=token).status_code == 200
    stand.node.revoke_token(token.user)
    assert stand.get("/taxii2/", token=token).status_code == 401


@pytest.mark.parametrize(
    "value",
    [
        b"Basic",
        b"Basic \xff\xfe",
        b"Bearer \x80",
        b"Basic ====",
        b"Bearer " + b"a" * 5000,
        b"",
        b"Digest username=x",
        b"Bearer a, Bearer b",
        b"\xc3\xa9",
    ],
)
def test_a_broken_header_is_401_byte_for_byte(stand: Stand, value: bytes) -> None:
    pairs = [(b"Host", b"x"), (b"Authorization", value), (b"Connection", b"close")]
    with Wire(stand.address, source="127.0.0.9") as wire:
        wire.send(request_bytes(b"GET", b"/taxii2/", pairs))
        answer = wire.answer()
    assert answer is not None
    assert answer.status == 401
    assert answer.header("www-authenticate") is not None
    assert answer.media_type == TAXII


def test_failures_from_one_address_are_limited_and_a_good_credential_always_holds(stand: Stand) -> None:
    wrong = {"Authorization": f"Bearer comity_{stand.some.user}_{'x' * 43}"}
    good = {"Authorization": f"Bearer {stand.some.token}"}
    for _ in range(FAILURES_MAX):
        assert ask(stand.address, "GET", "/taxii2/", wrong, source="127.0.0.77").status == 401
    limited = ask(stand.address, "GET", "/taxii2/", wrong, source="127.0.0.77")
    assert limited.status == 429
    assert 1 <= int(limited.header("retry-after") or 0) <= 61
    assert limited.media_type == TAXII
    assert ask(stand.address, "GET", "/taxii2/", good, source="127.0.0.77").status == 200
    assert ask(stand.address, "GET", "/taxii2/", wrong, source="127.0.0.78").status == 401
    assert ask(stand.address, "GET", "/taxii2/", source="127.0.0.77").status == 401


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Host": "localhost"}, True),
        ({"Host": "[::1]:80"}, True),
        ({"X-Forwarded-For": "127.0.0.1"}, False),
        ({"Forwarded": "for=127.0.0.1"}, False),
        ({"X-Real-IP": "127.0.0.1"}, False),
        ({"Via": "1.1 x"}, False),
        ({"Host": "rebound.example"}, False),
        ({"Authorization": "Bearer nonsense"}, False),
    ],
)
@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_a_process_on_this_host_asks_without_a_token_but_not_for_others(
    stand: Stand, path: str, headers: dict[str, str], allowed: bool
) -> None:
    assert ask(stand.address, "GET", path, headers).status == (200 if allowed else 401)


def test_metrics_are_for_who_may_read_everything(stand: Stand) -> None:
    assert stand.get("/metrics").status_code == 403
    assert stand.get("/metrics", token=stand.all).status_code == 200
    assert stand.get("/readyz").json() == {"status": "ready"}


def test_a_proxy_is_believed_for_addresses_and_lets_nobody_in(tmp_path_factory: pytest.TempPathFactory) -> None:
    with standing(tmp_path_factory.mktemp("proxy"), behind_proxy="127.0.0.1") as stand:
        wrong = {"Authorization": "Bearer nonsense", "X-Forwarded-For": "203.0.113.9, 198.51.100.1"}
        for _ in range(FAILURES_MAX):
            assert ask(stand.address, "GET", "/taxii2/", wrong).status == 401
        assert ask(stand.address, "GET", "/taxii2/", wrong).status == 429
        spoofed = wrong | {"X-Forwarded-For": "198.51.100.1, 198.51.100.2"}
        assert ask(stand.address, "GET", "/taxii2/", spoofed).status == 401
        assert ask(stand.address, "GET", "/taxii2/", wrong, source="127.0.0.3").status == 401
        assert ask(stand.address, "GET", "/metrics").status == 401
        https = {"Authorization": f"Bearer {stand.all.token}", "X-Forwarded-Proto": "https", "Host": "node.example"}
        assert b"https://node.example/taxii2/" in ask(stand.address, "GET", "/", https).body
        assert b"http://node.example/taxii2/" in ask(stand.address, "GET", "/", https, source="127.0.0.3").body


def test_nothing_that_is_sent_in_comes_back_in_a_header_or_as_a_cookie(stand: Stand) -> None:
    for token in (stand.some, stand.all):
        check_headers(stand, token)


def check_headers(stand: Stand, token: NewToken) -> None:
    answer = stand.get("/taxii2/", token=token, headers={"X-Request-Id": "mine", "Origin": "https://evil.example"})
    assert answer.headers["X-Request-Id"] != "mine"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert not {"Set-Cookie", "Access-Control-Allow-Origin"} & set(answer.headers)
    assert token.secret not in str(answer.headers)
