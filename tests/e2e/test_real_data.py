"""What is published goes in by the command line, comes out by TAXII with a client of others, and nothing is lost."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.data import data_path, objects_of, read_data
from tests.served import Served, comity, served

from comity.interfaces import Query
from comity.node.home import open_home
from comity.stix.object import VERSIONLESS
from comity.stix.timestamp import instant_key

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("real data"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

SETS = (
    "enterprise-attack-18.1.json.zst",
    "ics-attack-18.1.json.zst",
    "mobile-attack-17.1.json.zst",
    "capec-stix-2.1.json.zst",
    "emb3d-stix-2.0.1.json.zst",
    "attack-flow-example.json",
    "atlas-stix.json.zst",
)
"""In this order, since a conflict is with what came before."""
CONFLICTS = {"ics-attack-18.1.json.zst": (1, 1), "mobile-attack-17.1.json.zst": (1, 1), "atlas-stix.json.zst": (80, 34)}
"""How many conflicts, over how many versions, as counted by hand; in all other sets there is none."""
PAGE_ITEMS = 1000

Key = tuple[str, str]


@dataclass
class Twin:
    """What must have become of the sets, found by comparing values, which the node never does for all."""

    first: dict[Key, bytes] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)
    duplicates: dict[str, int] = field(default_factory=dict)
    conflicts: dict[str, list[Key]] = field(default_factory=dict)


@dataclass
class Loaded:
    """A node with all sets, its reports, and the twin."""

    served: Served
    authorization: dict[str, str]
    reports: dict[str, Any]
    twin: Twin


def key_of(value: dict[str, Any]) -> Key:
    """The id and the version, as an instant, of an object."""
    version = value.get("modified") or value.get("created") or VERSIONLESS
    return value["id"], str(instant_key(version))


def meaning(raw: bytes) -> Any:
    """The JSON value, its numbers exact."""
    return json.loads(raw, parse_float=Decimal)


def twin_of_all() -> Twin:
    """The verdicts by the rule itself: the first body of a version stays, an equal one is a duplicate."""
    twin = Twin()
    for name in SETS:
        stored, duplicates, conflicts = 0, 0, []
        for raw in objects_of(name):
            value = meaning(raw)
            kept = twin.first.setdefault(key_of(value), raw)
            if kept is raw:
                stored += 1
            elif kept == raw or meaning(kept) == value:
                duplicates += 1
            else:
                conflicts.append(key_of(value))
        twin.stored[name], twin.duplicates[name], twin.conflicts[name] = stored, duplicates, conflicts
    return twin


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """All sets imported into one node, in order, by the command; the node is served."""
    paths = {name: data_path(name) for name in SETS}
    folder = tmp_path_factory.mktemp("real")
    home = folder / "home"
    comity("init", "--home", str(home), "--name", "Real data")
    reports, started = {}, time.monotonic()
    for name, path in paths.items():
        reports[name] = comity("import", str(path), "--home", str(home))
    seconds = time.monotonic() - started
    token = comity("token", "new", "reader", "--home", str(home), "--read", "all", "--write", "all")
    twin = twin_of_all()
    print(f"\nimported {sum(map(len, map(objects_of, SETS))):,} objects of {len(SETS)} sets in {seconds:.1f} s")
    with served(home, folder / "serve.log") as running:
        pair = base64.b64encode(f"{token['user']}:{token['secret']}".encode()).decode()
        yield Loaded(running, {"Authorization": f"Basic {pair}"} | token, reports, twin)


def test_every_object_of_every_set_is_stored_a_duplicate_or_one_of_the_known_conflicts(loaded: Loaded) -> None:
    for name, report in loaded.reports.items():
        conflicts = [(one["id"], instant_key(one["version"])) for one in report["conflicts"]]
        assert report["rejected"] == []
        assert report["stored"] == loaded.twin.stored[name]
        assert report["duplicates"] == loaded.twin.duplicates[name]
        assert conflicts == loaded.twin.conflicts[name]
        assert (len(conflicts), len(set(conflicts))) == CONFLICTS.get(name, (0, 0))
        assert all(one["differs"] for one in report["conflicts"])
        print(f"{name}: {report['stored']} stored, {report['duplicates']} duplicates, {len(conflicts)} conflicts")
    assert sum(report["stored"] for report in loaded.reports.values()) == len(loaded.twin.first)


def collection_of(loaded: Loaded) -> Any:
    """The default collection, found by the client from discovery on."""
    from taxii2client.v21 import Server

    told = loaded.authorization
    server = Server(f"{loaded.served.url}taxii2/", user=told["user"], password=told["secret"])
    (collection,) = server.default.collections
    return collection


def test_all_versions_read_back_with_taxii2_client_mean_what_was_sent_first(loaded: Loaded) -> None:
    from taxii2client.v21 import as_pages

    started, seen, pages = time.monotonic(), {}, 0
    for page in as_pages(collection_of(loaded).get_objects, per_request=PAGE_ITEMS, version="all"):
        pages += 1
        for value in page.get("objects", []):
            key = key_of(value)
            assert key not in seen, "a version was given twice"
            seen[key] = value
    seconds = time.monotonic() - started
    assert seen.keys() == loaded.twin.first.keys()
    wrong = [key for key, value in seen.items() if value != json.loads(loaded.twin.first[key])]
    assert wrong == []
    print(f"\nread {len(seen):,} versions in {pages} pages with taxii2-client in {seconds:.1f} s")


def test_the_manifest_read_with_taxii2_client_names_every_version_once(loaded: Loaded) -> None:
    from taxii2client.v21 import as_pages

    records = [
        (record["id"], str(instant_key(record["version"])))
        for page in as_pages(collection_of(loaded).get_manifest, per_request=PAGE_ITEMS, version="all")
        for record in page["objects"]
    ]
    assert len(records) == len(set(records))
    assert set(records) == loaded.twin.first.keys()


def test_by_default_only_the_last_version_of_each_object_is_read(loaded: Loaded) -> None:
    from taxii2client.v21 import as_pages

    last: dict[str, str] = {}
    for id, version in loaded.twin.first:
        last[id] = max(last.get(id, ""), version)
    read = [
        key_of(value)
        for page in as_pages(collection_of(loaded).get_objects, per_request=PAGE_ITEMS)
        for value in page["objects"]
    ]
    assert len(read) == len(last)
    assert dict(read) == last


def test_the_source_and_store_of_stix2_work_on_the_collection(loaded: Loaded) -> None:
    import stix2

    store = stix2.TAXIICollectionStore(collection_of(loaded), allow_custom=True, items_per_page=PAGE_ITEMS)
    tools = store.query([stix2.Filter("type", "=", "tool")])
    wanted = {id for id, _ in loaded.twin.first if id.startswith("tool--")}
    assert {tool.id for tool in tools} == wanted
    one = sorted(wanted)[0]
    versions = [version for id, version in loaded.twin.first if id == one]
    assert instant_key(stix2.utils.format_datetime(store.get(one).modified)) == max(versions)
    assert len(store.all_versions(one)) == len(versions)
    made = stix2.Identity(name="of stix2", identity_class="organization")
    store.add(made)
    assert store.get(made.id) == made
    collection_of(loaded).delete_object(made.id)


def digests(home: Path) -> dict[Key, str]:
    """The SHA-256 of the bytes that are kept, by id and version."""
    with open_home(home) as node:
        found = {}
        for item in node.find(Query(versions=("all",))):
            found[item.id, str(instant_key(item.version))] = hashlib.sha256(item.raw).hexdigest()
        return found


@pytest.fixture(scope="module")
def sent(loaded: Loaded) -> dict[Key, str]:
    """The SHA-256 of what was sent first, by id and version."""
    return {key: hashlib.sha256(raw).hexdigest() for key, raw in loaded.twin.first.items()}


def test_what_is_kept_is_byte_for_byte_what_was_sent_first(loaded: Loaded, sent: dict[Key, str]) -> None:
    assert digests(loaded.served.home) == sent


@pytest.mark.parametrize("name", ["all.json", "all.json.zst", pytest.param("all.json.gz", marks=pytest.mark.deep)])
def test_an_exported_bundle_imported_elsewhere_has_the_same_digests(
    loaded: Loaded, sent: dict[Key, str], tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    loaded.served.run("export", "--output", str(path))
    other = tmp_path / "other"
    comity("init", "--home", str(other), "--name", "Other")
    report = comity("import", str(path), "--home", str(other))
    assert (report["stored"], report["duplicates"]) == (len(sent), 0)
    assert (report["conflicts"], report["rejected"]) == ([], [])
    assert digests(other) == sent
    print(f"\n{name}: {path.stat().st_size:,} bytes, {len(sent):,} versions, same digests")


def test_exported_lines_mean_what_was_sent_first_and_come_in_again(loaded: Loaded, tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"
    loaded.served.run("export", "--output", str(path))
    lines = path.read_bytes().splitlines()
    assert len(lines) == len(loaded.twin.first)
    for line in lines:
        kept = loaded.twin.first[key_of(json.loads(line))]
        assert line == kept or meaning(line) == meaning(kept)
    report = loaded.served.run("import", str(path))
    assert (report["stored"], report["duplicates"], report["conflicts"]) == (0, len(lines), [])


class Example(msgspec.Struct):
    """A line of the OASIS examples; the document is a bundle or one object."""

    source: str
    path: str
    bundle: msgspec.Raw


def examples() -> list[bytes]:
    """The documents of the OASIS examples, byte for byte."""
    lines = read_data("oasis-stix-examples.ndjson.zst").splitlines()
    return [bytes(msgspec.json.decode(line, type=Example).bundle) for line in lines]


def objects_in(document: bytes) -> list[dict[str, Any]]:
    """The objects of a bundle, or the one object."""
    value = json.loads(document)
    objects: list[dict[str, Any]] = value.get("objects", [value])
    return objects


def imported_lines(folder: Path, documents: list[bytes], *options: str, ok: tuple[int, ...] = (0,)) -> Any:
    """The report on documents that came as JSON lines into a new node."""
    comity("init", "--home", str(folder / "home"), "--name", "Examples")
    path = folder / "examples.ndjson"
    path.write_bytes(b"\n".join(documents))
    return comity("import", str(path), "--home", str(folder / "home"), *options, ok=ok)


def test_the_oasis_examples_are_taken_by_a_strict_source_without_a_finding(tmp_path: Path) -> None:
    objects = [one for document in examples() for one in objects_in(document)]
    report = imported_lines(tmp_path, examples(), "--strict")
    assert report["rejected"] == []
    assert report["findings"] == []
    assert report["conflicts"] == []
    assert report["stored"] == len({key_of(one) for one in objects})
    assert report["stored"] + report["duplicates"] == len(objects)


def test_the_oasis_examples_in_their_stix_2_0_form_are_rejected_with_words_that_say_so(tmp_path: Path) -> None:
    old: list[str] = []
    documents = []
    for document in examples():
        objects = objects_in(document)
        # As STIX 2.0 has it: the edition is said by the bundle, not by its objects.
        for one in objects:
            one.pop("spec_version", None)
            old += [one["id"]] if "created" in one else []
        documents.append(
            json.dumps(
                {"type": "bundle", "id": f"bundle--{old[-1][-36:]}", "spec_version": "2.0"} | {"objects": objects}
            ).encode()
        )
    report = imported_lines(tmp_path, documents, ok=(5,))
    assert [one["id"] for one in report["rejected"]] == old
    assert all("STIX 2.0" in one["problem"] and one["where"] == "spec_version" for one in report["rejected"])
    print(f"\n{len(documents)} examples in STIX 2.0: {len(old)} objects rejected, {report['stored']} observables taken")
