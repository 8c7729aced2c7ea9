"""What a good engineer would look at first when a node is not well."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import orjson

from comity.errors import ComityError
from comity.interfaces import instant_of, microseconds
from comity.node import recovery, system
from comity.node.deliveries import USUAL_TIMES
from comity.node.guard import doubt_words
from comity.node.home import open_home
from comity.node.jobs import ATTEMPTS_TOLD, PARKED_AT
from comity.node.node import Node
from comity.node.people import ALONE, RECOVERY_DAYS_TOLD
from comity.node.recipients import UNUSED_US
from comity.node.settings import Settings
from comity.node.system import SETTINGS_FILE
from comity.store.address import is_postgres

FREE_BYTES_WANTED = 500 * 2**20
TOKEN_DAYS_WARNED = 14
CERTIFICATE_DAYS_WARNED = 30
BACKUP_DAYS_WARNED = 7
UNUSED_DAYS_WARNED = 14
DAY_US = 24 * 3600 * 1_000_000


class Level(StrEnum):
    """OK: looked at and well. WARN: works, and wants a person. BAD: does not work. BROKEN: evidence does not hold."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how it is, and what to do about it."""

    level: Level
    what: str
    hint: str = ""


def examine(home: Path) -> list[Finding]:
    """Everything looked at, the good included. Nothing is changed, and nothing raises for a node that is not well."""
    try:
        settings = system.load_settings(home)
    except ComityError as error:
        return [Finding(Level.BAD, error.message, error.hint)]
    found = [
        *_settings(home),
        *_files(home),
        *_disk(home, settings),
        *_address(settings),
        *_certificate(home, settings),
    ]
    try:
        with open_home(home) as node:
            found += [
                *_store(node),
                *_ledger(node),
                *_cautions(node),
                *_clock(node),
                *_guard(node),
                *_text(node),
                *_tokens(node),
                *_jobs(node),
            ]
            found += [*_relations(node), *_partners(node), *_backups(node), *_recovery_keys(home), *_people(node)]
            found += [*_waiting(node), *_sources(node), *_classes(node)]
    except ComityError as error:
        found.append(Finding(Level.BAD, error.message, error.hint))
    return found


def rebuild(home: Path) -> list[Finding]:
    """What is made of what else is stored was made anew: the tiles of the ledger."""
    with open_home(home) as node:
        return [Finding(Level.OK, f"The tiles of the ledger were made anew from {node.rebuild_tiles()} entries.")]


def _settings(home: Path) -> list[Finding]:
    problems = system.check_settings(home)
    hint = f"Mend {home / SETTINGS_FILE}."
    return [Finding(Level.BAD, problem, hint) for problem in problems] or [Finding(Level.OK, "The settings hold.")]


def _files(home: Path) -> list[Finding]:
    open_to_others = system.open_to_others(home)
    if not open_to_others:
        return [Finding(Level.OK, "Only the owner can read the home and what is in it.")]
    return [Finding(Level.WARN, f"{path} can be read by others.", f"chmod go-rwx '{path}'") for path in open_to_others]


def _disk(home: Path, settings: Settings) -> list[Finding]:
    if is_postgres(settings.store):
        return []
    free = system.free_bytes(home)
    words = f"{free / 2**30:.1f} GiB are free where the store is."
    if free >= FREE_BYTES_WANTED:
        return [Finding(Level.OK, words)]
    return [Finding(Level.WARN, words, "Make room: a full disk refuses every write.")]


def _address(settings: Settings) -> list[Finding]:
    if settings.insecure_http:
        hint = "Set tls_cert and tls_key, or put a TLS proxy before it and set behind_proxy."
        return [
            Finding(Level.WARN, "Plain HTTP is allowed on any address (insecure_http): secrets pass unhidden.", hint)
        ]
    return []


def _certificate(home: Path, settings: Settings) -> list[Finding]:
    if not settings.tls_cert:
        return []
    try:
        until = system.certificate_until(home / settings.tls_cert)
    except ComityError as error:
        return [Finding(Level.BAD, error.message, error.hint)]
    days = (until - system.SystemClock().now()).days
    words = f"The certificate is valid until {until:%Y-%m-%d}, {days} days."
    level = Level.OK if days >= CERTIFICATE_DAYS_WARNED else Level.WARN if days >= 0 else Level.BAD
    return [Finding(level, words, "" if level is Level.OK else "Renew it and start `serve` again.")]


def _store(node: Node) -> list[Finding]:
    problems = node.check()
    counts = node.counts()
    words = f"The store holds {counts.copies} copies of {counts.objects} objects, and every digest agrees."
    return [
        Finding(Level.BROKEN, problem, "Stop writing to the node and restore the last backup into a new home.")
        for problem in problems
    ] or [Finding(Level.OK, words)]


def _ledger(node: Node) -> list[Finding]:
    signed = node.last_signed()
    if signed is None:
        return [Finding(Level.OK, "The ledger is not signed yet; `serve` and `comity worker` do it on a beat.")]
    size, at, entries = signed
    words = f"The ledger has {entries} entries; {size} of them were signed until {instant_of(at):%Y-%m-%dT%H:%M:%SZ}"
    if size < entries and microseconds(node.clock.now()) - at > DAY_US:
        return [Finding(Level.WARN, f"{words}, more than a day ago.", "Run `serve` or `comity worker`.")]
    return [Finding(Level.OK, f"{words}.")]


def _cautions(node: Node) -> list[Finding]:
    hint = "Set it to on in the server's postgresql.conf, and reload."
    return [Finding(Level.WARN, caution, hint) for caution in node.store.cautions()]


def _guard(node: Node) -> list[Finding]:
    moment = node.guard.look()
    if moment.trusted is None:
        return [Finding(Level.OK, "The clock has not jumped.")]
    return [Finding(Level.WARN, doubt_words(moment), "Set it right, by NTP or by hand, then: comity clock confirm")]


def _clock(node: Node) -> list[Finding]:
    last = node.counts().last_added
    now = microseconds(node.clock.now())
    if last is None or last <= now:
        return [Finding(Level.OK, "The clock is not behind what is stored.")]
    words = f"The newest object was added {instant_of(last):%Y-%m-%dT%H:%M:%SZ}, which this clock says is to come."
    return [
        Finding(Level.WARN, words, "Set the clock right; dates go on rising by a microsecond until it has caught up.")
    ]


def _text(node: Node) -> list[Finding]:
    behind = node.counts().text_behind
    if not behind:
        return [Finding(Level.OK, "Search knows everything that is stored.")]
    return [Finding(Level.OK, f"Search does not know {behind} copies yet; `serve` works them off.")]


def _relations(node: Node) -> list[Finding]:
    behind = node.relations_behind()
    if not behind:
        return [Finding(Level.OK, "What is published refers to, and names, is known.")]
    words = f"What {behind} copies refer to is not looked at yet; those of them that are published wait for it."
    return [Finding(Level.OK, words, "`serve` and `comity worker` work it off.")]


def _partners(node: Node) -> list[Finding]:
    now = microseconds(node.clock.now())
    found, standings = [], node.standings()
    for one, standing in standings:
        if standing.paused_until is not None:
            words = f"Delivery to {one.name} is paused by a cap until {instant_of(standing.paused_until):%F %TZ}."
            hint = f"Ask them why they take so much; comity partner show '{one.name}' has the counts."
            found.append(Finding(Level.WARN, words, hint))
        if standing.unusual:
            words = f"{one.name} takes more than {USUAL_TIMES} times what is usual for it."
            found.append(Finding(Level.WARN, words, f"comity partner show '{one.name}'"))
        if standing.reason == "unused":
            words = f"{one.name} read nothing for {UNUSED_US // DAY_US} days, and is suspended."
            hint = f"comity partner resume '{one.name}', or end it."
            found.append(Finding(Level.WARN, words, hint))
        elif standing.unused_from is not None and standing.unused_from - now <= UNUSED_DAYS_WARNED * DAY_US:
            words = f"{one.name} is suspended on {instant_of(standing.unused_from):%F} unless it reads before."
            found.append(Finding(Level.WARN, words, "Ask them whether they still want what they are given."))
    return found or [Finding(Level.OK, f"Partners and clients: {len(standings)}, none of them at a limit.")]


def _tokens(node: Node) -> list[Finding]:
    now = microseconds(node.clock.now())
    found = []
    valid = [token for token in node.tokens() if token.revoked_at is None and token.expires_at > now]
    for token in valid:
        days = (token.expires_at - now) // DAY_US
        if days < TOKEN_DAYS_WARNED:
            hint = f"Make another, hand it over, then: comity token revoke {token.id}"
            found.append(Finding(Level.WARN, f"The token {token.id} ({token.name}) ends in {days} days.", hint))
    return found or [Finding(Level.OK, f"Valid tokens: {len(valid)}, none near its end.")]


def _jobs(node: Node) -> list[Finding]:
    found, jobs = [], node.jobs()
    for job in jobs:
        if job.last_error and job.attempts >= ATTEMPTS_TOLD:
            due = "and is not tried again" if job.due_at == PARKED_AT else f"next at {instant_of(job.due_at):%F %TZ}"
            words = f"The job {job.kind} {job.key} failed {job.attempts} times, {due}: {job.last_error}"
            found.append(Finding(Level.WARN, words, f"Mend what it says, then: comity source poll {job.key}"))
    return found or [Finding(Level.OK, f"Jobs that wait: {len(jobs)}, none of them failing.")]


def _backups(node: Node) -> list[Finding]:
    verified = recovery.last_verified(node)
    hint = "comity backup FILE --verify, and every day: see contrib/systemd."
    if recovery.public_half(node) is None:
        hint = f"comity recovery-key new KEYFILE, then {hint}"
    if verified is None:
        if not node.counts().copies:
            return [Finding(Level.OK, "There is nothing to back up yet.")]
        return [Finding(Level.WARN, "No backup of this node was ever verified.", hint)]
    age = microseconds(node.clock.now()) - verified
    words = f"The last verified backup was made on {instant_of(verified):%Y-%m-%dT%H:%M:%SZ}"
    if age <= BACKUP_DAYS_WARNED * DAY_US:
        return [Finding(Level.OK, f"{words}.")]
    return [Finding(Level.WARN, f"{words}, {age // DAY_US} days ago.", hint)]


def _recovery_keys(home: Path) -> list[Finding]:
    hint = "Take it away: to two places off this machine that others cannot reach."
    return [
        Finding(Level.WARN, f"{path} holds the private half of a recovery key.", hint)
        for path in recovery.keys_near(home)
    ] or [Finding(Level.OK, "No private half of a recovery key is in or beside the home.")]


def _people(node: Node) -> list[Finding]:
    hint = "comity user add NAME --role admin, then another with --role approver."
    watched = node.is_watched()
    words = "A second person looks at what widens."
    found = [Finding(Level.OK, words) if watched else Finding(Level.OK, ALONE, hint)]
    since = microseconds(node.clock.now()) - RECOVERY_DAYS_TOLD * DAY_US
    for row in node.self_grants(since):
        what = orjson.loads(row.what)
        words = (
            f"{instant_of(row.at):%F %TZ}: an administrator made {what['name']} for themselves, which reads content."
        )
        found.append(Finding(Level.WARN, words, "Make sure that others know of it: comity audit log"))
    for one in node.users():
        if one.recovered_at is not None and one.recovered_at > since:
            at = f"{instant_of(one.recovered_at):%F %TZ}"
            words = f"The account {one.name} was recovered on the host at {at}: {one.recovered_why}"
            found.append(Finding(Level.WARN, words, f"Make sure that {one.person} knows of it."))
    return found


def _waiting(node: Node) -> list[Finding]:
    found = []
    for one in node.waiting():
        words = (
            f"To {one.change.words}, asked for by {one.asked_name}, waits until {instant_of(one.expires_at):%F %TZ}."
        )
        found.append(Finding(Level.WARN, words, f"comity approvals, then: comity approve {one.id} --as NAME"))
    return found or [Finding(Level.OK, "Nothing waits for a second person.")]


def _sources(node: Node) -> list[Finding]:
    return [
        Finding(
            Level.WARN, f"{name} is paused: {words}.", f"Look at what it sends, then: comity source resume '{name}'"
        )
        for name, words in node.paused_sources().items()
    ] or [Finding(Level.OK, "No source is paused.")]


def _classes(node: Node) -> list[Finding]:
    awaits, stands = node.unsettled()
    found = []
    if awaits:
        words = f"{awaits} copies are served to nobody before it is found out what they count as."
        found.append(Finding(Level.OK, words, "`serve` and `comity worker` work it off."))
    if stands:
        words = f"{stands} copies stand between two classes, since what they count as by now may be looser."
        found.append(Finding(Level.WARN, words, "comity reclassify --dry-run lists them."))
    return found or [Finding(Level.OK, "What is published counts as what it is.")]
