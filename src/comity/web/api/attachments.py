"""What is attached to an object: what it is said to be, and what it is."""

from comity.errors import NotFound
from comity.node.people import READING
from comity.web.api.operation import Ask, Operation, Purposed, Told
from comity.web.ui.attachments import attachment_of
from comity.web.ui.objects import shown_copy


class HashOf(Told, frozen=True, kw_only=True):
    """A hash that the object says; whether it is that of the bytes, None where that is not looked at."""

    name: str
    value: str
    holds: bool | None


class AttachmentOf(Told, frozen=True, kw_only=True):
    """What is attached. `kind` and `url` are said by the object and not believed. `size` in bytes and the SHA-256 are
    of the bytes, None where the object has none or, `broken`, what is no base64."""

    kind: str
    url: str
    encrypted: str
    broken: bool
    size: int | None
    sha256: str | None
    hashes: list[HashOf]


def show(ask: Ask) -> AttachmentOf:
    """What is attached to the object, as readers get it."""
    found = attachment_of(shown_copy(ask.node.about(ask.path["object"], links=1)))
    if found is None:
        raise NotFound("Nothing is attached to this object.", where="id")
    there = found.content is not None
    return AttachmentOf(
        kind=found.kind,
        url=found.url,
        encrypted=found.encrypted,
        broken=found.broken,
        size=found.size if there else None,
        sha256=found.digest if there else None,
        hashes=[HashOf(name=one.name, value=one.value, holds=one.holds) for one in found.said],
    )


OPERATIONS = (
    Operation(
        "GET", "/objects/{object}/attachment", show, frozenset(READING), "What is attached to it", AttachmentOf,
        Purposed,
    ),
)  # fmt: skip
