"""Checkpoints and cosignatures: what a log signs, and what its witnesses add."""

from dataclasses import replace

import pytest
from tests import ledger_reader
from tests.unit.ledger.logs import LOG, ORIGIN, OTHER, WITNESS

from comity.errors import ComityError, Invalid, Unverified
from comity.ledger.checkpoint import (
    SECONDS_MAX,
    SIZE_MAX,
    Checkpoint,
    Cosigner,
    cosign,
    open_checkpoint,
    read_checkpoint,
    read_key,
    sign_checkpoint,
)
from comity.ledger.note import Signer, sign_note, with_signatures

ROOT = bytes(range(32))
POINT = Checkpoint(ORIGIN, 20852163, ROOT)
NOTE = sign_checkpoint(POINT, [LOG])
KEYS = [LOG.verifier, WITNESS.verifier]


def test_the_text_is_three_lines_and_extensions() -> None:
    assert POINT.text() == f"{ORIGIN}\n20852163\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    more = replace(POINT, size=0, extensions=("one", "two words"))
    assert more.text().endswith("=\none\ntwo words\n")
    assert read_checkpoint(more.text()) == more


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": ""},
        {"origin": "a\nb"},
        {"extensions": ("",)},
        {"extensions": ("a\nb",)},
        {"root": b""},
        {"size": -1},
        {"size": SIZE_MAX + 1},
    ],
)
def test_what_is_no_checkpoint_has_no_text(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, Invalid)):
        replace(POINT, **wrong).text()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n\n",
        f"{ORIGIN}\n5\n",
        POINT.text()[:-1],
        POINT.text() + "\n",
        POINT.text().replace("20852163", "020852163"),
        POINT.text().replace("20852163", "+5"),
        POINT.text().replace("20852163", "-5"),
        POINT.text().replace("20852163", "５"),
        POINT.text().replace("20852163", "9" * 5000),
        POINT.text().replace("20852163", str(SIZE_MAX + 1)),
        POINT.text().replace("Hh8=", "Hh8"),
        POINT.text().replace("Hh8=", "Hh9="),
        POINT.text().replace("AAEC", ""),
    ],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_checkpoint(text)
    assert caught.value.rule == "C2SP tlog-checkpoint"


def test_a_checkpoint_opens_by_the_key_of_its_log() -> None:
    assert open_checkpoint(NOTE, KEYS).checkpoint == POINT
    assert open_checkpoint(NOTE.encode(), KEYS, origin=ORIGIN).cosigned == ()
    both = sign_checkpoint(POINT, [LOG, OTHER])
    assert open_checkpoint(both, [OTHER.verifier]).checkpoint == POINT
    with pytest.raises(Unverified, match="another log"):
        open_checkpoint(NOTE, KEYS, origin="cert-b.example/release")
    with pytest.raises(Unverified):
        open_checkpoint(NOTE, [OTHER.verifier])
    with pytest.raises(ComityError):
        open_checkpoint(NOTE.replace("20852163", "20852164"), KEYS)


def test_a_log_signs_under_its_origin() -> None:
    with pytest.raises(ValueError, match="is its origin"):
        sign_checkpoint(POINT, [Signer("other", bytes(32))])
    with pytest.raises(ValueError, match="signs no notes"):
        sign_checkpoint(POINT, [Cosigner(ORIGIN, bytes(32))])
    stranger = Signer("other", bytes(32))
    with pytest.raises(Unverified, match="No known key of the log itself"):
        open_checkpoint(sign_note(POINT.text(), [stranger]), [stranger.verifier])


def test_a_cosignature_says_when_and_what_was_seen() -> None:
    note = cosign(NOTE, POINT, WITNESS, 1_764_500_000)
    assert open_checkpoint(note, KEYS).cosigned == ((WITNESS.name, 1_764_500_000),)
    assert open_checkpoint(note, [LOG.verifier]).cosigned == ()
    keys = [ledger_reader.key_of(str(key)) for key in KEYS]
    assert ledger_reader.signers_of(note, keys) == (POINT.text(), {LOG.name, WITNESS.name})
    line = note.removeprefix(NOTE)
    assert len(line.encode()) == 3 + 1 + len(WITNESS.name) + 1 + 104 + 1


@pytest.mark.parametrize("seconds", [0, 1, SECONDS_MAX])
def test_the_times_that_a_cosignature_may_have(seconds: int) -> None:
    note = cosign(NOTE, POINT, WITNESS, seconds)
    assert open_checkpoint(note, KEYS).cosigned == ((WITNESS.name, seconds),)


def test_a_cosignature_of_another_checkpoint_time_or_shape_spoils_the_note() -> None:
    good = WITNESS.cosign(POINT, 7)
    for wrong in (
        WITNESS.cosign(replace(POINT, size=5), 7).value,
        bytes([*good.value[:7], 8, *good.value[8:]]),
        good.value[:-1],
        good.value[8:],
        WITNESS.cosign(POINT, SECONDS_MAX + 1).value,
        LOG.sign(POINT.text()).value,
    ):
        with pytest.raises(Unverified, match="does not hold"):
            open_checkpoint(with_signatures(NOTE, [replace(good, value=wrong)]), KEYS)


def test_a_witness_cannot_sign_for_a_log() -> None:
    witness = Cosigner(ORIGIN, bytes(range(32)))
    alone = with_signatures(POINT.text() + "\n", [witness.cosign(POINT, 7)])
    with pytest.raises(Unverified, match="No known key of the log itself"):
        open_checkpoint(alone, [witness.verifier])


def test_keys_of_logs_and_witnesses_come_back_as_text() -> None:
    for verifier in KEYS:
        assert read_key(str(verifier)) == verifier
        assert type(read_key(str(verifier))) is type(verifier)
    assert WITNESS.verifier.key_id != Signer(WITNESS.name, bytes(range(2, 34))).verifier.key_id
    assert Cosigner.read(WITNESS.secret_text()).verifier == WITNESS.verifier
    with pytest.raises(Invalid):
        read_key(str(WITNESS.verifier).replace("cert-b", "cert-c"))
    with pytest.raises(Invalid):
        Cosigner.read(LOG.secret_text())
