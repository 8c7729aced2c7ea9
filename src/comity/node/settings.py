"""What `comity.toml` may say, and what is wrong with it."""

import re
from dataclasses import dataclass, field, fields
from typing import Any

from comity.interfaces import PAGE_ITEMS_MAX
from comity.stix.spine import type_of_id
from comity.store.address import SQLITE

STORE_FILE = "comity.db"
_PUBLIC_URL = re.compile(r"https?://(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII)


def _setting(default: Any, words: str) -> Any:
    return field(default=default, metadata={"words": words})


@dataclass(frozen=True, slots=True)
class Settings:
    """What `comity.toml` may say; each key has the name of its field, and words for the reference page."""

    name: str = _setting("Comity node", "What this node is called, in TAXII titles and on its pages.")
    store: str = _setting(
        f"{SQLITE}{STORE_FILE}",
        "Where the store is: a file, its path meant from the home, or postgresql://HOST/DATABASE.",
    )
    host: str = _setting("127.0.0.1", "The address that `serve` listens on.")
    port: int = _setting(8470, "The port that `serve` listens on; 0 takes a free one.")
    workers: int = _setting(0, "The processes that answer together, 1 to 64; 0 is one for each core, at most 4.")
    max_content_length: int = _setting(32 * 2**20, "The most bytes of a request body, before and after unpacking.")
    upload_bytes_max: int = _setting(
        64 * 2**20, "The most bytes of the files that a person sends at once, as they come."
    )
    page_items_max: int = _setting(PAGE_ITEMS_MAX, "The most objects of a page, 1 to 1000.")
    tls_cert: str = _setting("", "A PEM file with the certificate chain; with `tls_key` the node speaks HTTPS.")
    tls_key: str = _setting("", "A PEM file with the private key of `tls_cert`.")
    behind_proxy: str = _setting("", "The address of a reverse proxy whose X-Forwarded-For and -Proto are believed.")
    public_url: str = _setting("", "Where persons reach the pages, if not at `host`: https://NAME or http://NAME:PORT.")
    session_idle_minutes: int = _setting(120, "The minutes without a request after which a session ends, 5 to 1440.")
    session_hours: int = _setting(12, "The hours after which a session ends in any case, 1 to 168.")
    page_statement_ms: int = _setting(
        200, "The milliseconds after which a page stops a question to the store, 10 to 60000; 0 for no limit."
    )
    insecure_http: bool = _setting(False, "Plain HTTP on an address other than loopback is meant so.")
    identities: str = _setting("", "The ids of the identity objects that are this organisation, parted by spaces.")
    ledger_beat_seconds: int = _setting(300, "The seconds between two signed checkpoints of the ledger, 1 to 86400.")
    audit_purpose: str = _setting(
        "off", "`asked`: `show`, `search` and `export` of what is restricted want --purpose; `off`: they do not."
    )
    contact: str = _setting("", "A mailto:, tel: or https: address for security.txt and the discovery resource.")

    @property
    def pages_url(self) -> str:
        """Where persons reach the pages, without a slash at the end."""
        scheme = "https" if self.tls_cert else "http"
        return self.public_url or f"{scheme}://{_host(self.host)}:{self.port}"


def _host(address: str) -> str:
    """The address as it stands in a URL; a server that listens on all is reached on the host itself."""
    if address in ("0.0.0.0", "::", ""):  # noqa: S104 - nothing listens here
        return "127.0.0.1"
    return f"[{address}]" if ":" in address else address


def settings_problems(values: dict[str, Any]) -> list[str]:
    """What is wrong with these settings, a sentence each; empty where all is well."""
    known = {f.name: f for f in fields(Settings)}
    problems = [f"`{key}` is no setting." for key in values if key not in known]
    for key, value in values.items():
        if key in known:
            wanted = {"str": str, "int": int, "bool": bool}[getattr(known[key].type, "__name__", str(known[key].type))]
            if type(value) is not wanted:
                problems.append(f"`{key}` must be a {wanted.__name__}, not {value!r}.")
    if problems:
        return problems
    settings = Settings(**values)
    if not 0 <= settings.port <= 65535:
        problems.append("`port` must be 0 to 65535.")
    if not 0 <= settings.workers <= 64:
        problems.append("`workers` must be 0 to 64.")
    if not 1 <= settings.page_items_max <= PAGE_ITEMS_MAX:
        problems.append(f"`page_items_max` must be 1 to {PAGE_ITEMS_MAX}.")
    if not 1024 <= settings.max_content_length <= 2**31:
        problems.append("`max_content_length` must be 1 KiB to 2 GiB, in bytes.")
    if not 1024 <= settings.upload_bytes_max <= 2**31:
        problems.append("`upload_bytes_max` must be 1 KiB to 2 GiB, in bytes.")
    if not 1 <= settings.ledger_beat_seconds <= 86400:
        problems.append("`ledger_beat_seconds` must be 1 to 86400.")
    if settings.page_statement_ms and not 10 <= settings.page_statement_ms <= 60_000:
        problems.append("`page_statement_ms` must be 0, or 10 to 60000.")
    if not 5 <= settings.session_idle_minutes <= 1440:
        problems.append("`session_idle_minutes` must be 5 to 1440.")
    if not 1 <= settings.session_hours <= 168:
        problems.append("`session_hours` must be 1 to 168.")
    if settings.public_url and _PUBLIC_URL.fullmatch(settings.public_url) is None:
        problems.append("`public_url` must be http:// or https:// with a name and perhaps a port, and nothing behind.")
    if bool(settings.tls_cert) != bool(settings.tls_key):
        problems.append("`tls_cert` and `tls_key` go together.")
    if not settings.name.strip() or not settings.name.isprintable() or len(settings.name) > 200:
        problems.append("`name` must be 1 to 200 printable characters.")
    if any(type_of_id(ident) != "identity" for ident in settings.identities.split()):
        problems.append("`identities` must be ids of identity objects, parted by spaces.")
    if settings.audit_purpose not in ("off", "asked"):
        problems.append("`audit_purpose` must be off or asked.")
    if settings.contact and not settings.contact.startswith(("mailto:", "https://", "tel:")):
        problems.append("`contact` must begin with mailto:, https:// or tel:.")
    return problems
