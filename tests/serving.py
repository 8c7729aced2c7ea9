"""A node served inside the test's own process: quick to make, with the real server on a real port of loopback."""

import datetime
import ipaddress
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.postgres import store_address
from tests.wire import Address

from comity.node.access import NewToken
from comity.node.node import Node
from comity.node.settings import Settings
from comity.web.serve import Serving

TAXII = "application/taxii+json;version=2.1"
READY_SECONDS_MAX = 15


@dataclass(frozen=True, slots=True)
class Stand:
    """A served node with a token for each combination of rights, and collections of each kind for the token `some`.

    `some` may read and write `default`, read `ro` and write `wo`, and has no right in `na`; `all` may do everything.
    """

    url: str
    node: Node
    all: NewToken
    some: NewToken
    default: str
    ro: str
    wo: str
    na: str

    @property
    def address(self) -> Address:
        """Host and port."""
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    @property
    def root(self) -> str:
        """The API root."""
        return f"{self.url}/taxii2/root/"

    def collection(self, id: str | None = None) -> str:
        """The address of a collection, of `default` unless another is named."""
        return f"{self.root}collections/{id or self.default}/"

    def ask(
        self, method: str, url: str, *, token: NewToken | None = None, headers: dict[str, str] | None = None, **how: Any
    ) -> requests.Response:
        """The answer to a request with that token, `some` unless another is given, over a connection of its own."""
        bearer = {"Authorization": f"Bearer {(token or self.some).token}", "Accept": TAXII}
        url = url if url.startswith("http") else self.url + url
        with requests.Session() as session:
            session.trust_env = False
            kept = {name: value for name, value in (bearer | (headers or {})).items() if value is not None}
            return session.request(method, url, headers=kept, timeout=60, allow_redirects=False, **how)

    def get(self, url: str, **how: Any) -> requests.Response:
        """The answer to a GET."""
        return self.ask("GET", url, **how)

    def post(self, *objects: dict[str, Any], collection: str | None = None, **how: Any) -> requests.Response:
        """The answer to a POST of an envelope with these objects."""
        how["headers"] = {"Content-Type": TAXII} | how.get("headers", {})
        how.setdefault("data", orjson.dumps({"objects": list(objects)}))
        return self.ask("POST", self.collection(collection) + "objects/", **how)


@contextmanager
def serving(node: Node, **options: Any) -> Iterator[str]:
    """The node is served on a free port until the block ends; the address has no slash at its end."""
    urls: list[str] = []
    ready = threading.Event()

    def on_ready(url: str) -> None:
        urls.append(url.rstrip("/"))
        ready.set()

    server = Serving(node, "127.0.0.1", 0, on_ready=on_ready, **options)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert ready.wait(READY_SECONDS_MAX)
        yield urls[0]
    finally:
        server.stop()
        thread.join()
        logging.getLogger("asyncio").setLevel(logging.NOTSET)


@contextmanager
def standing(
    folder: Path, settings: Settings | None = None, *, kind: str | None = None, **options: Any
) -> Iterator[Stand]:
    """A new node in that folder, furnished and served until the block ends."""
    with Node.open(store_address(folder, kind), name="Test <node>", settings=settings) as node:
        ro, wo, na = (node.add_collection(title).id for title in ("Read <only>", "Write only", "Others"))
        some = node.new_token("some", read=["default", ro], write=["default", wo])
        everything = node.new_token("all", read=["all"], write=["all"])
        default = node.collection("default").id
        with serving(node, **options) as url:
            yield Stand(url, node, everything, some, default, ro, wo, na)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file
