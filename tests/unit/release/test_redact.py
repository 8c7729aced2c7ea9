"""Released cannot be made elsewhere; closure and redaction by named cases."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from tests.stix_samples import UUID, domain, sample

from comity.errors import InvalidObject
from comity.release.closure import TEXT_NAMES, Candidate, Outcome, Reason, Verdict, close
from comity.release.cuts import Edits, place_of
from comity.release.redact import Released, redact
from comity.release.words import Names, name_of, words_of
from comity.stix.extensions import LIMITS_EXTENSION
from comity.stix.graph import REFERENCES_MAX
from comity.stix.markings import MARKING_IDS, TLP
from comity.stix.spans import rewrite

Json = dict[str, Any]
MALWARE, NODE = f"malware--{UUID}", f"identity--{UUID}"


def anything(ident: str) -> bool:
    return True


def only(value: Json, **options: Any) -> Outcome:
    (outcome,) = close([Candidate(value, True, name_author=True)], **options)
    return outcome


def left_of(value: Json, outcome: Outcome) -> Json:
    released = redact(orjson.dumps(value), outcome)
    assert released is not None
    result: Json = orjson.loads(released.raw)
    return result


def a_released() -> Released:
    one = redact(b'{"a": 1.10}', Outcome(Verdict.RELEASE))
    assert one is not None
    return one


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: Released(b"{}"),
        lambda: copy.copy(a_released()),
        lambda: copy.deepcopy(a_released()),
        lambda: pickle.dumps(a_released()),
        lambda: type("More", (Released,), {}),
        lambda: setattr(a_released(), "_raw", b"{}"),
    ],
)
def test_released_is_made_by_redact_alone_and_does_not_change(attempt: Callable[[], object]) -> None:
    with pytest.raises((TypeError, AttributeError)):
        attempt()


def test_released_is_equal_by_its_bytes_and_does_not_print_them() -> None:
    assert a_released() == a_released()
    assert len({a_released(), a_released()}) == 1
    assert a_released() != b'{"a": 1.10}'
    assert repr(a_released()) == "<Released, 11 bytes>"


def test_what_is_withheld_gives_nothing() -> None:
    assert redact(b"{}", Outcome(Verdict.WITHHOLD)) is None


def test_an_author_who_may_not_be_named_is_replaced_by_this_node_or_left_out() -> None:
    value = domain("campaign", name="c", created_by_ref=f"identity--{UUID[:-1]}1")
    candidate = Candidate(value, True, name_author=False)
    (replaced,) = close([candidate], author=NODE, elsewhere=anything)
    assert left_of(value, replaced)["created_by_ref"] == NODE
    (removed,) = close([candidate], elsewhere=anything)
    assert "created_by_ref" not in left_of(value, removed)
    (ours,) = close([Candidate({**value, "created_by_ref": NODE}, True)], author=NODE, elsewhere=anything)
    assert ours.verdict is Verdict.RELEASE


def test_an_author_who_is_withheld_is_not_named_even_where_it_would_be_allowed() -> None:
    value = domain("campaign", name="c", created_by_ref=f"identity--{UUID[:-1]}1")
    assert "created_by_ref" not in left_of(value, only(value))


def test_well_known_markings_need_not_be_held_and_others_are_never_cut() -> None:
    known = domain("campaign", name="c", object_marking_refs=[MARKING_IDS[TLP.GREEN]])
    assert only(known).verdict is Verdict.RELEASE
    other = domain("campaign", name="c", object_marking_refs=[f"marking-definition--{UUID}"])
    outcome = only(other)
    assert outcome.verdict is Verdict.WITHHOLD
    assert outcome.reasons[0].rule == "R9"
    assert outcome.reasons[0].where == "object_marking_refs[0]"


def test_a_granularly_marked_place_goes_with_its_marking_and_what_it_said() -> None:
    marking = f"marking-definition--{UUID}"
    value = domain(
        "campaign",
        name="c",
        description=f"of {MALWARE}",
        granular_markings=[{"marking_ref": marking, "selectors": ["description"]}],
    )
    (outcome,) = close([Candidate(value, True, cuts=(("description",),))])
    assert left_of(value, outcome) == domain("campaign", name="c")


def test_the_format_of_an_extension_need_not_be_held_but_must_not_be_withheld() -> None:
    ident = f"extension-definition--{UUID}"
    value = domain("campaign", name="c", extensions={ident: {"extension_type": "property-extension", "rank": 5}})
    assert only(value).verdict is Verdict.RELEASE
    definition = sample("extension-definition")
    outcomes = close([Candidate(value, True), Candidate(definition, False)])
    assert outcomes[0].verdict is Verdict.WITHHOLD


def test_an_extension_that_keeps_nothing_goes_whole() -> None:
    ident = f"extension-definition--{UUID}"
    value = domain(
        "campaign", name="c", extensions={ident: {"extension_type": "property-extension", "by_ref": MALWARE}}
    )
    assert left_of(value, only(value)) == domain("campaign", name="c")


def test_words_of_this_node_alone_never_leave() -> None:
    limits: Json = {
        "extension_type": "property-extension",
        "community": "canary",
        "groups": ["canary"],
        "named": [NODE],
    }
    value = domain("campaign", name="c", extensions={LIMITS_EXTENSION: limits})
    assert left_of(value, only(value)) == domain("campaign", name="c")
    limits["exercise"] = True
    assert left_of(value, only(value))["extensions"] == {
        LIMITS_EXTENSION: {"extension_type": "property-extension", "exercise": True}
    }


@pytest.mark.slow
def test_too_many_references_withhold_and_say_so() -> None:
    value = domain("report", name="r", object_refs=[MALWARE] * (REFERENCES_MAX + 1))
    assert only(value, elsewhere=anything).reasons == (Reason("R66", "", "it has more than 10,000 references"),)


def test_what_would_not_be_valid_is_withheld() -> None:
    value = domain("campaign", name="c", x_one_ref=MALWARE)
    outcome = only(value, sound=lambda rest: "x_one_ref" in rest)
    assert outcome.reasons == (Reason("R9", "", "what would be left is not valid STIX"),)


@pytest.mark.parametrize(
    ("text", "hops", "withheld"),
    [
        ("seen at Hospital Nord", 1, True),
        ("seen at HOSPITAL\u00ad NORD!", 1, True),
        ("seen at hospital-nord", 2, True),
        ("seen at hospital nord", 3, False),
        ("seen at hospitals nordic", 1, False),
        ("resolves evil[.]example", 1, True),
        ("at 198.51.100.7:443", 2, True),
        ("nothing", 1, False),
        (f"uuid {UUID[:-1]}9", 1, True),
    ],
)
def test_a_text_that_names_something_withheld_within_two_hops_withholds(text: str, hops: int, withheld: bool) -> None:
    secret = domain("identity", name="Hospital Nord", aliases=["evil.example", "198.51.100.7"])
    secret["id"] = f"identity--{UUID[:-1]}9"
    chain = [domain("note", content=text, object_refs=[MALWARE])]
    for hop in range(1, hops):
        middle = domain("campaign", name=f"m{hop}")
        middle["id"] = f"campaign--{UUID[:-1]}{hop}"
        chain[-1].setdefault("object_refs", []).append(middle["id"])
        chain.append(middle)
    chain[-1]["x_about_refs"] = [secret["id"]]
    outcomes = close([*(Candidate(one, True) for one in chain), Candidate(secret, False)], elsewhere=anything)
    assert (outcomes[0].verdict is Verdict.WITHHOLD) is withheld
    if withheld:
        assert outcomes[0].reasons == (Reason("R9", "", TEXT_NAMES),)


def test_names_in_scripts_without_spaces_are_found_inside_a_sentence() -> None:
    names = Names([name_of("北京医院"), name_of("Kancil")])
    assert list(names.found_in(words_of("我们在北京医院发现KANCIL木马"))) == [name_of("北京医院"), name_of("Kancil")]
    assert name_of("C2") == ()
    assert name_of("医") == ()


@pytest.mark.slow
def test_a_hundred_thousand_names_are_looked_for_in_one_pass() -> None:
    """Every name begins with the same word, and the text repeats it: the worst for a search name by name."""
    names = Names(name_of(f"the name {number}") for number in range(100_000))
    words = words_of("the " * 20_000 + "the name 77777")
    assert list(names.found_in(words)) == [("the", "name", "77777")]


@pytest.mark.slow
def test_a_star_of_names_is_closed_without_comparing_pairs() -> None:
    hub = domain("report", name="hub", object_refs=[])
    spokes = []
    for number in range(3000):
        one = domain("malware", name=f"family {number}", is_family=True, description=f"like family {number + 1}")
        one["id"] = f"malware--00000000-0000-4000-8000-{number:012d}"
        hub["object_refs"].append(one["id"])
        spokes.append(Candidate(one, number != 2999))
    outcomes = close([Candidate(hub, True), *spokes])
    assert {outcome.verdict for outcome in outcomes} == {Verdict.WITHHOLD}


def test_a_selector_names_a_place_and_text_that_is_no_json_is_refused() -> None:
    assert place_of("external_references.[0].url") == ("external_references", 0, "url")
    with pytest.raises(InvalidObject):
        rewrite(b'{"a": "x', {("a",): None})
    assert rewrite(b' {"a": 1} ', {}) == b' {"a": 1} '
    assert rewrite(b'{"a": 1, "b": [1, 2]}', {("b",): b"3", ("b", 0): None, ("a", "x"): None}) == b'{"a": 1, "b": 3}'
    assert not Edits()
