"""Every path by which anything of an object can be read, each with the test that proves what a partner reads there, or
with the reason why no partner reads there at all (R70).

`tests/house/test_read_paths.py` takes the paths from the code: the table of routes, the tree of commands, and the verbs
of a node, of which those that give objects away are what exports are made of.
"""

from dataclasses import dataclass

from tests import operations
from tests.screens import METHODS


@dataclass(frozen=True, slots=True)
class Proven:
    """A test shows that what is read here is exactly what is permitted; `test` is its file and its name."""

    test: str


@dataclass(frozen=True, slots=True)
class Apart:
    """Nothing of an object is read here for a partner, and why that is so."""

    why: str


Entry = Proven | Apart


def _equal(name: str) -> Proven:
    return Proven(f"tests/e2e/test_read_paths.py::{name}")


_NO_OBJECT = _equal("test_what_tells_of_no_object_is_the_same_for_a_node_without_any")
_COLLECTIONS = _equal("test_collections_are_those_of_the_token_and_no_other_is_there")
_HEAD = _equal("test_a_head_is_the_get_without_its_body")
_POST = _equal("test_a_post_tells_nothing_of_what_is_here_and_its_status_only_its_sender")
_LEDGER = Proven("tests/e2e/test_ledger_routes.py::test_a_partner_reads_hashes_of_whole_tiles_and_nothing_else")
_PERSONS = Proven("tests/ui/test_sessions.py::test_a_token_opens_no_page_but_the_first")
_ACCOUNTS = Proven("tests/api/test_access.py::test_a_token_that_acts_as_no_account_opens_no_operation")
_COLLECTION = "/taxii2/root/collections/{collection}/"

ROUTES: dict[tuple[str, str], Entry] = {
    ("GET", "/healthz"): _NO_OBJECT,
    ("GET", "/.well-known/security.txt"): _NO_OBJECT,
    ("GET", "/readyz"): _NO_OBJECT,
    ("GET", "/metrics"): _NO_OBJECT,
    ("GET", "/"): _NO_OBJECT,
    ("GET", "/static/{file}"): _NO_OBJECT,
    **dict.fromkeys(
        [(method, path) for path in ("/sign-in", "/sign-in/link/{link}") for method in ("GET", "POST")], _NO_OBJECT
    ),
    **{(method, path): _PERSONS for path, methods in METHODS.items() for method in methods if path != "/"},
    **{(method, path): _ACCOUNTS for path, methods in operations.METHODS.items() for method in methods},
    ("GET", "/taxii2/"): _NO_OBJECT,
    ("GET", "/taxii2/root/"): _NO_OBJECT,
    ("GET", "/taxii2/root/status/{status}/"): _POST,
    ("GET", "/taxii2/root/collections/"): _COLLECTIONS,
    ("GET", _COLLECTION): _COLLECTIONS,
    ("GET", _COLLECTION + "manifest/"): _equal("test_the_manifest_is_exactly_of_those_permitted"),
    ("GET", _COLLECTION + "objects/"): _equal("test_objects_are_exactly_those_permitted"),
    ("POST", _COLLECTION + "objects/"): _POST,
    ("GET", _COLLECTION + "objects/{object}/"): _equal(
        "test_an_object_is_found_exactly_where_a_version_of_it_is_permitted"
    ),
    ("DELETE", _COLLECTION + "objects/{object}/"): _equal(
        "test_a_delete_takes_what_its_partner_sent_and_anything_else_is_not_there"
    ),
    ("GET", "/ledger/checkpoint"): _LEDGER,
    ("GET", "/ledger/tile/{level}/{first}"): _LEDGER,
    ("GET", "/ledger/tile/{level}/{first}/{second}"): _LEDGER,
    ("GET", "/ledger/tile/{level}/{first}/{second}/{third}"): _LEDGER,
    ("GET", _COLLECTION + "objects/{object}/versions/"): _equal("test_versions_are_exactly_those_permitted"),
}
"""By method and template. A HEAD stands with the GET of its route, and `_HEAD` proves that it tells no more."""
HEAD = _HEAD

_OWN = Apart("It is a command on the host of the node: whoever runs it is own staff, and reads everything.")
_KEEPS = Apart("It keeps house: it makes or changes records, settings or keys, and prints nothing of an object.")
_TEXTS = Apart("It reads files that are named to it, and no store.")
_COPY = Apart("It makes another store, or a file that is encrypted to the recovery key, for the operator alone.")
_TOLD = _equal("test_what_is_told_of_a_partner_is_what_it_is_served")

COMMANDS: dict[str, Entry] = {
    "comity demo": Apart("It serves a throwaway node of made objects on this host."),
    "comity init": _KEEPS,
    "comity serve": Apart("What it serves are the routes, each of which is an entry of its own."),
    "comity worker": Apart("It prints counts of what was done."),
    "comity doctor": _OWN,
    "comity import": _OWN,
    "comity export": _OWN,
    "comity search": _OWN,
    "comity show": _OWN,
    "comity collection add": _KEEPS,
    "comity collection list": _OWN,
    "comity token new": _KEEPS,
    "comity token list": _OWN,
    "comity token revoke": _KEEPS,
    "comity source add": _KEEPS,
    "comity source list": _OWN,
    "comity source show": _OWN,
    "comity source poll": Apart("It asks another server for objects and gives it none."),
    "comity source pause": _KEEPS,
    "comity source resume": _KEEPS,
    "comity taxii discover": Apart("It asks another server and opens no store."),
    "comity taxii collections": Apart("It asks another server and opens no store."),
    "comity taxii get": Apart("It asks another server and opens no store."),
    "comity taxii push": Apart("It sends a file that is named to it, which own staff wrote, and opens no store."),
    "comity publish": _OWN,
    "comity relate": _OWN,
    "comity rm": _OWN,
    "comity mark": _OWN,
    "comity undo": _OWN,
    "comity batches": _OWN,
    "comity unpublish": _OWN,
    "comity policy check": _TEXTS,
    "comity policy test": _TEXTS,
    "comity policy diff": _TEXTS,
    "comity policy starters": _TEXTS,
    "comity policy apply": _KEEPS,
    "comity policy log": _OWN,
    "comity partner add": _KEEPS,
    "comity partner list": _OWN,
    "comity partner show": _OWN,
    "comity partner edit": _KEEPS,
    "comity partner activate": _KEEPS,
    "comity partner pause": _KEEPS,
    "comity partner resume": _KEEPS,
    "comity partner end": _KEEPS,
    "comity release explain": _TOLD,
    "comity release preview": Proven(
        "tests/e2e/test_cli_release.py::test_the_bundle_is_what_is_read_over_taxii_byte_for_byte"
    ),
    "comity approvals": _OWN,
    "comity approve": _KEEPS,
    "comity clock confirm": _KEEPS,
    "comity clock show": _OWN,
    "comity reclassify": _KEEPS,
    "comity reject": _KEEPS,
    "comity release decisions": _OWN,
    "comity release matrix": Proven("tests/unit/node/test_telling.py::test_each_cell_is_the_decision"),
    "comity release request": _KEEPS,
    "comity release record": _OWN,
    "comity release revoke": _KEEPS,
    "comity release recall-status": _OWN,
    "comity source edit": _KEEPS,
    "comity user add": _KEEPS,
    "comity user link": _KEEPS,
    "comity user disable": _KEEPS,
    "comity user list": _OWN,
    "comity user recover": _KEEPS,
    "comity user reset": _KEEPS,
    "comity subject find": _OWN,
    "comity erase": _KEEPS,
    "comity erasure list": _KEEPS,
    "comity erasure show": _KEEPS,
    "comity hold add": _KEEPS,
    "comity hold list": _OWN,
    "comity hold end": _KEEPS,
    "comity ledger export": _OWN,
    "comity ledger head": _KEEPS,
    "comity ledger log": _OWN,
    "comity ledger proof": _OWN,
    "comity ledger rotate": _KEEPS,
    "comity ledger verify": Apart("It prints counts, hashes and what does not hold, and nothing of an object."),
    "comity audit log": _OWN,
    "comity audit report": _OWN,
    "comity audit verify": _OWN,
    "comity backup": _COPY,
    "comity restore": _COPY,
    "comity recovery-key new": _KEEPS,
    "comity recovery-key use": _KEEPS,
    "comity recovery-key show": _KEEPS,
    "comity migrate": _COPY,
    "comity config show": _OWN,
    "comity config check": _OWN,
    "comity completion": Apart("It prints a script for a shell."),
    "comity version": Apart("It prints the number of this version."),
}
"""By the words of the command; a group is none."""

_ADMINISTRATION = Apart("It reads or writes records of the operator, and gives nothing of an object.")
_OPERATOR = Apart("Without an access it acts as the operator, and no route calls it.")
_ONE_BY_ONE = Proven("tests/ui/test_browsing.py::test_what_is_found_is_what_may_be_read_copy_by_copy")
_ACTS = Apart("It tells own staff with a role what was done: ids and digests, and no other byte of an object.")
_DRAFT = Proven("tests/unit/node/test_drafts.py::test_a_draft_is_there_for_nobody_else_by_whatever_verb")
_STAFF = _equal("test_a_bound_credential_is_given_nothing_but_by_the_gate")
_GATE = _equal("test_objects_are_exactly_those_permitted")

VERBS: dict[str, Entry] = {
    "add_holds": _ADMINISTRATION,
    "end_hold": _ADMINISTRATION,
    "erase": _ADMINISTRATION,
    "erasures": _OPERATOR,
    "find_subject": _OPERATOR,
    "is_clean": _ADMINISTRATION,
    "legal_holds": _OPERATOR,
    "add_collection": _ADMINISTRATION,
    "add_partner": _ADMINISTRATION,
    "add_source": _ADMINISTRATION,
    "add_taxii_source": _ADMINISTRATION,
    "admit": _ADMINISTRATION,
    "apply_policy": _ADMINISTRATION,
    "audit_log": Apart("It tells who looked at what, and nothing of what is in an object."),
    "audit_report": Apart("It tells who looked at what, and nothing of what is in an object."),
    "at_one_moment": Apart("It only holds one state of the store still for the verbs inside."),
    **dict.fromkeys(
        ("confirm_upload", "drop_upload", "import_sources", "incoming", "stage", "sweep_uploads", "upload", "uploads"),
        Apart("It tells a person of own staff of the files that they sent themselves."),
    ),
    **dict.fromkeys(
        ("drop_search", "open_search", "save_search", "saved_searches"),
        Apart("It tells a person of own staff how many objects of their search they may read."),
    ),
    "check": _OPERATOR,
    "close": _ADMINISTRATION,
    "collection": _COLLECTIONS,
    "collections": _COLLECTIONS,
    "count_published": _OPERATOR,
    "count_unpublished": _OPERATOR,
    "counts": _NO_OBJECT,
    "cursor_key": _ADMINISTRATION,
    "delete": _equal("test_a_delete_takes_what_its_partner_sent_and_anything_else_is_not_there"),
    "edit_partner": _ADMINISTRATION,
    "beat": _ADMINISTRATION,
    "catch_up": _ADMINISTRATION,
    "export": _STAFF,
    "export_ledger": _ACTS,
    "head": _ADMINISTRATION,
    "last_signed": _ADMINISTRATION,
    "ledger_bundle": _LEDGER,
    "ledger_checkpoint": _LEDGER,
    "ledger_log": _ACTS,
    "ledger_tile": _LEDGER,
    "prove": _ACTS,
    "rebuild_tiles": _ADMINISTRATION,
    "rotate_key": _ADMINISTRATION,
    "verify_ledger": _ADMINISTRATION,
    "find": _STAFF,
    "first_bad_audit_row": _ADMINISTRATION,
    "for_purpose": _ADMINISTRATION,
    "furnish": _ADMINISTRATION,
    "get": _STAFF,
    "is_sound": Apart("It judges two values that are given to it."),
    "jobs": _OPERATOR,
    "manifest": _equal("test_the_manifest_is_exactly_of_those_permitted"),
    "new_token": _ADMINISTRATION,
    "note": _ADMINISTRATION,
    "not_shown": Apart("It counts what is not shown, and gives nothing of an object."),
    "open": _ADMINISTRATION,
    "ours": _ADMINISTRATION,
    "page": _GATE,
    "partner": _ADMINISTRATION,
    "partners": _ADMINISTRATION,
    "pause_source": _ADMINISTRATION,
    "policy": _ADMINISTRATION,
    "policy_log": _ADMINISTRATION,
    "acting": _ADMINISTRATION,
    "add_user": _ADMINISTRATION,
    "approve": _ADMINISTRATION,
    "cautions": _ADMINISTRATION,
    "change_partner": _ADMINISTRATION,
    "class_changes": _ADMINISTRATION,
    "confirm_clock": _ADMINISTRATION,
    "decisions_of": _ADMINISTRATION,
    "difference": Proven("tests/unit/node/test_telling.py::test_the_difference_is_that_of_two_previews"),
    "disable_user": _ADMINISTRATION,
    "edit_source": _ADMINISTRATION,
    "halted": _ADMINISTRATION,
    "held": Proven("tests/unit/node/test_held.py::test_what_is_held_is_what_was_really_sent"),
    "holders": Proven("tests/unit/node/test_held.py::test_what_is_held_is_what_was_really_sent"),
    "recall": _OPERATOR,
    "recalls": _OPERATOR,
    "heed_rules": _ADMINISTRATION,
    "is_watched": _ADMINISTRATION,
    "classes_published": Proven(
        "tests/unit/node/test_part.py::test_the_classes_of_the_matrix_are_those_that_are_listed"
    ),
    "would_read": Proven("tests/unit/node/test_part.py::test_what_would_be_read_is_what_a_reading_has"),
    "matrix": Proven("tests/unit/node/test_telling.py::test_each_cell_is_the_decision"),
    "move_partner": _ADMINISTRATION,
    "opens_to": _ADMINISTRATION,
    "paused_sources": _ADMINISTRATION,
    "proposals": _ADMINISTRATION,
    "reclassifications": _ADMINISTRATION,
    "reclassify": _ADMINISTRATION,
    "recover_user": _ADMINISTRATION,
    **dict.fromkeys(
        (
            "acting_for",
            "confirm_factor",
            "drop_factor",
            "end_session",
            "known_from",
            "new_codes",
            "new_link",
            "own_account",
            "own_sessions",
            "pending_factor",
            "set_looks",
            "set_password",
            "sign_in",
            "sign_in_by_link",
            "sign_out",
            "tokens_made_by",
            "tour",
            "toured",
            "visitor",
            "begin_answer",
            "drop_answer",
            "keep_answer",
            "new_own_token",
        ),
        _ADMINISTRATION,
    ),
    "bearer": _ACCOUNTS,
    "reject": _ADMINISTRATION,
    "relations_behind": _ADMINISTRATION,
    "request_release": _ADMINISTRATION,
    "reset_user": _ADMINISTRATION,
    "since_reading": Proven("tests/unit/node/test_telling.py::test_what_is_new_to_them_and_what_is_gone"),
    "standing": _ADMINISTRATION,
    "standings": _ADMINISTRATION,
    "users": _ADMINISTRATION,
    "who": Proven("tests/unit/node/test_telling.py::test_who_receives_it_is_what_is_explained_to_each"),
    "write_reading": Proven("tests/e2e/test_cli_release.py::test_the_bundle_is_what_is_read_over_taxii_byte_for_byte"),
    "poll": Apart("It asks another server for objects and gives it none."),
    "post": _POST,
    "publish": _OPERATOR,
    "ready": _NO_OBJECT,
    "receive": _OPERATOR,
    "receive_stream": _OPERATOR,
    "revoke_token": _ADMINISTRATION,
    "run_job": _OPERATOR,
    "schemas": _ADMINISTRATION,
    "search": _STAFF,
    "about": _ONE_BY_ONE,
    "arrivals": _ONE_BY_ONE,
    "browse": _ONE_BY_ONE,
    "timeline": _ONE_BY_ONE,
    "seen": Proven("tests/house/test_viewing.py::test_the_operator_is_told_of_what_a_reader_is_told_and_of_more"),
    "self_grants": _ADMINISTRATION,
    "share_failures": _ADMINISTRATION,
    "show": _STAFF,
    "source": _ADMINISTRATION,
    "source_of_partner": _ADMINISTRATION,
    "sources": _ADMINISTRATION,
    "status": _POST,
    "step_partner": _ADMINISTRATION,
    "tell": _TOLD,
    "titles": Proven("tests/house/test_viewing.py::test_the_operator_is_told_of_what_a_reader_is_told_and_of_more"),
    "tokens": _ADMINISTRATION,
    "batch": _OPERATOR,
    "batches": _OPERATOR,
    "mark": _OPERATOR,
    "preview_batch": Proven(
        "tests/house/test_viewing.py::test_the_operator_is_told_of_what_a_reader_is_told_and_of_more"
    ),
    "foresee": Proven("tests/unit/node/test_foreseeing.py::test_who_would_get_it_is_who_receives_it_once_published"),
    "retry_batch": _OPERATOR,
    "undo_batch": _OPERATOR,
    "withdraw": _OPERATOR,
    "unpublish": _OPERATOR,
    "unsettled": _ADMINISTRATION,
    "waiting": _ADMINISTRATION,
    "work": _OPERATOR,
    **dict.fromkeys(
        (
            "change_draft",
            "discard_draft",
            "draft",
            "drafts",
            "foretell_draft",
            "rebase_draft",
            "save_draft",
            "start_draft",
        ),
        _DRAFT,
    ),
}
"""By the name of the verb of a node."""
