"""Every operation of the API with the roles that may call it, and for each page the operations that show and do the
same. What is not here, nobody may."""

from tests.screens import (
    ADMINS,
    ADMITTING,
    ASKING,
    AUDITORS,
    EVERYBODY,
    PROVING,
    READERS,
    RELEASERS,
    TOLD,
    Roles,
)

from comity.web.api.operation import ROOT

_OBJECT, _PARTNER, _PROPOSAL, _SOURCE = (
    "/objects/{object}", "/partners/{partner}", "/approvals/{proposal}", "/sources/{source}",
)  # fmt: skip

TABLE: dict[tuple[str, str], Roles] = {
    ("GET", "/openapi.json"): EVERYBODY,
    ("GET", "/overview"): EVERYBODY,
    ("GET", "/objects"): READERS,
    ("GET", _OBJECT): READERS,
    ("GET", f"{_OBJECT}/raw"): READERS,
    ("GET", f"{_OBJECT}/relations"): READERS,
    ("GET", f"{_OBJECT}/timeline"): READERS,
    ("GET", f"{_OBJECT}/history"): READERS,
    ("GET", f"{_OBJECT}/copies"): READERS,
    ("GET", f"{_OBJECT}/who"): READERS,
    ("GET", "/release/preview"): TOLD,
    ("GET", "/release/reading"): TOLD,
    ("POST", "/release/requests"): ASKING,
    ("POST", "/release/publish"): RELEASERS,
    ("POST", "/release/unpublish"): RELEASERS,
    ("GET", "/release/matrix"): TOLD,
    ("GET", "/release/record"): TOLD,
    ("GET", "/partners"): EVERYBODY,
    ("POST", "/partners"): ADMINS,
    ("GET", _PARTNER): EVERYBODY,
    ("PATCH", _PARTNER): ADMINS,
    ("GET", f"{_PARTNER}/standing"): EVERYBODY,
    ("POST", f"{_PARTNER}/steps"): ADMINS,
    ("GET", "/policy"): EVERYBODY,
    ("PUT", "/policy"): ADMINS,
    ("POST", "/policy/check"): ADMINS,
    ("GET", "/policy/versions"): EVERYBODY,
    ("GET", "/policy/starters"): EVERYBODY,
    ("GET", "/approvals"): EVERYBODY,
    ("GET", _PROPOSAL): EVERYBODY,
    ("POST", f"{_PROPOSAL}/approve"): ADMITTING,
    ("POST", f"{_PROPOSAL}/reject"): EVERYBODY,
    ("GET", "/recalls"): TOLD,
    ("POST", "/recalls"): RELEASERS,
    ("GET", "/recalls/{recall}"): TOLD,
    ("GET", "/ledger"): EVERYBODY,
    ("GET", "/ledger/entries"): PROVING,
    ("GET", "/ledger/entries/{seq}"): PROVING,
    ("GET", "/ledger/entries/{seq}/proof"): ASKING,
    ("GET", "/ledger/checkpoint"): EVERYBODY,
    ("POST", "/ledger/verify"): EVERYBODY,
    ("POST", "/ledger/sign"): EVERYBODY,
    ("POST", "/ledger/export"): PROVING,
    ("GET", "/sources"): EVERYBODY,
    ("GET", _SOURCE): EVERYBODY,
    ("POST", f"{_SOURCE}/pause"): ADMINS,
    ("POST", f"{_SOURCE}/resume"): ADMINS,
    ("POST", f"{_SOURCE}/poll"): ADMINS,
    ("GET", "/people"): ADMINS,
    ("POST", "/people"): ADMINS,
    ("POST", "/people/{person}/reset"): ADMINS,
    ("POST", "/people/{person}/disable"): ADMINS,
    ("GET", "/tokens"): ADMINS,
    ("POST", "/tokens"): ADMINS,
    ("DELETE", "/tokens/{token}"): ADMINS,
    ("GET", "/jobs"): EVERYBODY,
    ("GET", "/audit"): AUDITORS,
    ("POST", "/audit/verify"): AUDITORS,
    ("GET", "/audit/report"): AUDITORS,
    ("GET", "/account"): EVERYBODY,
    ("PUT", "/account/looks"): EVERYBODY,
    ("GET", "/account/sessions"): EVERYBODY,
    ("DELETE", "/account/sessions/{session}"): EVERYBODY,
    ("POST", "/account/tokens"): EVERYBODY,
}
METHODS: dict[str, tuple[str, ...]] = {}
for _method, _path in TABLE:
    METHODS[ROOT + _path] = (*METHODS.get(ROOT + _path, ()), _method)

SHOWN: dict[str, str] = {
    "/": "/overview",
    "/search": "/objects",
    "/search.json": "/objects",
    "/objects/{object}": _OBJECT,
    "/objects/{object}/relations": f"{_OBJECT}/relations",
    "/objects/{object}/timeline": f"{_OBJECT}/timeline",
    "/objects/{object}/who": f"{_OBJECT}/who",
    "/objects/{object}/raw": f"{_OBJECT}/raw",
    "/objects/{object}/raw.json": f"{_OBJECT}/raw",
    "/objects/{object}/history": f"{_OBJECT}/history",
    "/objects/{object}/copies": f"{_OBJECT}/copies",
    "/release/preview": "/release/preview",
    "/release/preview.json": "/release/preview",
    "/release/preview.stix.json": "/release/reading",
    "/release/matrix": "/release/matrix",
    "/release/matrix.json": "/release/matrix",
    "/release/record": "/release/record",
    "/release/record.json": "/release/record",
    "/partners": "/partners",
    "/partners/{partner}": _PARTNER,
    "/policy": "/policy",
    "/approvals": "/approvals",
    "/approvals/{proposal}": _PROPOSAL,
    "/recalls": "/recalls",
    "/recalls/{recall}": "/recalls/{recall}",
    "/ledger": "/ledger/entries",
    "/ledger/checkpoint.txt": "/ledger/checkpoint",
    "/ledger/entries/{seq}": "/ledger/entries/{seq}",
    "/ledger/entries/{seq}/proof": "/ledger/entries/{seq}/proof",
    "/sources": "/sources",
    "/sources/{source}": _SOURCE,
    "/account": "/account/sessions",
    "/admin/people": "/people",
    "/admin/tokens": "/tokens",
    "/admin/jobs": "/jobs",
    "/admin/audit": "/audit",
    "/admin/audit/report": "/audit/report",
    "/admin/audit/report.json": "/audit/report",
}
"""The operation that shows what a page shows, by the page."""

DONE: dict[str, tuple[str, str]] = {
    "/release/request": ("POST", "/release/requests"),
    "/release/publish": ("POST", "/release/publish"),
    "/release/unpublish": ("POST", "/release/unpublish"),
    "/partners/new": ("POST", "/partners"),
    "/partners/{partner}/edit": ("PATCH", _PARTNER),
    "/partners/{partner}/step": ("POST", f"{_PARTNER}/steps"),
    "/policy/edit": ("PUT", "/policy"),
    "/approvals/{proposal}/approve": ("POST", f"{_PROPOSAL}/approve"),
    "/approvals/{proposal}/reject": ("POST", f"{_PROPOSAL}/reject"),
    "/recalls/new": ("POST", "/recalls"),
    "/ledger/verify": ("POST", "/ledger/verify"),
    "/ledger/sign": ("POST", "/ledger/sign"),
    "/ledger/export": ("POST", "/ledger/export"),
    "/sources/{source}/pause": ("POST", f"{_SOURCE}/pause"),
    "/sources/{source}/resume": ("POST", f"{_SOURCE}/resume"),
    "/sources/{source}/poll": ("POST", f"{_SOURCE}/poll"),
    "/account/sessions": ("DELETE", "/account/sessions/{session}"),
    "/account/looks": ("PUT", "/account/looks"),
    "/admin/people": ("POST", "/people"),
    "/admin/people/reset": ("POST", "/people/{person}/reset"),
    "/admin/people/disable": ("POST", "/people/{person}/disable"),
    "/admin/tokens": ("POST", "/tokens"),
    "/admin/tokens/revoke": ("DELETE", "/tokens/{token}"),
    "/admin/audit/verify": ("POST", "/audit/verify"),
}
"""The operation that does what the form of a page does, by the page."""

_FORM = "It shows a form that is filled in; what it sends is an operation."
_SECRETS = (
    "What an account signs in with is set by its person, at a page: else a token that was stolen became an account."
)
_TABLE = "It is the list of another address, written for a spreadsheet or as a bundle."
LOOKS_APART = {
    **dict.fromkeys(
        (
            "/release/publish", "/release/unpublish", "/partners/new", "/partners/{partner}/edit",
            "/partners/{partner}/step", "/policy/edit", "/recalls/new",
        ),
        _FORM,
    ),
    "/account/factor": _SECRETS,
    "/search.csv": _TABLE,
    "/search.stix.json": _TABLE,
    "/release/record.csv": _TABLE,
}  # fmt: skip
"""Pages that no operation shows, and why."""
ACTS_APART = {
    **dict.fromkeys(("/account/password", "/account/factor", "/account/factor/remove", "/account/codes"), _SECRETS),
    "/sign-out": "A token is revoked; a session ends where it began, at a page.",
}
"""Forms that no operation sends, and why."""
