"""Every page of persons with the roles that may look at it, and those that may send its form. What is not here, nobody
may."""

from comity.node.people import ROLES

Roles = frozenset[str]

NOBODY: Roles = frozenset()
EVERYBODY: Roles = frozenset(ROLES)
ADMINS: Roles = frozenset({"admin"})
RELEASERS: Roles = frozenset({"releaser"})
WRITERS: Roles = frozenset({"analyst", "releaser"})
READERS: Roles = frozenset({"reader", "analyst", "releaser", "approver"})
TOLD: Roles = READERS | {"release-audit"}
"""To whom is told what leaves: who reads, and who may count it."""
ADMITTING: Roles = frozenset({"admin", "approver"})
ASKING: Roles = frozenset({"admin", "releaser"})
PROVING: Roles = ASKING | {"release-audit"}
AUDITORS: Roles = frozenset({"admin", "auditor"})

TABLE: dict[str, tuple[Roles, Roles]] = {
    "/": (EVERYBODY, NOBODY),
    "/search": (READERS, NOBODY),
    "/search.json": (READERS, READERS),
    "/search.csv": (READERS, READERS),
    "/search.stix.json": (READERS, READERS),
    "/searches": (READERS, READERS),
    "/searches/{search}/open": (NOBODY, READERS),
    "/searches/{search}/drop": (NOBODY, READERS),
    "/import": (WRITERS, WRITERS),
    "/import/{upload}": (WRITERS, NOBODY),
    "/import/{upload}/confirm": (NOBODY, WRITERS),
    "/import/{upload}/drop": (NOBODY, WRITERS),
    "/drafts": (WRITERS, NOBODY),
    "/drafts/{draft}": (WRITERS, WRITERS),
    "/drafts/{draft}/save": (NOBODY, WRITERS),
    "/drafts/{draft}/rebase": (NOBODY, WRITERS),
    "/drafts/{draft}/discard": (NOBODY, WRITERS),
    "/objects/new": (WRITERS, NOBODY),
    "/objects/new/{type}": (WRITERS, WRITERS),
    "/objects/{object}/edit": (WRITERS, WRITERS),
    "/bulk": (WRITERS, WRITERS),
    "/batches": (READERS | ADMINS, NOBODY),
    "/batches/{batch}": (READERS | ADMINS, NOBODY),
    "/batches/{batch}/undo": (NOBODY, WRITERS | ADMITTING),
    "/batches/{batch}/retry": (NOBODY, WRITERS),
    "/objects/{object}": (READERS, NOBODY),
    "/objects/{object}/relations": (READERS, NOBODY),
    "/objects/{object}/relations.json": (READERS, NOBODY),
    "/objects/{object}/timeline": (READERS, NOBODY),
    "/objects/{object}/who": (READERS, NOBODY),
    "/objects/{object}/raw": (READERS, NOBODY),
    "/objects/{object}/raw.json": (READERS, NOBODY),
    "/objects/{object}/history": (READERS, NOBODY),
    "/objects/{object}/copies": (READERS, NOBODY),
    "/objects/{object}/attachment": (READERS, NOBODY),
    "/objects/{object}/attachment.bin": (READERS, NOBODY),
    "/release/preview": (TOLD, NOBODY),
    "/release/preview.json": (TOLD, NOBODY),
    "/release/preview.stix.json": (TOLD, NOBODY),
    "/release/request": (NOBODY, ASKING),
    "/release/publish": (RELEASERS, RELEASERS),
    "/release/unpublish": (RELEASERS, RELEASERS),
    "/release/matrix": (TOLD, NOBODY),
    "/release/matrix.json": (TOLD, NOBODY),
    "/release/record": (TOLD, NOBODY),
    "/release/record.json": (TOLD, NOBODY),
    "/release/record.csv": (TOLD, NOBODY),
    "/partners": (EVERYBODY, NOBODY),
    "/partners/new": (ADMINS, ADMINS),
    "/partners/{partner}": (EVERYBODY, NOBODY),
    "/partners/{partner}/edit": (ADMINS, ADMINS),
    "/partners/{partner}/step": (ADMINS, ADMINS),
    "/policy": (EVERYBODY, NOBODY),
    "/policy/edit": (ADMINS, ADMINS),
    "/approvals": (EVERYBODY, NOBODY),
    "/approvals/{proposal}": (EVERYBODY, NOBODY),
    "/approvals/{proposal}/approve": (NOBODY, ADMITTING),
    "/approvals/{proposal}/reject": (NOBODY, EVERYBODY),
    "/recalls": (TOLD, NOBODY),
    "/recalls/new": (RELEASERS, RELEASERS),
    "/recalls/{recall}": (TOLD, NOBODY),
    "/ledger": (EVERYBODY, NOBODY),
    "/ledger/verify": (NOBODY, EVERYBODY),
    "/ledger/sign": (NOBODY, EVERYBODY),
    "/ledger/checkpoint.txt": (EVERYBODY, NOBODY),
    "/ledger/export": (NOBODY, PROVING),
    "/ledger/entries/{seq}": (PROVING, NOBODY),
    "/ledger/entries/{seq}/proof": (ASKING, NOBODY),
    "/sources": (EVERYBODY, NOBODY),
    "/sources/{source}": (EVERYBODY, NOBODY),
    "/sources/{source}/pause": (NOBODY, ADMINS),
    "/sources/{source}/resume": (NOBODY, ADMINS),
    "/sources/{source}/poll": (NOBODY, ADMINS),
    "/keys": (EVERYBODY, NOBODY),
    "/account": (EVERYBODY, NOBODY),
    "/account/password": (NOBODY, EVERYBODY),
    "/account/factor": (EVERYBODY, EVERYBODY),
    "/account/factor/remove": (NOBODY, EVERYBODY),
    "/account/codes": (NOBODY, EVERYBODY),
    "/account/sessions": (NOBODY, EVERYBODY),
    "/account/looks": (NOBODY, EVERYBODY),
    "/sign-out": (NOBODY, EVERYBODY),
    "/admin/people": (ADMINS, ADMINS),
    "/admin/people/reset": (NOBODY, ADMINS),
    "/admin/people/disable": (NOBODY, ADMINS),
    "/admin/tokens": (ADMINS, ADMINS),
    "/admin/tokens/revoke": (NOBODY, ADMINS),
    "/admin/jobs": (EVERYBODY, NOBODY),
    "/admin/audit": (AUDITORS, NOBODY),
    "/admin/audit/verify": (NOBODY, AUDITORS),
    "/admin/audit/report": (AUDITORS, NOBODY),
    "/admin/audit/report.json": (AUDITORS, NOBODY),
}
METHODS = {path: (("GET",) if looks else ()) + (("POST",) if acts else ()) for path, (looks, acts) in TABLE.items()}
