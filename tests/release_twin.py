"""The slow twin of the release gate: the table of R1 and its neighbours as a person types it from the standards.

It imports nothing of the product, and shares no helper with it. A case is a plain mapping of words; see `FACETS` and
`RECIPIENT` for what each may be. The policy above the floor is POLICY, which permits everything but what it forbids.
"""

from collections.abc import Mapping

Case = Mapping[str, str]

# Who may have what, by whose it is and its TLP: yes, no, or on which condition.
TABLE = {
    ("ours", "clear"): {"own": "yes", "client": "yes", "partner": "yes", "public": "yes"},
    ("ours", "green"): {"own": "yes", "client": "yes", "partner": "yes", "public": "no"},
    ("ours", "amber"): {"own": "yes", "client": "yes", "partner": "yes", "public": "no"},
    ("ours", "amber+strict"): {"own": "yes", "client": "no", "partner": "yes", "public": "no"},
    ("ours", "red"): {"own": "yes", "client": "no", "partner": "no", "public": "no"},
    ("received", "clear"): {"own": "yes", "client": "yes", "partner": "yes", "public": "yes"},
    ("received", "green"): {"own": "yes", "client": "community", "partner": "community", "public": "no"},
    ("received", "amber"): {"own": "yes", "client": "need", "partner": "no", "public": "no"},
    ("received", "amber+strict"): {"own": "yes", "client": "no", "partner": "no", "public": "no"},
    ("received", "red"): {"own": "yes", "client": "no", "partner": "no", "public": "no"},
    ("back", "clear"): {"own": "yes", "client": "yes", "partner": "yes", "public": "yes"},
    ("back", "green"): {"own": "yes", "client": "yes", "partner": "yes", "public": "no"},
    ("back", "amber"): {"own": "yes", "client": "yes", "partner": "yes", "public": "no"},
    ("back", "amber+strict"): {"own": "yes", "client": "yes", "partner": "yes", "public": "no"},
    ("back", "red"): {"own": "yes", "client": "no", "partner": "no", "public": "no"},
}

LEVELS = ("clear", "green", "amber", "amber+strict", "red")

FACETS = {
    "tlp": LEVELS,
    "whose": ("ours", "received", "back"),
    "community": ("none", "in", "out"),
    "groups": ("none", "in", "out", "both"),
    "verified": ("yes", "no"),
    "unsound": ("no", "yes"),
    "exercise": ("no", "yes"),
    "named": ("no", "yes"),
    "embargo": ("none", "over", "now", "ahead"),
    "residency": ("none", "inside", "outside"),
    "iep_dates": ("none", "before", "begins", "within", "ends", "after"),
    "iep_encryption": ("may", "must"),
    "iep_attribution": ("may", "must", "must-not"),
    "iep_notification": ("may", "must-not"),
    "iep_resale": ("may", "must-not"),
    "iep_actions": (
        "none",
        "contact-for-instruction",
        "internally-visible-actions",
        "externally-visible-indirect-actions",
        "externally-visible-direct-actions",
    ),
    "fixed": ("no", "yes"),
}

RECIPIENT = {
    "relation": ("own", "client", "partner", "public"),
    "state": ("planned", "pending", "active", "suspended", "expired", "ended"),
    "max_tlp": LEVELS,
    "cybersecurity": ("no", "yes"),
    "need": ("no", "yes"),
    "agreement": ("none", "before", "begins", "within", "ends", "after"),
    "declared": ("yes", "no", "empty"),
    "transport": ("taxii", "node", "mail"),
    "encrypted": ("no", "yes"),
    "commercial": ("no", "yes"),
}

ACTIONS = ("release", "name-author", "show-personal-data", "disclose-existence", "pass-on")

POLICY = """
@id("twin.all") @title("Everything") permit (principal, action, resource);
@id("twin.none") @title("No action") forbid (principal, action == Action::"pass-on", resource)
when { resource.iep_actions == IepActions::"none" };
@id("twin.contact") @title("Ask first") forbid (principal, action == Action::"disclose-existence", resource)
when { resource.iep_actions == IepActions::"contact-for-instruction" };
@id("twin.internal") @title("Inside") forbid (principal, action == Action::"release", resource)
when { resource.iep_actions == IepActions::"internally-visible-actions" };
@id("twin.indirect") @title("Indirectly") forbid (principal, action == Action::"name-author", resource)
when { resource.iep_actions == IepActions::"externally-visible-indirect-actions" };
@id("twin.notify") @title("Not told") forbid (principal, action == Action::"show-personal-data", resource)
when { resource.iep_notification == IepNotification::"must-not" };
"""


def allowed(case: Case, action: str) -> bool:
    """Whether it may, under POLICY."""
    if not _one(case, action):
        return False
    if action == "release" and case["relation"] != "own":
        if case["iep_attribution"] == "must" and not _one(case, "name-author"):
            return False
        if case["fixed"] == "yes" and not _one(case, "show-personal-data"):
            return False
    return True


def _one(case: Case, action: str) -> bool:
    if case["state"] != "active":
        return False
    if case["agreement"] in ("before", "ends", "after"):
        return False
    if LEVELS.index(case["tlp"]) > LEVELS.index(case["max_tlp"]):
        return False
    if case["exercise"] == "yes":
        return False
    if case["iep_resale"] == "must-not" and case["commercial"] == "yes":
        return False
    if action == "name-author" and case["iep_attribution"] == "must-not":
        return False
    if action == "pass-on":
        if case["tlp"] in ("amber", "amber+strict", "red"):
            return False
        if case["groups"] != "none" or case["residency"] != "none":
            return False
    if case["relation"] != "own" and not _may_leave(case):
        return False
    forbidden = {
        ("none", "pass-on"),
        ("contact-for-instruction", "disclose-existence"),
        ("internally-visible-actions", "release"),
        ("externally-visible-indirect-actions", "name-author"),
    }
    if (case["iep_actions"], action) in forbidden:
        return False
    return not (case["iep_notification"] == "must-not" and action == "show-personal-data")


def _may_leave(case: Case) -> bool:
    cell = TABLE[case["whose"], case["tlp"]][case["relation"]]
    back = case["whose"] == "back"
    if cell == "no":
        return False
    if cell == "need" and case["need"] == "no":
        return False
    if cell == "community" and case["community"] == "none" and case["cybersecurity"] == "no":
        return False
    if case["community"] == "out" and case["tlp"] != "clear" and not back:
        return False
    if case["groups"] in ("out", "both") and not back:
        return False
    if case["verified"] == "no" and not back:
        return False
    if case["unsound"] == "yes" or case["named"] == "yes":
        return False
    if case["embargo"] == "ahead":
        return False
    if case["residency"] != "none":
        inside = case["residency"] == "inside" and case["declared"] == "yes"
        if not inside or case["transport"] != "node":
            return False
    if case["iep_dates"] in ("before", "ends", "after"):
        return False
    return not (case["iep_encryption"] == "must" and case["transport"] != "node" and case["encrypted"] == "no")
