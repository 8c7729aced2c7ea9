"""Sources as pages: how each does, in words, and what an administrator can do about it."""

import pytest
from tests.desk_world import Desk, went_to
from tests.visiting import Seen

from comity.errors import PeerUnavailable

pytestmark = pytest.mark.slow


@pytest.fixture
def polled(acting_desk: Desk) -> Desk:
    """The desk with a source that is polled, whose server cannot be reached."""

    def unreachable(_reach: object) -> object:
        raise PeerUnavailable("The other server did not answer.")

    with acting_desk.staff.acting("adam"):
        acting_desk.node.add_taxii_source("peer", "https://peer.example/taxii2/")
    acting_desk.node.fetcher = unreachable  # type: ignore[assignment]
    return acting_desk


def test_every_source_is_listed_with_how_it_does(desk: Desk) -> None:
    seen = desk.seen("/sources", "rita")
    for words in ("local", "our own", "feed", "not polled", "TLP:GREEN", "its rule, at once", "CERT-C"):
        assert words in seen.text


def test_a_new_source_is_not_polled_yet_and_late_without_a_worker(polled: Desk) -> None:
    assert "not polled yet" in polled.seen("/sources/peer", "rita").text
    polled.clock.move(seconds=3600)
    assert "no worker has taken it" in polled.seen("/sources/peer", "rita").text


def test_a_failure_is_told_in_its_words(polled: Desk) -> None:
    polled.node.run_job()
    seen = polled.seen("/sources/peer", "rita")
    for words in ("failed", "It ended with:", "The other server did not answer.", "Attempts that failed 1"):
        assert words in seen.text
    listed = polled.seen("/sources", "rita")
    assert "The other server did not answer." in listed.text
    assert "Some need somebody." in listed.text
    # What needs somebody stands first.
    assert listed.text.index("peer") < listed.text.index("local")
    jobs = polled.seen("/admin/jobs", "adam")
    for words in ("poll peer", "tried again", "1 failed, and is tried again."):
        assert words in jobs.text


def test_it_is_paused_resumed_and_polled_now(polled: Desk) -> None:
    def form(act: str) -> None:
        before = polled.seen("/sources/peer", "adam")
        path, told = went_to(polled.submit(before, f"/sources/peer/{act}", "adam"))
        assert path == "/sources/peer"
        assert told["done"] in ("paused", "resumed", "started")

    form("pause")
    seen = polled.seen("/sources/peer", "adam")
    assert "○ paused" in seen.text
    assert "/sources/peer/poll" not in seen.links
    refused = polled.post("/sources/peer/poll", "adam")
    assert refused.status == 409
    assert "is not polled now" in Seen(refused).text
    form("resume")
    polled.node.run_job()
    later = polled.node.source("peer").job
    form("poll")
    now = polled.node.source("peer").job
    assert now is not None
    assert later is not None
    assert now.due_at < later.due_at


def test_who_is_no_administrator_sees_no_form(polled: Desk) -> None:
    assert not [link for link in polled.seen("/sources/peer", "rolf").links if link.startswith("/sources/peer/")]


def test_a_source_that_makes_classes_too_fast_says_the_rule(acting_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from comity.node.pausing import Pace

    monkeypatch.setattr(Pace, "words", property(lambda _: "it made too many"))
    seen = acting_desk.seen("/sources/feed", "adam")
    assert "R66" in seen.text
    assert "/sources/feed/resume" in seen.links
