"""Attachments are bytes to keep and nothing else (R68), and whose an object is only the node says (R6, R7)."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browser import Browser, Stand, standing
from tests.page_checks import faults, is_own
from tests.pages_world import HOSTILE, LATER, MOMENT, SECRET, id_of, thing
from tests.visiting import Seen, Staff
from tests.world import bundle

from comity.errors import NotFound
from comity.node.people import READING
from comity.stix.markings import MARKING_IDS, TLP
from comity.web.answer import Answer
from comity.web.routes import ROUTES
from comity.web.ui import attachments, objects
from comity.web.ui.describing import value_of

pytestmark = pytest.mark.slow

PAYLOADS = {
    "text/html": b"<!doctype html><script>alert(1)</script>",
    "image/svg+xml": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "application/pdf": b"%PDF-1.7\n<script>alert(1)</script>",
    "application/x-msdownload": b"MZ\x90\x00" + bytes(range(256)),
    "text/javascript": b"alert(1)",
    "multipart/mixed; boundary=x": b"--x\r\nContent-Type: text/html\r\n\r\n<b>x</b>\r\n--x--",
    "text/html\r\nX-Evil: 1": b"x",
    "": b"",
}
PLACES = {kind: id_of("artifact", number) for number, kind in enumerate(PAYLOADS)}


def artifact(id: str, level: TLP = TLP.GREEN, **more: Any) -> dict[str, Any]:
    value = {"type": "artifact", "spec_version": "2.1", "id": id}
    return value | {"object_marking_refs": [MARKING_IDS[level]]} | more


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("attached")) as made:
        node = made.node
        node.add_source("feed")
        for kind, content in PAYLOADS.items():
            payload = base64.b64encode(content).decode()
            more: dict[str, Any] = {"mime_type": kind} if kind else {}
            node.receive(bundle(artifact(PLACES[kind], payload_bin=payload, **more)), "feed")
        hidden = artifact(id_of("artifact", 90), TLP.RED, payload_bin=base64.b64encode(SECRET.encode()).decode())
        far = artifact(id_of("artifact", 91), url="https://evil.example/x.exe", hashes={"MD5": "0" * 32})
        node.receive(bundle(hidden, far), "feed")
        yield made


@pytest.fixture(scope="module")
def rita(stand: Stand) -> Browser:
    return stand.person("rita", ["reader"])


def seen(browser: Browser, path: str) -> Seen:
    reply = browser.get(path)
    assert reply.status == 200, path
    return Seen(Answer(reply.body))


@pytest.mark.parametrize("kind", list(PAYLOADS))
@pytest.mark.parametrize("accept", ["text/html,*/*;q=0.8", "image/svg+xml,image/*", "*/*"])
def test_no_attachment_is_ever_served_to_be_shown(rita: Browser, kind: str, accept: str) -> None:
    reply = rita.get(f"/objects/{PLACES[kind]}/attachment.bin", accept=accept)
    assert reply.status == 200
    assert reply.body == PAYLOADS[kind], "byte for byte"
    if reply.body:
        assert reply.header("content-type") == "application/octet-stream"
    assert reply.header("content-disposition") == 'attachment; filename="attachment.bin"'
    assert reply.header("x-content-type-options") == "nosniff"
    policy = [value for name, value in reply.headers if name == b"content-security-policy"]
    assert policy == [b"sandbox; default-src 'none'"], "that one and no other"
    assert reply.header("x-evil") is None
    assert reply.header("cross-origin-resource-policy") == "same-origin"


def test_nothing_else_of_an_artifact_shows_its_bytes(rita: Browser) -> None:
    """Every page and file of the object, with the bytes and with their base64."""
    paths = {route.template.partition("{object}")[2] for route in ROUTES if route.template.startswith("/objects/{obj")}
    assert len(paths) >= 9
    for kind in ("text/html", "image/svg+xml"):
        for rest in paths - {"/attachment.bin", "/edit"}:
            reply = rita.get(f"/objects/{PLACES[kind]}{rest}")
            assert reply.status == 200
            assert PAYLOADS[kind] not in reply.body, rest
            inline = reply.header("content-disposition") is None
            kind_of = str(reply.header("content-type"))
            assert not inline or kind_of.startswith(("text/html", "application/json")), rest
            if inline and kind_of.startswith("text/html"):
                tags = Seen(Answer(reply.body)).tags
                assert all(is_own(its) for tag, its in tags if tag == "script")
                assert not [tag for tag, _ in tags if tag in ("img", "iframe")]


def test_the_page_says_what_it_is_and_warns(rita: Browser) -> None:
    page = seen(rita, f"/objects/{PLACES['text/html']}/attachment")
    digest = hashlib.sha256(PAYLOADS["text/html"]).hexdigest()
    for words in ("It may be malware", "40 B", digest[:16], "text/html"):
        assert words in page.text, words
    assert f"/objects/{PLACES['text/html']}/attachment.bin" in page.links
    assert f"/objects/{PLACES['text/html']}/attachment" in seen(rita, f"/objects/{PLACES['text/html']}").links


def test_an_address_is_no_link_and_nobody_asks_there(stand: Stand, rita: Browser) -> None:
    def fetched(_reach: object) -> object:
        raise AssertionError("something was fetched")

    stand.node.fetcher = fetched  # type: ignore[assignment]
    id = id_of("artifact", 91)
    for path in (f"/objects/{id}", f"/objects/{id}/attachment", f"/objects/{id}/raw"):
        page = seen(rita, path)
        assert "evil.example" in page.text
        assert not [link for link in page.links if "evil" in link]
    assert "not compared" in seen(rita, f"/objects/{id}/attachment").text
    assert rita.get(f"/objects/{id}/attachment.bin").status == 404


def test_who_may_not_read_the_object_has_no_attachment(stand: Stand, rita: Browser) -> None:
    nowhere = id_of("artifact", 999)
    for rest in ("/attachment", "/attachment.bin"):
        replies = [rita.get(f"/objects/{id}{rest}") for id in (id_of("artifact", 90), nowhere)]
        assert [reply.status for reply in replies] == [404, 404]
        assert SECRET.encode() not in replies[0].body
    for role in ("admin", "auditor", "release-audit"):
        other = stand.person(f"o{role}", [role])
        assert other.get(f"/objects/{PLACES['text/html']}/attachment.bin").status == 403
    assert all(page.looks == set(READING) for page in attachments.PAGES)
    assert stand.browser().get(f"/objects/{PLACES['text/html']}/attachment.bin").status == 303


def test_that_it_was_kept_is_in_the_audit_log_where_its_object_is_restricted(stand: Stand, rita: Browser) -> None:
    """As for content: `amber+strict` is restricted, and its reading is noted."""
    strict = artifact(id_of("artifact", 95), TLP.AMBER_STRICT, payload_bin="eA==")
    stand.node.receive(bundle(strict), "feed")
    before = len(stand.rows("show"))
    assert rita.get(f"/objects/{strict['id']}/attachment.bin").body == b"x"
    assert len(stand.rows("show")) == before + 1


@pytest.mark.parametrize("payload", ["a", "%%%", "<script>", "eA=\n=x"])
def test_what_is_no_base64_is_told_and_not_given(rita: Browser, payload: str) -> None:
    content, broken = attachments._content(payload)
    assert (content, broken) == (None, True)
    assert attachments._content(["eA=="]) == (None, True)
    assert attachments._content("eA==") == (b"x", False)


# -- whose it is -------------------------------------------------------------------------------------------------------
def summary(staff: Staff, id: str) -> Seen:
    visit = staff.visit(f"/objects/{id}", "rita", names={"object": id})
    with staff.acting("rita"):
        answer = objects.summary(visit)
    assert faults(answer) == []
    return Seen(answer)


@pytest.fixture
def claimed(empty: Staff) -> Staff:
    """A node that knows itself, a feed, and what both say of one author."""
    node = empty.node
    ours, other = id_of("identity", 1), id_of("identity", 2)
    node.settings = type(node.settings)(identities=ours)
    with empty.acting("adam"):
        node.add_source("feed")
    named = {"type": "identity", "spec_version": "2.1", "created": MOMENT, "modified": MOMENT}
    green = {"object_marking_refs": [MARKING_IDS[TLP.GREEN]]}
    node.receive(bundle(named | green | {"id": other, "name": "ACME Research"}), "feed")
    node.receive(bundle(thing("malware", 1, TLP.GREEN, "Mine", created_by_ref=ours)))
    node.receive(bundle(thing("malware", 2, TLP.GREEN, "Plain")), "feed")
    node.receive(bundle(thing("malware", 3, TLP.GREEN, "Theirs", created_by_ref=other)), "feed")
    node.receive(bundle(thing("malware", 4, TLP.GREEN, "Forged", created_by_ref=ours)), "feed")
    for number, name in enumerate(HOSTILE):
        by = named | green | {"id": id_of("identity", 100 + number), "name": name}
        node.receive(bundle(by, thing("tool", 100 + number, TLP.GREEN, "By", created_by_ref=by["id"])), "feed")
    return empty


def test_what_the_node_knows_and_what_an_object_claims_are_kept_apart(claimed: Staff) -> None:
    texts = {number: summary(claimed, id_of("malware", number)).text for number in (1, 2, 3, 4)}
    assert "It comes from a source of our own." in texts[1]
    assert "feed gave it" in texts[2]
    assert "Claimed to be by ACME Research" in texts[3]
    assert "anybody can say that (R6)" in texts[4]
    assert "✓ ours" in texts[1]
    assert not any("✓ ours" in texts[number] for number in (2, 3, 4))


def test_no_name_of_an_author_draws_a_badge(claimed: Staff) -> None:
    for number in range(len(HOSTILE)):
        page = summary(claimed, id_of("tool", 100 + number))
        assert "✓ ours" not in page.text
        assert "claimed, via" in page.text


def test_other_copies_are_said(claimed: Staff) -> None:
    node = claimed.node
    node.receive(bundle(thing("malware", 1, TLP.GREEN, "Altered")), "feed")
    text = summary(claimed, id_of("malware", 1)).text
    assert "Other sources have it too" in text
    assert "another content" in text
    node.receive(bundle(thing("malware", 1, TLP.GREEN, "Newer", modified=LATER)))
    assert "Other sources have it too" in summary(claimed, id_of("malware", 1)).text
    assert "Other sources have it too" not in summary(claimed, id_of("malware", 2)).text


def test_a_source_that_may_not_be_read_is_no_rival(claimed: Staff) -> None:
    claimed.node.receive(bundle(thing("malware", 2, TLP.RED, f"{SECRET} words", modified=LATER)), "feed")
    with pytest.raises(NotFound):
        summary(claimed, id_of("malware", 99))
    claimed.node.receive(bundle(thing("malware", 1, TLP.RED, SECRET, modified=LATER)), "feed")
    page = summary(claimed, id_of("malware", 1))
    assert "Other sources have it too" not in page.text
    assert SECRET not in page.source


def test_rows_say_whose_each_is(claimed: Staff) -> None:
    from comity.web.ui import search

    visit = claimed.visit("/search", "rita", q="type:malware")
    with claimed.acting("rita"):
        page = Seen(search.search(visit))
    assert page.text.count("✓ ours") == 1
    assert page.text.count("● via feed") == 3


def test_the_value_of_a_destroyed_body_claims_nothing(claimed: Staff, tmp_path: Path) -> None:
    from dataclasses import replace

    with claimed.acting("rita"):
        copy = claimed.node.about(id_of("malware", 3)).copies[0]
    assert value_of(replace(copy, raw=None)) == {}
    assert attachments.attachment_of(replace(copy, raw=None)) is None
