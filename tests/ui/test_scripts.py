"""Scripts ask for parts of pages at the same addresses with the same rights; without them nothing is lost."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.browser import Stand, standing
from tests.gate_world import look_at_all
from tests.page_checks import SCRIPTS, faults
from tests.pages_world import SECRET, id_of, thing, tie
from tests.screens import TABLE
from tests.visiting import Seen, Staff
from tests.world import bundle

from comity.interfaces import microseconds
from comity.stix.markings import TLP
from comity.store.nouns import Job
from comity.web import assets
from comity.web.answer import Answer
from comity.web.call import Headers
from comity.web.ui import graph, jobs, keys, objects, preview, search
from comity.web.ui.visit import Look

pytestmark = pytest.mark.slow
STATIC = Path(assets.__file__).parent / "static"
LINES_MOST = 500
HUB = id_of("malware", 1000)
PARTS: dict[str, tuple[Look, str, dict[str, str]]] = {
    "search": (search.search, "/search", {"q": "kancil"}),
    "narrowed": (search.search, "/search", {"q": "kancil", "type": "indicator", "from": "feed"}),
    "nothing found": (search.search, "/search", {"q": "nothing-like-it"}),
    "what if": (objects.who, f"/objects/{HUB}/who", {"partner": "CERT-B", "tlp": "green"}),
    "who": (objects.who, f"/objects/{HUB}/who", {}),
    "preview": (preview.preview, "/release/preview", {}),
    "preview of something": (preview.preview, "/release/preview", {"to": "CERT-B", "ids": HUB}),
    "jobs": (jobs.listing, "/admin/jobs", {}),
    "keys": (keys.keys, "/keys", {}),
}


def asked(staff: Staff, look: Look, path: str, *, by: str = "ana", language: str = "en", **more: str) -> Answer:
    """What the screen answers; `headers` are `name=value` with commas between."""
    headers = [pair.split("=") for pair in more.pop("headers", "").split(",") if pair]
    visit = staff.visit(path, by, language=language, names={"object": HUB}, **more)
    said = Headers([(name.encode(), value.encode()) for name, value in headers])
    with staff.acting(by):
        return look(replace(visit, call=replace(visit.call, headers=said)))


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("language", ["en", "id"])
def test_a_part_is_the_block_of_the_whole_page(full: Staff, name: str, language: str) -> None:
    look, path, parameters = PARTS[name]
    whole = asked(full, look, path, language=language, **parameters)
    part = asked(full, look, path, language=language, **parameters, headers="hx-request=true")
    assert (whole.status, part.status, part.media_type) == (200, 200, whole.media_type)
    text = part.body.decode().strip()
    assert text in whole.body.decode()
    assert text.startswith(("<div", "<section", "<p"))
    assert "<main" not in text
    assert "<script" not in text
    assert faults(whole) == []


def test_who_goes_back_in_the_history_is_given_the_whole_page(full: Staff) -> None:
    look, path, parameters = PARTS["search"]
    for headers in ("hx-request=true,hx-history-restore-request=true", "hx-request=false", ""):
        whole = Seen(asked(full, look, path, **parameters, headers=headers))
        assert whole.source.startswith("<!doctype html>")
        assert {"header", "main", "footer"} <= {tag for tag, _ in whole.tags}


def test_what_went_wrong_is_a_whole_page_or_has_its_status(full: Staff) -> None:
    """A script shows such an answer as the page that it is."""
    wrong = asked(full, search.search, "/search", tlp="purple", headers="hx-request=true")
    assert wrong.status == 400
    assert "purple" in wrong.body.decode()


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A node with some persons."""
    with standing(tmp_path_factory.mktemp("scripts")) as made:
        yield made


def test_the_header_of_a_script_gives_nobody_more(stand: Stand) -> None:
    paths = [path for path, (looks, _) in TABLE.items() if looks and "{" not in path]
    paths = ["/search", "/release/preview", "/admin/jobs", "/keys", *paths[::4]]
    browsers = [stand.signed_in(), stand.person("rita", ["reader"]), stand.browser()]
    for browser in browsers:
        for path in paths:
            whole, part = browser.get(path), browser.get(path, **{"hx-request": "true"})
            assert (part.status, part.header("location")) == (whole.status, whole.header("location")), path
            assert "HX-Request" in (part.header("vary") or ""), path
            assert part.header("content-security-policy") == whole.header("content-security-policy")
            assert part.header("cache-control") == "no-store", path


def test_a_script_without_a_session_is_led_to_the_door(stand: Stand) -> None:
    """By a 401 a browser would ask for a name and a password itself."""
    for path in ("/search?q=a", "/keys", f"/objects/{HUB}/relations.json"):
        reply = stand.browser().get(path, accept="*/*", **{"hx-request": "true"})
        assert reply.status == 303
        assert (reply.header("location") or "").startswith("/sign-in?then=")
        assert stand.browser().get(path, accept="*/*").status == 401


# -- files -------------------------------------------------------------------------------------------------------------
def test_a_file_is_for_ever_under_its_digest_and_asked_again_under_its_name(stand: Stand) -> None:
    browser = stand.browser()
    for file in ("comity.js", "graph.js", "comity.css"):
        address = assets.address_of(file)
        reply = browser.get(address)
        assert reply.status == 200
        assert reply.body == (STATIC / file).read_bytes()
        assert reply.header("cache-control") == "public, max-age=31536000, immutable"
        assert reply.header("x-content-type-options") == "nosniff"
        assert reply.header("content-type") == assets.TYPES[file.rpartition(".")[2]]
        assert browser.get(address, **{"if-none-match": reply.header("etag") or ""}).status == 304
        plain = browser.get(f"/static/{file}")
        assert (plain.body, plain.header("cache-control")) == (reply.body, "no-cache")
        digest = re.findall(r"[0-9a-f]{32}", address)[0]
        assert browser.get(address.replace(digest, "0" * 32)).status == 404
    assert browser.get("/static/htmx.LICENSE.txt").status == 404
    assert assets.address_of("nothing.js") == ""


FORBIDDEN = re.compile(
    r"\beval\b|\bnew Function\b|innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment"
    r"|setAttribute\(.(style|on)|\bset(Timeout|Interval)\(.?[\"'`]|https?://|localStorage|sessionStorage|document\.cookie"
)


def test_own_scripts_are_small_and_make_no_markup_or_code_of_texts() -> None:
    scripts = {path.name: path.read_text("utf-8") for path in STATIC.glob("*.js")}
    assert set(scripts) == {"comity.js", "graph.js"}
    assert sum(len(text.splitlines()) for text in scripts.values()) <= LINES_MOST
    for name, text in scripts.items():
        assert FORBIDDEN.findall(text) == [], name


@pytest.mark.parametrize(
    "fault", ["eval(x)", "a.innerHTML = name", "x.setAttribute('style', y)", "setTimeout('x()')", "fetch('https://a')"]
)
def test_what_scripts_may_not_do_would_be_seen(fault: str) -> None:
    assert FORBIDDEN.search(fault)


def test_htmx_runs_no_text_adds_no_style_and_keeps_no_page(full: Staff) -> None:
    if not assets.address_of("htmx.min.js"):
        pytest.skip("npm is not installed, or has nowhere to fetch from")
    page = Seen(asked(full, search.search, "/search"))
    (config,) = [json.loads(one["content"] or "") for tag, one in page.tags if one.get("name") == "htmx-config"]
    assert {name for name, on in config.items() if on} == {"selfRequestsOnly", "refreshOnHistoryMiss"}
    assert config["allowEval"] is config["allowScriptTags"] is config["includeIndicatorStyles"] is False
    assert config["historyCacheSize"] == 0, "a page of somebody would stay in the browser after the session"
    assert [one["src"] for tag, one in page.tags if tag == "script"] == [
        assets.address_of("htmx.min.js"),
        assets.address_of("comity.js"),
    ]
    assert all(SCRIPTS.fullmatch(one["src"] or "") for tag, one in page.tags if tag == "script")
    assert "htmx" not in asked(full, objects.summary, f"/objects/{HUB}").body.decode(), "where nothing changes in place"


def test_without_the_scripts_of_others_pages_name_none_and_are_whole(
    full: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {name: one for name, one in assets._assets().items() if (STATIC / name).exists()}
    monkeypatch.setattr(assets, "_assets", lambda: there)
    looks = [*PARTS.values(), (objects.relations, f"/objects/{HUB}/relations", {"show": "graph"})]
    for look, path, parameters in looks:
        answer = asked(full, look, path, **parameters)
        assert answer.status == 200
        assert faults(answer) == []
        assert [one["src"] for tag, one in Seen(answer).tags if tag == "script"] == [assets.address_of("comity.js")]
    assert b'<svg class="graph"' in answer.body
    assert b"graph-live" not in answer.body


# -- what is running ---------------------------------------------------------------------------------------------------
def test_jobs_are_followed_while_one_runs_for_a_while_and_never_against_ones_will(empty: Staff) -> None:
    def follows(**parameters: str) -> str:
        page = Seen(asked(empty, jobs.listing, "/admin/jobs", **parameters))
        return next((one.get("hx-get") or "" for tag, one in page.tags if one.get("id") == "jobs"), "")

    assert follows() == ""
    now = microseconds(empty.node.clock.now())
    with empty.node.store.write() as tx:
        tx.enqueue(Job("poll", "feed", b"", now - 1))
        assert tx.claim(now, 60_000_000, ["poll"], "one") is not None
    assert follows() == "/admin/jobs?followed=1"
    assert follows(followed="7") == "/admin/jobs?followed=8"
    assert follows(followed=str(jobs.FOLLOWED_MOST)) == ""
    assert follows(follow="no") == ""
    page = Seen(asked(empty, jobs.listing, "/admin/jobs", follow="no"))
    assert "/admin/jobs" in page.links
    (trigger,) = re.findall(r'hx-trigger="every (\d+)s"', asked(empty, jobs.listing, "/admin/jobs").body.decode())
    assert int(trigger) >= 2


# -- relations ---------------------------------------------------------------------------------------------------------
def relations_of(staff: Staff, id: str, by: str = "rita") -> dict[str, object]:
    """The answer of `/objects/{object}/relations.json`."""
    (page,) = graph.PAGES
    assert page.look is not None
    visit = staff.visit(f"/objects/{id}/relations.json", by, names={"object": id})
    with staff.acting(by):
        answer = page.look(visit)
    value: dict[str, object] = json.loads(answer.body)
    return value


@pytest.mark.parametrize("id", [HUB, id_of("report", 1001), id_of("indicator", 3000), id_of("relationship", 2000)])
def test_the_graph_is_what_the_table_says(full: Staff, id: str) -> None:
    found = json.loads(json.dumps(relations_of(full, id)))
    with full.acting("rita"):
        links = full.node.about(id).links.items
    assert links
    assert {node["id"] for node in found["nodes"]} == {id, *(link.id for link in links)}
    ends = {(id, link.id, link.why) if link.way == "out" else (link.id, id, link.why) for link in links}
    assert sorted((edge["source"], edge["target"], edge["why"]) for edge in found["edges"]) == sorted(ends)
    assert (found["left_out"], found["more"]) == (0, False)
    assert SECRET not in repr(found)
    table = Seen(asked(full, objects.relations, f"/objects/{id}/relations")) if id == HUB else None
    assert table is None or {node["url"] for node in found["nodes"]} - {f"/objects/{id}"} <= set(table.links)


def test_a_graph_has_three_hundred_nodes_and_says_what_is_not_in_it(full: Staff) -> None:
    hub = thing("malware", 9700, TLP.GREEN, "Hub of many\u202e")
    ties = [tie(12_000 + n, hub["id"], "uses", id_of("tool", 21_000 + n)) for n in range(320)]
    full.node.receive(bundle(hub, *ties))
    look_at_all(full.node)
    while full.node.store.index_text(1000):
        pass
    found = json.loads(json.dumps(relations_of(full, hub["id"])))
    with full.acting("rita"):
        links = full.node.about(hub["id"]).links
    assert len(found["nodes"]) == graph.NODES_MOST
    assert found["left_out"] == len({link.id for link in links.items}) - graph.NODES_MOST + 1 > 0
    there = {node["id"] for node in found["nodes"]}
    assert all({edge["source"], edge["target"]} <= there for edge in found["edges"])
    assert "\u202e" not in found["nodes"][0]["name"], "it would turn what stands beside it"


# -- keys --------------------------------------------------------------------------------------------------------------
def test_keys_are_listed_and_can_be_turned_off(stand: Stand) -> None:
    browser = stand.person("kay", ["reader", "admin"])
    assert b'data-keys="on"' in browser.get("/").body
    assert b"<kbd>" in browser.get("/keys").body
    assert browser.send("/account/looks", {"language": "", "theme": "system"}).status == 303
    assert b'data-keys="off"' in browser.get("/").body
    assert b"Off for your account" in browser.get("/keys").body
    assert browser.send("/account/looks", {"language": "", "theme": "system", "keys": "on"}).status == 303
    assert b'data-keys="on"' in browser.get("/").body


def test_each_letter_leads_to_one_place_and_is_listed(full: Staff) -> None:
    for by in full.users:
        page = Seen(asked(full, keys.keys, "/keys", by=by))
        letters = [one["data-go"] for _, one in page.tags if "data-go" in one]
        assert len(letters) == len(set(letters)) > 4, by
        assert all(f"g {letter}" in page.text for letter in letters)
