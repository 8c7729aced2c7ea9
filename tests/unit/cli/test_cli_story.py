"""The sample story: valid, harmless, the same each time, and with something of everything."""

import ipaddress
import json
import re
from collections import Counter
from typing import Any

import pytest
from tests.oracle import oracle

from comity.cli.story import story, story_bundle
from comity.cli.story.pen import observable_id
from comity.interfaces import instant_of
from comity.node.system import schema_documents
from comity.stix import schema
from comity.stix.markings import TLP
from comity.stix.object import StixObject
from comity.stix.parse import Limits, judge
from comity.stix.tlp import MARKING_IDS

DOCUMENTATION = tuple(map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
PRIVATE = ipaddress.ip_network("10.0.0.0/8")


def of_type(kind: str) -> list[dict[str, Any]]:
    return [one for one in story() if one["type"] == kind]


def texts(value: Any) -> list[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in texts(one)]


def test_every_object_is_accepted_in_strict_mode_without_a_finding() -> None:
    schemas = schema.compile(schema_documents())
    for index, one in enumerate(story()):
        judged = judge(json.dumps(one).encode(), index, schemas, strict=True, labels=False, limits=Limits())
        assert isinstance(judged, StixObject), judged
        assert judged.findings == ()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_oasis_validator_agrees() -> None:
    # The oracle takes seconds to import, so only the test that asks it does.
    stix2validator = oracle()
    result = stix2validator.validate_string(story_bundle().decode(), stix2validator.ValidationOptions(version="2.1"))
    faults = [str(error) for one in result.object_results for error in one.errors] if not result.is_valid else []
    assert result.is_valid, faults


def test_it_is_told_the_same_way_each_time() -> None:
    first = story_bundle()
    story.cache_clear()
    assert story_bundle() == first
    assert str(instant_of(0).year) not in {one.get("created", "")[:4] for one in story()}


def test_there_are_some_hundreds_of_objects_and_each_version_comes_once() -> None:
    assert 300 <= len(story()) <= 700
    keys = Counter((one["id"], one.get("modified", one.get("created"))) for one in story())
    assert max(keys.values()) == 1


def test_nothing_dangles() -> None:
    ids = {one["id"] for one in story()}
    for one in story():
        for name, value in one.items():
            if name.endswith(("_ref", "_refs")):
                assert set([value] if isinstance(value, str) else value) <= ids, (one["id"], name)


def test_versions_keep_their_creator_and_rise() -> None:
    by_id: dict[str, list[dict[str, Any]]] = {}
    for one in story():
        by_id.setdefault(one["id"], []).append(one)
    told_again = [versions for versions in by_id.values() if len(versions) > 1]
    assert len(told_again) >= 10
    for versions in told_again:
        assert len({(one["created"], one["created_by_ref"], one["type"]) for one in versions}) == 1
        times = [one["modified"] for one in versions]
        assert times == sorted(set(times))
    assert any(one.get("revoked") for one in story())


def test_every_tlp_level_is_used_and_every_kind_of_marking() -> None:
    used = Counter(ref for one in story() for ref in one.get("object_marking_refs", ()))
    assert all(used[MARKING_IDS[level]] for level in TLP)
    kinds = Counter(one.get("definition_type", "extension") for one in of_type("marking-definition"))
    assert kinds == {"extension": 5, "tlp": 1, "statement": 1}
    assert all(used[one["id"]] for one in of_type("marking-definition"))
    assert any("granular_markings" in one for one in story())


def test_there_is_something_of_everything_but_no_opinion_on_persons() -> None:
    types = {one["type"] for one in story()}
    wanted = {
        "attack-pattern campaign course-of-action grouping identity incident indicator infrastructure intrusion-set"
        " location malware malware-analysis marking-definition note observed-data relationship report sighting"
        " threat-actor tool vulnerability ipv4-addr ipv6-addr domain-name url file email-addr email-message process"
    }
    assert set(*map(str.split, wanted)) <= types
    assert "opinion" not in types
    assert {one["identity_class"] for one in of_type("identity")} <= {"organization", "class"}


def test_every_address_is_one_that_belongs_to_nobody() -> None:
    addresses = set(re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", "\n".join(texts(list(story())))))
    assert len(addresses) > 20
    for address in addresses:
        found = ipaddress.ip_address(address)
        assert any(found in network for network in (*DOCUMENTATION, PRIVATE)), address
    for one in of_type("ipv6-addr"):
        assert ipaddress.ip_address(one["value"]) in DOCUMENTATION[3]


def test_every_name_ends_in_example() -> None:
    known = {"attack.mitre.org"}
    for one in of_type("domain-name"):
        assert one["value"].endswith(".example")
    for text in texts(list(story())):
        for host in re.findall(r"https?://([^/:\s']+)", text):
            assert host.endswith(".example") or host in known, host
        for host in re.findall(r"@([\w.-]+)", text):
            assert host.endswith(".example"), text


def test_observables_have_the_ids_of_the_standard() -> None:
    assert observable_id("ipv4-addr", {"value": "198.51.100.3"}) == "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"

    from stix2 import DomainName, File

    for one in (*of_type("domain-name")[:3], *of_type("file")[:3]):
        made = (DomainName if one["type"] == "domain-name" else File)(
            **{k: v for k, v in one.items() if k not in ("id", "type", "spec_version", "object_marking_refs")}
        )
        assert made.id == one["id"]
