"""What a published object counts as while its class is made anew (R5, R14).

A class that was given when the object was published can go out of date: a marking definition changed or went, a rule of
its source did, or classes are found in another way. What is new may be looser, and only a person loosens. So the object
has a *standing* meanwhile: with the class that it had it *awaits* another, and nobody is served it; or it stands
*between* two classes, and whatever is decided about it must be decided alike about both. That is as tight as each of
them, whatever policy says.
"""

import hashlib
from dataclasses import replace

import orjson

from comity.canonical import canonical_bytes
from comity.release.classes import ReleaseClass
from comity.release.dispositions import Disposition
from comity.release.forms import class_of
from comity.release.policy import Rule
from comity.stix.tlp import TLP

AWAITS = Rule("gate.reclassify", "What it counts as is being found out anew")
BETWEEN = Rule("gate.reclassified", "It counts as something else by now, and not everything can be applied to both")


def awaiting(form: bytes) -> bytes:
    """The form of the standing of what had the class, or standing, of that form, and awaits another class."""
    return b"[%b]" % parts(form)[0]


def between(had: bytes, has: bytes) -> bytes:
    """The form of the standing between two classes; that of the class itself where they are one."""
    return had if had == has else b"[%b,%b]" % (had, has)


def parts(form: bytes) -> tuple[bytes, bytes]:
    """The forms of the class that it had and the one that it has: the same for a class itself, and an empty second one
    for what awaits."""
    if not form.startswith(b"["):
        return form, form
    had, *has = (canonical_bytes(each) for each in orjson.loads(form))
    return had, has[0] if has else b""


def classes_in(form: bytes) -> tuple[ReleaseClass, ...]:
    """The class of that form, or those that what has a standing stands for: the one that it had, then the other."""
    return tuple(class_of(part) for part in dict.fromkeys(parts(form)) if part)


def digest_of(form: bytes) -> bytes:
    """SHA-256 of the form."""
    return hashlib.sha256(form).digest()


def tightens(had: ReleaseClass, has: ReleaseClass) -> bool:
    """Whether whatever is released of the second class is released of the first, under every policy and to everybody
    outside our organisation. Rules may permit one level and not a stricter one, so that only two things prove it: they
    are one class, or the floor lets nothing of the second go."""
    return had == has or has.unsound or has.exercise or bool(has.named) or has.tlp is TLP.RED


def both(had: Disposition, has: Disposition) -> Disposition:
    """What is decided of an object between two classes: no more than either lets go. Parts that the first would have
    cut are not found any more, since markings mean something else by now: then nothing goes."""
    if had == has:
        return had
    until = min((each.valid_until for each in (had, has) if each.valid_until is not None), default=None)
    for one in (had, has):
        if not one.released:
            return replace(one, valid_until=until)
    if had.cut != has.cut:
        return Disposition(False, (BETWEEN,), valid_until=until)
    return Disposition(
        True,
        tuple(dict.fromkeys((*had.because, *has.because))),
        had.name_author and has.name_author,
        had.show_personal and has.show_personal,
        has.cut,
        # Which of the two wants its objects changed makes no difference.
        edits=had.edits or has.edits,
        valid_until=until,
        approval=had.approval or has.approval,
    )


def merged(had: ReleaseClass, has: ReleaseClass) -> ReleaseClass:
    """The facets by which an object between two classes is cut: those that it has, with the personal data of both."""
    return replace(has, personal=had.personal | has.personal)


def waits(had: Disposition) -> Disposition:
    """What is decided of an object that awaits its class: nobody is served it."""
    return Disposition(False, (AWAITS,), valid_until=had.valid_until)
