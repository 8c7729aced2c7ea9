"""Faults to seed into references, closure, redaction and classification: each an edit, and the test that finds it."""

from dataclasses import dataclass

CLOSURE = "tests/property/test_release_closure.py"
REDACTION = "tests/property/test_release_redact.py"
CASES = "tests/unit/release/test_redact.py"
CLASSES = "tests/unit/release/test_classify.py"
GRAPH = "tests/unit/stix/test_graph.py"
PERSONAL = "tests/unit/release/test_personal.py"
LOOK = "tests/property/test_release_personal.py"
BESIDE = f"{LOOK}::test_whatever_stands_beside_an_item_the_slow_twin_agrees"
BULK = "tests/property/test_release_classifier.py"
APART = f"{BULK}::test_objects_that_differ_in_one_member_are_kept_apart"
SAME = f"{BULK}::test_a_classifier_says_what_classify_says"
NAMED = f"{CASES}::test_a_text_that_names_something_withheld_within_two_hops_withholds"
TWIN = f"{CLOSURE}::test_closure_is_that_of_the_slow_twin"


@dataclass(frozen=True, slots=True)
class Fault:
    """In `file` of the package `old` becomes `new`, and `test` fails."""

    file: str
    old: str
    new: str
    test: str


FAULTS = (
    # References that are overlooked, or weighed wrongly.
    Fault(
        "stix/graph.py",
        '"sighting_of_ref"})',
        "})",
        f"{GRAPH}::test_ends_are_required_and_lists_keep_their_last_member",
    ),
    Fault(
        "stix/graph.py",
        "        if not place and name in",
        "        if name in",
        f"{GRAPH}::test_nothing_hides_from_the_walk",
    ),
    Fault(
        "stix/graph.py",
        "        for target in ids_in(name):",
        "        for target in ():",
        f"{GRAPH}::test_samples_hold_what_a_search_of_all_strings_finds",
    ),
    Fault(
        "stix/graph.py",
        "if len(found) == REFERENCES_MAX:",
        "if len(found) > REFERENCES_MAX:",
        f"{GRAPH}::test_references_and_granular_markings_are_bounded",
    ),
    Fault(
        "stix/graph.py",
        "return Need.MARKING, place",
        "return Need.OPTIONAL, place",
        f"{CASES}::test_well_known_markings_need_not_be_held_and_others_are_never_cut",
    ),
    Fault(
        "stix/graph.py",
        "in IN_ID.get(kind, ()) and deterministic(whole)",
        "in ()",
        f"{GRAPH}::test_what_a_deterministic_id_is_made_of_cannot_be_cut_out",
    ),
    # Closure.
    Fault("release/closure.py", "for ident in ids if not any(", "for ident in ids if not all(", TWIN),
    Fault("release/closure.py", "if self.left_in[here] == 0:", "if self.left_in[here] < 0:", TWIN),
    Fault("release/closure.py", "            gone = self._gone(dead)\n\n", "            gone = set()\n\n", TWIN),
    Fault("release/closure.py", "gone = self.unheld | self._gone(dead)", "gone = self._gone(dead)", TWIN),
    Fault("release/closure.py", "and not one.name_author for one", "and False for one", TWIN),
    Fault("release/closure.py", "                    self.hidden[number] = True", "                    pass", TWIN),
    Fault("release/closure.py", "or target in self.copies:", "and False:", TWIN),
    Fault("release/closure.py", "for number in self._named_by(dead) if dead else ():", "for number in ():", TWIN),
    Fault(
        "release/closure.py", "if one.beyond\n", "if False\n", f"{CASES}::test_too_many_references_withhold_and_say_so"
    ),
    Fault(
        "release/closure.py",
        "if edits.removed and not self.sound(",
        "if False and not self.sound(",
        f"{CASES}::test_what_would_not_be_valid_is_withheld",
    ),
    Fault(
        "release/closure.py",
        "(*one.cuts, *local_limits(one.value))",
        "one.cuts",
        f"{CASES}::test_words_of_this_node_alone_never_leave",
    ),
    Fault("release/mentions.py", "{ident, *self._near.get(ident, ())} - reached", "{ident}", TWIN),
    Fault("release/mentions.py", "self._names[number] - told", "self._names[number]", TWIN),
    Fault("release/words.py", ".casefold())", ")", NAMED),
    Fault("release/words.py", "LETTERS_MIN = 3", "LETTERS_MIN = 2", TWIN),
    Fault("release/naming.py", 'if name.endswith("aliases")', 'if name.endswith("nothing")', NAMED),
    # Redaction.
    Fault(
        "release/redact.py",
        "if outcome.verdict is Verdict.WITHHOLD:",
        "if False:",
        f"{CASES}::test_what_is_withheld_gives_nothing",
    ),
    Fault(
        "release/redact.py",
        'raise AttributeError("Released does not change")',
        "object.__setattr__(self, name, value)",
        f"{CASES}::test_released_is_made_by_redact_alone_and_does_not_change",
    ),
    Fault(
        "stix/spans.py",
        "parts.append(raw[begin:value])",
        "pass",
        f"{REDACTION}::test_cutting_bytes_is_cutting_the_value",
    ),
    Fault(
        "stix/spans.py",
        "            last = end\n            continue",
        "            continue",
        f"{REDACTION}::test_cutting_bytes_is_cutting_the_value",
    ),
    Fault(
        "release/cuts.py",
        "if number < step)",
        "if number > step)",
        f"{REDACTION}::test_selectors_follow_what_moved_and_go_with_what_went",
    ),
    Fault(
        "release/cuts.py",
        'left -= {"extension_type"}',
        "pass",
        f"{CASES}::test_an_extension_that_keeps_nothing_goes_whole",
    ),
    Fault(
        "release/personal.py",
        "if one.fixed or one.kind is Kind.ARTEFACT:",
        "if one.kind is Kind.ARTEFACT:",
        f"{PERSONAL}::test_texts_are_redacted_where_a_victim_or_contact_stands_and_nowhere_else",
    ),
    Fault(
        "release/personal.py",
        'if place[0] == "pattern" or said.casefold() in known:',
        'if place[0] == "pattern":',
        f"{PERSONAL}::test_an_address_that_the_pattern_names_is_an_artefact_in_the_text_too",
    ),
    # The look before the expressions, and the windows for them.
    Fault(
        "release/sieve.py",
        "(\n    0x0660, 0x06F0,",
        "(\n    0x06F0,",
        f"{LOOK}::test_every_digit_of_python_is_wanted_and_becomes_one_of_ascii",
    ),
    Fault("release/sieve.py", '"(?:^|[^" +', '"(?:[^" +', BESIDE),
    Fault("release/sieve.py", '"0-9A-Za-z_")', '"0-9A-Za-z_\\u0080-\\uffff")', BESIDE),
    Fault("release/sieve.py", "[iIİı]", "[iI]", BESIDE),
    Fault("release/sieve.py", 'b"what?app"', 'b"whatapp"', BESIDE),
    Fault(
        "release/sieve.py",
        '        "items": {"$ref": "#"},\n',
        "",
        f"{LOOK}::test_what_stands_in_one_place_alone_is_found_there",
    ),
    Fault("release/sieve.py", "        return False\n", "        return True\n", BESIDE),
    Fault("release/sieve.py", 'b"+ .-/()[]xABC', 'b"+ .-/()[]ABC', BESIDE),
    Fault(
        "release/sieve.py",
        '_ODD_DIGIT.sub("0", text)',
        "text",
        f"{LOOK}::test_every_digit_of_python_is_wanted_and_becomes_one_of_ascii",
    ),
    Fault("release/sieve.py", "end - start > 6", "end - start > 8", BESIDE),
    Fault("release/sieve.py", "text[max(start - 1, 0) : end]", "text[start + 1 : end]", BESIDE),
    Fault("release/sieve.py", "min(end + 2, len(text))", "end", BESIDE),
    Fault("release/sieve.py", "left -= plain", "left += plain", BESIDE),
    Fault("release/sieve.py", '            right += plain.startswith(b" ", right)\n', "", BESIDE),
    Fault("release/sieve.py", "if right > end:", "if end < 0:", BESIDE),
    # Classification.
    Fault("release/classifier.py", 'if value.get("granular_markings") is not None:', "if False:", SAME),
    Fault("release/classifier.py", "(facts, markings, words)", "(facts, markings, ())", APART),
    Fault("release/classifier.py", "self._contexts[addressee]", "self._contexts[False]", SAME),
    Fault(
        "release/classifier.py",
        "            self._digests[id(found)] = known\n",
        "",
        f"{BULK}::test_equal_classes_are_one_object_and_their_digest_is_computed_once",
    ),
    Fault(
        "release/classifier.py",
        "                self._digests.clear()\n",
        "",
        f"{BULK}::test_a_classifier_that_forgets_says_the_same",
    ),
    Fault(
        "release/classify.py",
        'if "sectors" in value or "extensions" in value:',
        'if "sectors" in value:',
        f"{CLASSES}::test_limits_in_a_wrong_place_or_form_make_it_unsound",
    ),
    Fault(
        "release/classify.py",
        "return _Granular(pap=whole.pap)",
        "return _Granular()",
        f"{CLASSES}::test_the_strictest_pap_holds_also_from_a_granular_marking",
    ),
    Fault(
        "release/classify.py",
        "granular.levels if level > whole.tlp",
        "granular.levels if level < whole.tlp",
        f"{CLASSES}::test_granular_levels_are_those_stricter_than_the_objects_own",
    ),
    Fault(
        "release/classify.py",
        "whole.unknown or whole.contradicts",
        "whole.unknown",
        f"{CLASSES}::test_two_levels_of_tlp_contradict_each_other",
    ),
    Fault(
        "release/classify.py",
        "(1 if up and len(fraction) > 6 else 0)",
        "0",
        f"{CLASSES}::test_iep_tightens_the_tlp_and_its_dates_never_open_early_or_close_late",
    ),
    Fault(
        "release/classify.py",
        "(countries or frozenset()) if",
        "countries if",
        f"{CLASSES}::test_a_malformed_residency_is_nowhere_not_anywhere",
    ),
    Fault(
        "release/classify.py",
        "if known or classes_of_source < CLASSES_OF_SOURCE_MAX",
        "if True",
        f"{CLASSES}::test_a_source_that_makes_too_many_classes_falls_to_the_strictest",
    ),
    Fault(
        "stix/markings.py",
        "_PAP_LEVELS[max(levels)]",
        "_PAP_LEVELS[min(levels)]",
        f"{CLASSES}::test_the_strictest_pap_holds_also_from_a_granular_marking",
    ),
    Fault(
        "stix/iep.py",
        "if text is not None and key is None:",
        "if False:",
        f"{CLASSES}::test_an_iep_policy_that_is_not_understood_is_red_and_unsound",
    ),
)
