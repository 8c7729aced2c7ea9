"""The front page, and what supervisors and logs are told."""

import json
import logging
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from tests.served import wait_until
from tests.serving import TAXII, Stand, standing
from tests.wire import ask
from tests.world import indicator

from comity.node.node import Node
from comity.node.settings import Settings
from comity.web import logs

pytestmark = pytest.mark.slow

HOSTILE = '<script>alert("x")</script>{{ 7*7 }}\u202e'


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("pages")) as made:
        made.node.add_collection("Feed of <script>alert(1)</script>", description=HOSTILE)
        made.post(*(indicator() for _ in range(1234)), collection=made.ro, token=made.all)
        yield made


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)


def test_a_browser_without_a_sign_in_is_led_to_one_and_a_program_is_asked_for_a_token(stand: Stand) -> None:
    answer = ask(stand.address, "GET", "/", {"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status, answer.header("location")) == (303, "/sign-in")
    answer = ask(stand.address, "GET", "/", {"Accept": "*/*"})
    assert answer.status == 401
    assert answer.header("www-authenticate") == 'Basic realm="Comity", charset="UTF-8"'


def test_the_front_page_says_what_runs_and_where_to_go(stand: Stand) -> None:
    answer = stand.get("/", token=stand.all)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    text = answer.text
    assert "<h1>Test &lt;node&gt;</h1>" in text
    assert "Read &lt;only&gt;" in text
    assert "1,234" in text
    assert "indicator" in text
    assert f"{stand.url}/taxii2/root/collections/{stand.default}/objects/" in text
    assert "as_pages" in text


def test_the_front_page_is_whole_html_without_script_or_style_in_it(stand: Stand) -> None:
    page = Page(stand.get("/", token=stand.all).text)
    assert (page.open, page.crossed) == ([], [])
    assert not [tag for tag, _ in page.elements if tag in ("script", "style", "iframe", "img")]
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("href", "src"):
            target = attributes.get(name)
            assert target is None or (target.startswith("/") and not target.startswith("//")), (tag, target)
    names = dict(page.elements)
    assert names["html"]["lang"] == "en"
    assert names["meta"] is not None
    assert [tag for tag, _ in page.elements].count("h1") == 1


def test_every_link_of_the_front_page_leads_somewhere(stand: Stand) -> None:
    links = {
        attributes["href"]
        for _, attributes in Page(stand.get("/", token=stand.all).text).elements
        if "href" in attributes
    }
    assert len(links) >= 8
    for link in links:
        assert link is not None
        assert stand.get(link, token=stand.all, headers={"Accept": "text/html,*/*;q=0.8"}).status_code == 200, link


def test_names_that_others_gave_are_shown_and_do_nothing(stand: Stand) -> None:
    text = stand.get("/", token=stand.all).text
    assert "Feed of &lt;script&gt;" in text
    assert "{{ 7*7 }}" in text
    assert "<script" not in text


def test_who_may_read_some_collections_is_told_of_those_alone(stand: Stand) -> None:
    text = stand.get("/").text
    assert "Others" not in text
    assert "Feed of" not in text
    assert "indicator" not in text
    assert "Text search" not in text
    assert "/metrics" not in text


def test_a_strange_host_is_not_repeated(stand: Stand) -> None:
    for host in ('x"><script>', "a b", "x/y", "evil.example@node"):
        text = stand.get("/", headers={"Host": host}).text
        assert host not in text
        assert f"{stand.node.settings.host}:{stand.node.settings.port}/taxii2/" in text
    assert "http://node.example:81/taxii2/" in stand.get("/", headers={"Host": "node.example:81"}).text


def test_an_empty_node_says_what_to_do_next(tmp_path_factory: pytest.TempPathFactory) -> None:
    with standing(tmp_path_factory.mktemp("empty")) as empty:
        assert "comity import FILE" in empty.get("/", token=empty.all).text
        nobody = empty.node.new_token("nobody", write=[empty.node.add_collection("x").id])
        assert "With curl" not in empty.get("/", token=nobody).text


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_colours_have_the_contrast_of_wcag_aa_in_light_and_dark() -> None:
    css = files("comity.web").joinpath("static", "comity.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", css)
    for theme in ({name: light for name, light, _ in pairs}, {name: dark for name, _, dark in pairs}):
        for ground in ("ground", "raised", "sunk", "soft"):
            for ink in ("ink", "quiet", "accent", "good", "warn", "bad"):
                assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground)
            # The edge of a field and the ring of the focus are no text.
            assert contrast(theme["edge"], theme[ground]) >= 3, ground
        assert contrast(theme["on-accent"], theme["accent"]) >= 4.5
    badges = re.findall(r"\.tlp[^{]*\{[^}]*?[ ;{]color: (#[0-9a-f]{3,6})", css)
    assert len(badges) == 4
    assert all(contrast(colour if len(colour) == 7 else "#ffffff", "#000000") >= 4.5 for colour in badges)


def test_the_style_sheet_loads_nothing(stand: Stand) -> None:
    answer = stand.get("/static/comity.css")
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "url(" not in answer.text
    assert "@import" not in answer.text


def test_metrics_count_requests_by_template_and_never_by_name(stand: Stand) -> None:
    secret_id = indicator()["id"]
    stand.get(stand.collection() + f"objects/{secret_id}/")
    stand.get("/no-such-path-7f")
    ask(stand.address, "GET", "/taxii2/", {"Authorization": "Bearer nonsense"}, source="127.0.0.40")
    text = ask(stand.address, "GET", "/metrics").body.decode()
    template = "/taxii2/root/collections/{collection}/objects/{object}/"
    assert f'comity_http_requests_total{{method="GET",route="{template}",status="404"}}' in text
    assert 'comity_http_refusals_total{code="not-found"}' in text
    assert "comity_sign_in_failures_total" in text
    sizes = dict(re.findall(r"^(comity_[a-z_]+) ([0-9.e+]+)$", text, re.MULTILINE))
    assert float(sizes["comity_objects"]) >= 1234
    assert float(sizes["comity_store_bytes"]) > 0
    for name in (secret_id, "no-such-path-7f", stand.default):
        assert name not in text


def test_a_node_that_is_not_ready_says_why(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stand.get("/readyz").json() == {"status": "ready"}
    monkeypatch.setattr(Node, "ready", lambda _self: ["There is no collection."])
    answer = stand.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == ["There is no collection."]


def test_without_a_contact_there_is_no_security_txt(stand: Stand) -> None:
    assert ask(stand.address, "GET", "/.well-known/security.txt").status == 404


@pytest.fixture
def lines(stand: Stand) -> Iterator[list[str]]:
    """The log lines of the test, in JSON."""
    found: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(self.format(record))

    handler = Keeping()
    handler.setFormatter(logs.JsonLines())
    loggers = [logging.getLogger(name) for name in ("comity.access", "comity.web")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield found
    for logger in loggers:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def test_a_request_is_one_line_without_body_query_or_secret(stand: Stand, lines: list[str]) -> None:
    value = indicator(name="a very secret name")
    stand.post(value)
    stand.get(stand.collection() + f"objects/?match[id]={value['id']}")
    wait_until(lambda: len(lines) >= 2, seconds=5)
    post, get = (json.loads(line) for line in lines)
    assert set(post) == {
        *("time", "level", "event", "request_id", "remote", "token", "method", "route", "status", "ms", "bytes"),
    }
    assert (post["method"], post["status"], post["token"]) == ("POST", 202, stand.some.user)
    assert get["route"] == "/taxii2/root/collections/{collection}/objects/"
    for line in lines:
        assert "\n" not in line
        for secret in ("secret name", value["id"], stand.some.secret, stand.default):
            assert secret not in line


@pytest.mark.parametrize("accept", [TAXII, "application/json", "text/html"])
def test_a_bug_is_logged_with_its_traceback_and_told_by_its_id_alone(
    stand: Stand, lines: list[str], monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    def broken(*_: object) -> list[str]:
        raise RuntimeError("a detail that nobody outside may see")

    monkeypatch.setattr(Node, "ready", broken)
    answer = stand.get("/readyz", headers={"Accept": accept})
    assert answer.status_code == 500
    assert "nobody outside" not in answer.text
    wait_until(lambda: len(lines) >= 2, seconds=5)
    logged = [json.loads(line) for line in lines]
    assert "nobody outside" in logged[0]["traceback"]
    assert answer.headers["X-Request-Id"] in logged[0]["event"]
    assert logged[1]["status"] == 500
    assert stand.get("/taxii2/").status_code == 200


def test_a_plain_line_steers_no_terminal() -> None:
    record = logging.LogRecord("comity.access", logging.INFO, "", 0, "a\x1b[31m\nb", None, None)
    line = logs.PlainLines().format(record)
    assert line.endswith("info a?[31m?b")
    assert "\n" not in line


def test_settings_are_those_of_the_node() -> None:
    assert Settings().contact == ""
