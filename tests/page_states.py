"""Each screen of `tests.screens` with the states in which a browser opens it: full, empty, asked what cannot be, and
refused. What a reader must see there is said once, in English, and looked up in the catalogue for other languages."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.page_homes import AUDRA, RECALLED, RITA, SARI
from tests.screens import EVERYBODY, READERS, TABLE

from comity.web.ui.languages import catalogue


@dataclass(frozen=True, slots=True)
class Screen:
    """What stands on a screen: its heading, something of the world; in which state it is empty, and what is said then;
    the end of an address that asks for what cannot be, with the status and the heading of the answer."""

    heading: str
    world: tuple[str, ...] = ()
    query: str = ""
    empty: tuple[str, ...] = ()
    empty_query: str = ""
    wrong: str = ""
    wrong_status: int = 400
    wrong_heading: str = ""
    full_heading: str = ""
    path: str = ""
    """Where it is opened, of an object that it is for; as the screen is called where that is empty."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A screen in one state: in which world, at which address, for whom, with which status, and what must be seen.
    `by` is empty where nobody is signed in."""

    template: str
    state: str
    world: str
    path: str
    by: str
    status: int
    texts: tuple[str, ...]
    said: tuple[str, ...] = field(default=())
    """Texts of others, which are the same in every language."""

    def seen(self, language: str) -> tuple[str, ...]:
        """What must be seen in that language."""
        words = catalogue(language)
        return tuple(words.get(text, text) for text in self.texts) + self.said


NOT_HERE, NOT_YOURS, TAKEN = "Not found", "Not allowed", "This cannot be taken"
_OBJECT = Screen("", ("Kancil",), wrong="x", wrong_status=404, wrong_heading=NOT_HERE)

SCREENS: dict[str, Screen] = {
    "/": Screen("Overview", ("CERT-B", "feed"), empty=("No object yet", "No partner yet")),
    "/search": Screen(
        "Search", ("Kancil at work",), "?q=kancil&type=report", ("No object yet",), wrong="?q=kancil&limit=none"
    ),
    "/searches": Screen("Saved searches", ("watched",), empty=("No saved search yet",)),
    "/import": Screen("Import", ("feed",), empty=("No upload waits.",)),
    "/import/{upload}": Screen("", ("sent.json",), wrong="none", wrong_status=404, wrong_heading=NOT_HERE),
    "/drafts": Screen("Your drafts", ("Begun",), empty=("No draft",)),
    "/drafts/{draft}": Screen("", ("Begun",), wrong="none", wrong_status=404, wrong_heading=NOT_HERE),
    "/objects/new": Screen("New object"),
    "/objects/new/{type}": Screen("New object", wrong="none", wrong_status=404, wrong_heading=NOT_HERE),
    "/objects/{object}/edit": Screen("", ("C2 3",), path="/objects/{indicator}/edit"),
    "/objects/{object}/attachment": Screen("", ("application/x-msdownload",), path="/objects/{artifact}/attachment"),
    "/bulk": Screen(
        "Withdraw", ("Kancil",), "?q=kancil", ("Nothing of that is to be done.",), "?q=kancil", "?act=dance", 422, TAKEN
    ),
    "/batches": Screen("Many at once", (SARI,), empty=("Nothing was done to many objects at once.",)),
    "/batches/{batch}": Screen("", (SARI,), wrong="none", wrong_status=404, wrong_heading=NOT_HERE),
    "/keys": Screen("Keys"),
    "/objects/{object}": _OBJECT,
    "/objects/{object}/relations": _OBJECT,
    "/objects/{object}/timeline": _OBJECT,
    "/objects/{object}/who": _OBJECT,
    "/objects/{object}/raw": _OBJECT,
    "/objects/{object}/history": _OBJECT,
    "/objects/{object}/copies": _OBJECT,
    "/release/preview": Screen(
        "What would they get?",
        ("Kancil",),
        "?to=CERT-B&types=malware",
        ("No partners yet.",),
        wrong="?to=nobody",
        wrong_status=404,
    ),
    "/release/publish": Screen(
        "Publish", (), "?all=yes", ("Nothing of that is to be done.",), "?all=yes", "?until=x", 422
    ),
    "/release/unpublish": Screen(
        "Unpublish", (), "?types=malware", ("Nothing of that is to be done.",), "?all=yes", "?until=x", 422
    ),
    "/release/matrix": Screen(
        "Who gets what", ("CERT-B", "CERT-C"), "", ("No partners yet.",), "", "?to=nobody", 404, NOT_HERE
    ),
    "/release/record": Screen(
        "What left",
        ("CERT-B",),
        "?object=" + RECALLED,
        ("Choose a partner or an object.",),
        wrong="?to=nobody",
        wrong_status=404,
        full_heading="Who has it",
    ),
    "/partners": Screen("Partners and clients", ("CERT-B", "CERT-C", "CERT-D"), empty=("No partners yet.",)),
    "/partners/new": Screen("Add a partner"),
    "/partners/{partner}": Screen("", ("CERT-B",), wrong="nobody", wrong_status=404, wrong_heading=NOT_HERE),
    "/partners/{partner}/edit": Screen("", ("CERT-B",), wrong="nobody", wrong_status=404, wrong_heading=NOT_HERE),
    "/partners/{partner}/step": Screen("", ("CERT-B",), "?step=pause", wrong="?step=dance", wrong_status=422),
    "/policy": Screen(
        "", ("ours",), empty=("It has no rule, so nothing leaves.",), wrong="?version=x", wrong_status=404
    ),
    "/policy/edit": Screen("Write a policy", (), wrong="?starter=none", wrong_status=404, wrong_heading=NOT_HERE),
    "/approvals": Screen("What waits for a second person", ("CERT-D",), empty=("Nothing waits.",)),
    "/approvals/{proposal}": Screen("", ("CERT-D",), wrong="none", wrong_status=404, wrong_heading=NOT_HERE),
    "/recalls": Screen("Recalls", (), empty=("Nothing was ever taken back.",)),
    "/recalls/new": Screen("Take something back", (), "?what=" + RECALLED),
    "/recalls/{recall}": Screen("", ("CERT-B",), wrong="none", wrong_status=404, wrong_heading=NOT_HERE),
    "/ledger": Screen("Ledger", wrong="?before=x", wrong_status=422),
    "/ledger/entries/{seq}": Screen("", (), wrong="99999", wrong_status=404, wrong_heading=NOT_HERE),
    "/sources": Screen("Sources", ("feed", "local")),
    "/sources/{source}": Screen("", ("feed",), wrong="none", wrong_status=404, wrong_heading=NOT_HERE),
    "/account": Screen("Your account", (SARI,)),
    "/account/factor": Screen("Set up a second factor"),
    "/admin/people": Screen("People", (RITA, AUDRA)),
    "/admin/tokens": Screen("Tokens", ("made",), empty=("No tokens yet.",)),
    "/admin/jobs": Screen("Jobs", empty=("Nothing is to be done.",)),
    "/admin/audit": Screen("Audit log", (SARI,), wrong="?since=x", wrong_status=422),
    "/admin/audit/report": Screen("Report for auditors", ("CERT-B",), wrong="?from=x", wrong_status=422),
}
FILES = {
    "/search.json": "application/json",
    "/search.csv": "text/csv",
    "/search.stix.json": "application/stix+json",
    "/objects/{object}/raw.json": "application/stix+json",
    "/objects/{object}/relations.json": "application/json",
    "/objects/{object}/attachment.bin": "application/octet-stream",
    "/release/preview.json": "application/json",
    "/release/preview.stix.json": "application/stix+json",
    "/release/matrix.json": "application/json",
    "/release/record.json": "application/json",
    "/release/record.csv": "text/csv",
    "/ledger/checkpoint.txt": "text/plain",
    "/ledger/entries/{seq}/proof": "text/plain",
    "/admin/audit/report.json": "application/json",
}
"""What is no screen but a file for programs, and of what kind."""


DOOR = {"/sign-in": "Sign in", "/sign-in/link/none": "Sign in by this link"}
"""What everybody may open, with its heading."""


FURTHER: tuple[tuple[str, str, str], ...] = (
    ("/bulk", "?act=withdraw&part=copies", "All copies"),
    ("/bulk", "?act=mark&level=green&part=becomes:failed:says-more", "would be passed over"),
)
"""Other pages at the address of a screen: the address, what it asks for, and what is seen there."""


def openings() -> Iterator[Opening]:
    """Every screen in every state that it has."""
    for path, query, text in FURTHER:
        yield Opening(path, "full", "full", path + query, SARI, 200, (text,))
    for path, heading in DOOR.items():
        yield Opening(path, "full", "full", path, "", 200, (heading,))
    for template, screen in SCREENS.items():
        texts = (screen.heading,) if screen.heading else ()
        there: tuple[str, ...] = (screen.full_heading,) if screen.full_heading else texts
        path = screen.path or template
        yield Opening(template, "full", "full", path + screen.query, SARI, 200, there, screen.world)
        if "{" not in template:
            yield Opening(template, "empty", "empty", template + screen.empty_query, SARI, 200, (*texts, *screen.empty))
        if screen.wrong:
            said = (screen.wrong_heading,) if screen.wrong_heading else texts
            yield Opening(template, "error", "full", _wrong(template, screen), SARI, screen.wrong_status, said)
        looks, _ = TABLE[template]
        if looks != EVERYBODY:
            by = AUDRA if looks >= READERS or "auditor" not in looks else RITA
            yield Opening(template, "refused", "full", path, by, 403, (NOT_YOURS,))


def _wrong(template: str, screen: Screen) -> str:
    if screen.wrong.startswith("?"):
        return template + screen.wrong
    begin, _, rest = template.partition("{")
    return begin + screen.wrong + rest.partition("}")[2]
