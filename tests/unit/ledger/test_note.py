"""Signed notes and their keys: what is taken, what is passed over, what spoils a note."""

import sys

import pytest
from tests.house.tree import run
from tests.unit.ledger.logs import LOG, OTHER, WITNESS

from comity.errors import ComityError, Invalid, Unverified
from comity.ledger.note import (
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    Signer,
    Verifier,
    base64_bytes,
    is_key_name,
    open_note,
    read_note,
    read_verifier,
    sign_note,
)

TEXT = "first\n\nthird — é\n"
NOTE = sign_note(TEXT, [LOG])
ALICE = Signer("alice.example", bytes(32))


def test_a_note_is_what_the_specification_says() -> None:
    text, _, line = NOTE.rpartition("\n\n")
    assert text + "\n" == TEXT
    dash, name, value = line.removesuffix("\n").split(" ")
    raw = base64_bytes(value)
    assert raw is not None
    assert (dash, name, raw[:4], len(raw)) == ("\u2014", LOG.name, LOG.verifier.key_id, 68)


def test_a_note_opens_by_each_of_its_keys_as_text_and_as_bytes() -> None:
    note = sign_note(TEXT, [LOG, ALICE])
    for raw in (note, note.encode()):
        opened = open_note(raw, [ALICE.verifier, LOG.verifier])
        assert (opened.text, [one.name for one in opened.verified]) == (TEXT, [LOG.name, ALICE.name])
        opened = open_note(raw, [ALICE.verifier])
        assert [one.name for one in opened.verified] == [ALICE.name]
        assert [one.name for one in opened.unknown] == [LOG.name]


def test_keys_of_one_name_or_one_id_are_others() -> None:
    note = sign_note(TEXT, [OTHER])
    assert OTHER.name == LOG.name
    with pytest.raises(Unverified, match="No known key"):
        open_note(note, [LOG.verifier])
    renamed = note.replace(f"— {OTHER.name} ", "— somebody ")
    with pytest.raises(Unverified, match="No known key"):
        open_note(renamed, [OTHER.verifier])
    with pytest.raises(Unverified, match="No known key"):
        open_note(NOTE, [])


def test_a_known_signature_that_does_not_hold_spoils_the_note() -> None:
    bad = LOG.sign("other\n").line()
    with pytest.raises(Unverified, match="does not hold"):
        open_note(NOTE + bad, [LOG.verifier])
    both = sign_note(TEXT, [ALICE]) + bad
    assert [one.name for one in open_note(both, [ALICE.verifier]).unknown] == [LOG.name]


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "\n",
        "\n\n",
        TEXT,
        NOTE[:-1],
        NOTE + "\n",
        NOTE + "more\n",
        NOTE.replace("— ", "- "),
        NOTE.replace("— ", "—  "),
        NOTE.replace("first", "fi\trst"),
        NOTE.replace("first", "fi\x00rst"),
        NOTE.replace("first", "fi\rrst"),
        NOTE.replace("first", "fi\ud800rst"),
        NOTE.replace("=\n", "\n"),
        NOTE.replace("=\n", "==\n"),
        f"{TEXT}\n— a+b AAAAAAA=\n",
        f"{TEXT}\n— a\u2003b AAAAAAA=\n",
        f"{TEXT}\n—  AAAAAAA=\n",
        f"{TEXT}\n— a AAAA\n",
        f"{TEXT}\n— a AAAAAAA=",
        f"{TEXT}\n— a AAAAAAB=\n",
        f"{TEXT}\n— a AAA-AAA=\n",
        f"{TEXT}\n— é AAAAAAé=\n",
        f"{TEXT}\n" + "— a AAAAAAA=\n" * (SIGNATURES_MAX + 1),
        "a" * NOTE_BYTES_MAX + NOTE,
        b"\xff\n\n" + NOTE.encode(),
    ],
)
def test_what_is_no_note_is_refused(raw: str | bytes) -> None:
    with pytest.raises(Invalid) as caught:
        read_note(raw)
    assert caught.value.where == "note"
    assert caught.value.rule == "C2SP signed-note"


def test_a_note_may_have_as_many_signatures_as_are_bounded() -> None:
    assert len(read_note(f"{TEXT}\n" + "— a AAAAAAA=\n" * SIGNATURES_MAX)[1]) == SIGNATURES_MAX


@pytest.mark.parametrize("text", ["", "no end", "a\tb\n", "a\ud800\n"])
def test_no_note_is_made_of_what_none_can_say(text: str) -> None:
    with pytest.raises(ValueError, match="a note has a text"):
        sign_note(text, [LOG])


def test_no_note_is_made_without_a_signature_or_with_one_of_a_witness() -> None:
    with pytest.raises(ValueError, match="a note has a text"):
        sign_note(TEXT, [])
    with pytest.raises(ValueError, match="signs no notes"):
        sign_note(TEXT, [LOG, WITNESS])


def test_keys_come_back_as_text() -> None:
    assert read_verifier(str(LOG.verifier)) == LOG.verifier
    again = Signer.read(LOG.secret_text())
    assert again.verifier == LOG.verifier
    assert again.sign(TEXT) == LOG.sign(TEXT)
    assert LOG.verifier.holds(TEXT, LOG.sign(TEXT).value)
    assert not LOG.verifier.holds(TEXT + "more\n", LOG.sign(TEXT).value)
    assert not LOG.verifier.holds(TEXT, LOG.sign(TEXT).value[:-1])


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "a\x1fb", "a\x01b", "\ud800"])
def test_a_name_that_no_line_can_hold_is_no_name(name: str) -> None:
    assert not is_key_name(name)
    with pytest.raises(Invalid):
        Signer(name, bytes(32))


def test_a_name_may_be_of_any_script() -> None:
    assert is_key_name("журнал.example/1")
    note = sign_note(TEXT, [Signer("журнал.example/1", bytes(32))])
    assert open_note(note, [Signer("журнал.example/1", bytes(32)).verifier]).text == TEXT


def test_a_key_that_is_no_point_or_of_another_kind_verifies_nothing() -> None:
    assert not Verifier("a", b"\xff" * 32).holds(TEXT, bytes(64))
    with pytest.raises(Invalid, match="kind 4 is not read"):
        read_verifier(str(WITNESS.verifier))
    with pytest.raises(Invalid, match="is not its own"):
        Signer.read(WITNESS.secret_text())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PRIVATE+KEY+",
        "x" * 5000,
        str(LOG.verifier),
        LOG.secret_text()[:-1],
        LOG.secret_text() + "A",
        LOG.secret_text().upper(),
    ],
)
def test_a_signer_key_that_is_none_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ComityError) as caught:
        Signer.read(text)
    assert not text or text not in caught.value.message


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(Invalid, match="32 bytes"):
        Signer("a", bytes(31))


@pytest.mark.slow
def test_the_room_is_imported_without_the_library_of_keys() -> None:
    """It costs more than all the rest, and most who import the room sign and verify nothing."""
    rooms = ", ".join(f"comity.ledger.{name}" for name in ("checkpoint", "export", "merkle", "note", "proof", "tiles"))
    code = f"import sys, {rooms}\nprint([name for name in sys.modules if name.startswith('cryptography')])"
    done = run(sys.executable, "-c", code)
    assert (done.returncode, done.stdout) == (0, "[]\n")
