"""What an account may read, where that depends on the object: not published, marked in parts, or awaiting its class."""

import json
from typing import Any

import pytest
from tests.gate_world import look_at_all, marked, partnered
from tests.world import bundle

from comity.errors import NotFound
from comity.node.node import Node
from comity.node.viewing import Viewer
from comity.release.classes import ReleaseClass
from comity.release.classify import canonical_form
from comity.release.standing import awaiting, between
from comity.stix.markings import MARKING_IDS
from comity.stix.tlp import TLP

READER = Viewer(everything=False, reads=True, counts=False)


def form(tlp: TLP, origin: str = "feed", *granular: TLP) -> bytes:
    return canonical_form(ReleaseClass(tlp, "object", "indicator", origin=origin, granular=frozenset(granular)))


@pytest.mark.parametrize(
    ("of", "listed", "whole"),
    [
        (form(TLP.GREEN), True, True),
        (form(TLP.AMBER_STRICT), True, True),
        (form(TLP.RED), False, False),
        (form(TLP.RED, ""), True, True),
        (form(TLP.AMBER, "feed", TLP.RED), True, False),
        (form(TLP.AMBER, "", TLP.RED), True, True),
        (awaiting(form(TLP.GREEN)), False, False),
        (between(form(TLP.RED), form(TLP.GREEN)), False, False),
        (between(form(TLP.GREEN), form(TLP.RED)), False, False),
        (between(form(TLP.GREEN), form(TLP.AMBER)), True, True),
    ],
)
def test_a_reader_is_shown_all_but_red_of_others(of: bytes, listed: bool, whole: bool) -> None:
    assert READER.may_read(of) is listed
    assert READER.may_read(of, whole=True) is whole
    for nobody in (Viewer(False, False, False), Viewer(False, False, True)):
        assert not nobody.may_read(of)
    assert Viewer(True, True, False).may_read(of, whole=True)


@pytest.mark.slow
def test_what_a_partner_sent_is_judged_by_its_markings_though_it_is_not_published(node: Node) -> None:
    partnered(node)
    part = {"marking_ref": MARKING_IDS[TLP.RED], "selectors": ["name"]}
    sent: dict[str, dict[str, Any]] = {
        "green": marked(TLP.GREEN),
        "red": marked(TLP.RED),
        "parted": marked(TLP.AMBER, granular_markings=[part]),
    }
    node.receive(bundle(*sent.values()), node.source_of_partner("CERT-B"))
    look_at_all(node)
    names = {str(one["id"]): name for name, one in sent.items()}

    def told() -> set[str]:
        return {names[one.id] for one in node.tell("CERT-B", passing=False)}

    def read() -> set[str]:
        written: list[bytes] = []
        node.write_reading(written.append, "CERT-B", collection="default")
        return {names[one["id"]] for one in json.loads(b"".join(written)).get("objects", [])}

    assert told() == read() == set(sent)
    secret = node.add_user("anna", ["admin", "analyst", "release-audit"]).secret
    with node.acting("anna", secret):
        assert told() == {"green", "parted"}
        assert read() == {"green"}
        assert node.not_shown("CERT-B") == 1
        assert len(node.seen(str(sent["green"]["id"]))) == len(node.who(str(sent["green"]["id"]))) == 1
        for hidden in ("red", "parted"):
            assert node.who(str(sent[hidden]["id"])) == []
            with pytest.raises(NotFound):
                node.seen(str(sent[hidden]["id"]))
