"""Import by page: dropped, previewed, confirmed; what is hostile is shown and never obeyed; nobody meets another's."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browser import Browser, Stand, multipart, standing
from tests.page_checks import english_on, faults, is_own
from tests.pages_world import HOSTILE, thing
from tests.visiting import Seen
from tests.world import bundle, indicator

from comity.node import inspecting, uploads
from comity.stix.markings import TLP
from comity.store.staging import Staging
from comity.web.answer import Answer

pytestmark = pytest.mark.slow

FORM = 200_000


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("importing")
    with standing(folder) as made:
        made.node.staging = Staging(folder / "uploads", bytes_max=4 * FORM, form_bytes_max=FORM)
        made.node.settings = type(made.node.settings)(upload_bytes_max=FORM)
        yield made


@pytest.fixture(scope="module")
def ana(stand: Stand) -> Browser:
    return stand.person("ana", ["analyst"])


@pytest.fixture(scope="module")
def rolf(stand: Stand) -> Browser:
    return stand.person("rolf", ["releaser"])


@pytest.fixture(scope="module")
def rita(stand: Stand) -> Browser:
    return stand.person("rita", ["reader"])


@pytest.fixture(autouse=True)
def nothing_waits(stand: Stand) -> Iterator[None]:
    """Passwords take their time, so that persons stay and what they sent goes."""
    yield
    assert stand.node.staging is not None
    for id in stand.node.staging.ids():
        stand.node.staging.drop(id)


def send(browser: Browser, *files: tuple[str, bytes], **fields: str) -> str:
    """Where the upload of these files is."""
    reply = browser.upload("/import", fields, files, of="/import")
    assert reply.status == 303, Seen(Answer(reply.body)).text
    return str(reply.header("location"))


def seen(browser: Browser, path: str) -> Seen:
    reply = browser.get(path)
    assert reply.status == 200, path
    return Seen(Answer(reply.body))


def digest_on(page: Seen) -> str:
    """What the form on it is bound to."""
    return next(str(tag["value"]) for name, tag in page.tags if name == "input" and tag.get("name") == "digest")


def left(stand: Stand) -> list[str]:
    assert stand.node.staging is not None
    return [path.name for path in stand.node.staging.folder.rglob("*")]


def test_a_file_is_dropped_looked_at_and_stored(stand: Stand, ana: Browser) -> None:
    green = thing("malware", 1, TLP.GREEN, "Kancil")
    path = send(ana, ("a.json.gz", gzip.compress(bundle(green, indicator(name="C2"), {"type": "indicator"}))))
    page = seen(ana, path)
    for words in ("a.json.gz", "new 2", "rejected 1", "objects[2]", "TLP:GREEN 1", "Nothing is stored yet", "Kancil"):
        assert words in page.text
    before = stand.node.counts().objects
    reply = ana.send(f"{path}/confirm", {"digest": digest_on(page)})
    assert (reply.status, reply.header("location")) == (303, path)
    done = seen(ana, path)
    assert "2 new objects were taken in" in done.text
    assert "Nothing was published" in done.text
    assert "#sample" in done.links, "exactly what came, not all that came of late"
    assert f"/objects/{green['id']}" in done.links
    assert f"/objects/{green['id']}" not in page.links, "before it is stored it has no page"
    assert stand.node.counts().objects == before + 2
    assert "Kancil" in seen(ana, "/search?from=local&seen=1h").text
    assert any("a.json.gz" in row for row in stand.rows("import"))
    assert stand.node.count_published() == 0


def test_where_there_is_another_collection_it_is_chosen_and_told(stand: Stand, ana: Browser) -> None:
    assert "Who reads it reads them" not in seen(ana, "/import").text
    made = stand.node.add_collection("TAXII CERT-B", alias="cert-b")
    assert "TAXII CERT-B" in seen(ana, "/import").text
    path = send(ana, ("a", bundle(indicator(name="shelved"))), collection="cert-b")
    page = seen(ana, path)
    assert "TAXII CERT-B" in page.text
    ana.send(f"{path}/confirm", {"digest": digest_on(page)})
    assert "shelved" in seen(ana, f"/search?in={made.id}").text
    reply = ana.upload("/import", {"collection": "nowhere"}, [("a", bundle(indicator()))], of="/import")
    assert reply.status == 404


def test_what_was_stored_is_published_by_itself_where_it_is_few(stand: Stand, rolf: Browser) -> None:
    def stored(*objects: dict[str, Any]) -> Seen:
        path = send(rolf, ("a.json", bundle(*objects)))
        assert rolf.send(f"{path}/confirm", {"digest": digest_on(seen(rolf, path))}).status == 303
        return seen(rolf, path)

    first = indicator(name="First")
    (link,) = [one for one in stored(first, indicator()).links if one.startswith("/release/publish")]
    assert "2 objects would be published" in seen(rolf, link).text
    everything = {"/release/publish?sources=local", "/search?from=local&seen=1h"}
    assert everything <= set(stored(*(indicator() for _ in range(inspecting.SAMPLE_MOST + 1))).links)
    assert everything <= set(stored(first, indicator()).links), "not all of it is new"


def test_it_is_led_to_from_the_overview_and_the_search(ana: Browser, rita: Browser) -> None:
    for path in ("/", "/search"):
        assert "/import" in seen(ana, path).links
    for path in ("/", "/search"):
        assert "/import" not in seen(rita, path).links
    assert rita.get("/import").status == 403


def test_several_files_and_a_marking(stand: Stand, ana: Browser) -> None:
    before = stand.node.counts().objects
    path = send(ana, ("a", bundle(indicator())), ("b", bundle(indicator(), indicator())), marking="TLP:CLEAR")
    page = seen(ana, path)
    assert "new 3" in page.text
    assert "without a TLP; gets TLP:CLEAR 3" in page.text
    ana.send(f"{path}/drop", {})
    assert ana.get(path).status == 404
    assert stand.node.counts().objects == before


def test_names_and_texts_of_others_are_shown_and_never_obeyed(ana: Browser) -> None:
    names = [name.replace("\r", " ").replace("\n", " ").replace('"', "%22") for name in HOSTILE]
    hostile = [thing("indicator", n, TLP.GREEN, name) for n, name in enumerate(HOSTILE)]
    for start in range(0, len(names), 5):
        some = [(name[:1000], bundle(*hostile)) for name in names[start : start + 5]]
        broken = ("x", json.dumps({"type": "bundle", "objects": [{"type": name, "id": name} for name in HOSTILE]}))
        path = send(ana, *some, (broken[0], broken[1].encode()))
        for address in (path, "/import"):
            page = seen(ana, address)
            assert not [tag for tag, its in page.tags if tag == "img" or (tag == "script" and not is_own(its))]
            assert not any(name.startswith("on") or name == "style" for _, tag in page.tags for name in tag)
            assert not set("\x00\x1b\u202e\u2066") & set(page.source)
        ana.send(f"{path}/drop", {})


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/b", "C:\\x", ".", "x" * 3000, "facts"])
def test_the_name_of_a_file_is_no_path(stand: Stand, ana: Browser, name: str) -> None:
    send(ana, (name, bundle(indicator())))
    assert set(left(stand)) - {"0", "facts"} == {one.id for one in _uploads(stand)}


def _uploads(stand: Stand) -> list[uploads.Upload]:
    with stand.node.acting_for(next(one for one in stand.node.users() if one.name == "ana")):
        return stand.node.uploads()


def test_another_persons_upload_is_as_if_it_were_not_there(stand: Stand, ana: Browser, rolf: Browser) -> None:
    before = stand.node.counts().objects
    path = send(ana, ("secret.json", bundle(indicator())))
    digest = digest_on(seen(ana, path))
    nowhere = f"/import/{'0' * 8}-0000-4000-8000-{'0' * 12}"
    for one in (path, nowhere):
        assert rolf.get(one).status == 404
        assert rolf.send(f"{one}/confirm", {"digest": digest}).status == 404
        assert rolf.send(f"{one}/drop", {}).status == 404
    assert "secret.json" not in seen(rolf, "/import").text
    assert stand.node.counts().objects == before
    assert ana.get(path).status == 200


def test_only_what_was_shown_is_confirmed_and_once(stand: Stand, ana: Browser) -> None:
    before = stand.node.counts().objects
    path = send(ana, ("a", bundle(indicator())))
    assert ana.send(f"{path}/confirm", {"digest": "0" * 64}).status == 409
    assert ana.send(f"{path}/confirm", {}).status == 409
    digest = digest_on(seen(ana, path))
    assert ana.send(f"{path}/confirm", {"digest": digest}).status == 303
    assert ana.send(f"{path}/confirm", {"digest": digest}).status == 409
    assert stand.node.counts().objects == before + 1


@pytest.mark.parametrize("field", ["account", "publishes", "strict", "digest", "state"])
def test_no_other_field_is_taken(stand: Stand, ana: Browser, field: str) -> None:
    before = stand.node.counts().objects
    reply = ana.upload("/import", {field: "x"}, [("a", bundle(indicator()))], of="/import")
    assert reply.status == 400
    path = send(ana, ("a", bundle(indicator())))
    form: dict[str, str | list[str]] = {"digest": digest_on(seen(ana, path)), "marking": "tlp:clear"}
    assert ana.send(f"{path}/confirm", form).status == 400
    assert stand.node.counts().objects == before


def test_a_form_of_another_site_or_session_is_refused_and_leaves_nothing(
    stand: Stand, ana: Browser, rita: Browser
) -> None:
    files = [("a", bundle(indicator()))]
    assert ana.upload("/import", {}, files, of="/import", origin="https://evil.example").status == 403
    assert ana.upload("/import", {"csrf": "x.y"}, files, of="/import").status == 403
    assert stand.browser().upload("/import", {"csrf": "x"}, files, of="/import").status == 401
    assert rita.upload("/import", {}, files, of="/account").status == 403
    assert left(stand) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"------made-boundary",
        multipart({}, [("a", b"{}")])[:-20],
        multipart({"csrf": "x"}, [("a", b"{}")]).replace(b"form-data", b"attachment"),
        multipart({"csrf": "x"}, [("a", b"{}")]).replace(b"Content-Type: ", b"Content-Type: " + b"x" * 9000),
        multipart({"source": "x" * 200_000}, []),
        multipart({}, [("a", b"{}")] * 25),
        multipart({}, [("a", b"x" * FORM + b"x")]),
        multipart({}, [("a", b"x" * (FORM + 200_000))]),
    ],
)
def test_a_form_that_is_none_or_too_much_is_refused_and_leaves_nothing(stand: Stand, ana: Browser, body: bytes) -> None:
    said = {"content-type": "multipart/form-data; boundary=----made-boundary", "origin": "http://127.0.0.1:6100"}
    said |= {"host": "127.0.0.1:6100", "cookie": f"comity={ana.cookie}", "accept": "text/html"}
    reply = ana.asker.ask("POST", "/import", body=body, headers=said)
    assert reply.status in (400, 403, 413), reply.status
    assert left(stand) == []


def test_no_file_is_said_in_the_form(ana: Browser) -> None:
    reply = ana.upload("/import", {}, [("", b"")], of="/import")
    assert reply.status == 400
    assert "No file was chosen" in Seen(Answer(reply.body)).text


def test_the_work_behind_says_how_far_it_is(stand: Stand, ana: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "INLINE_BYTES", 10)
    path = send(ana, ("a", bundle(indicator())))
    page = seen(ana, path)
    assert "It goes on behind" in page.text
    assert [tag for tag, _ in page.tags if tag == "progress"]
    assert path in page.links
    stand.node.run_job()
    ana.send(f"{path}/confirm", {"digest": digest_on(seen(ana, path))})
    assert "being stored" in seen(ana, path).text
    stand.node.run_job()
    assert "1 new object was taken in" in seen(ana, path).text


@pytest.mark.parametrize("language", ["en", "id"])
def test_every_state_of_an_upload_is_sound_in_both_languages(
    stand: Stand, ana: Browser, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    def check(path: str) -> None:
        answer = Answer(ana.get(path, **{"accept-language": language}).body)
        assert faults(answer) == [], path
        if language == "id":
            assert english_on(answer, "id") == set(), path

    check("/import")
    personal = thing("malware", 50, TLP.GREEN, "A", description="bob.smith@victim.example")
    body = bundle(personal, personal | {"name": "B"}, indicator(), {"type": "x"}) + b"x"
    path = send(ana, ("a", body), ("b", bundle(indicator())))
    for one in ("/import", path):
        check(one)
    ana.send(f"{path}/confirm", {"digest": digest_on(seen(ana, path))})
    check(path)
    check(send(ana, ("c", b"nothing")))
    monkeypatch.setattr(uploads, "INLINE_BYTES", 10)
    behind = send(ana, ("d", bundle(indicator())))
    check(behind)
    stand.node.run_job()
    check(behind)


def test_a_bomb_is_told_of_and_never_unpacked(stand: Stand, ana: Browser) -> None:
    path = send(ana, ("bomb.gz", gzip.compress(b" " * 2**27)))
    stand.node.run_job()
    page = seen(ana, path)
    assert "Not taken:" in page.text
    assert "unpacks to more than" in page.text


def test_a_node_without_a_home_says_so(tmp_path: Path) -> None:
    with standing(tmp_path) as made:
        ana = made.person("ana", ["analyst"])
        assert ana.get("/import").status == 200
        assert ana.upload("/import", {}, [("a", b"{}")], of="/import").status == 409
