"""What a handler is given: one request, and the things that outlive it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from comity.errors import Unauthenticated
from comity.node.access import Access, Credential
from comity.node.node import Node
from comity.taxii.cursor import Cursors
from comity.web.answer import Answer
from comity.web.auth import FailureLimit
from comity.web.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Services:
    """What all requests share."""

    node: Node
    cursors: Cursors
    metrics: Metrics
    behind_proxy: str = ""
    failures: FailureLimit | None = None


@dataclass(frozen=True, slots=True)
class Headers:
    """Request headers by their name in small letters, as they came."""

    pairs: list[tuple[bytes, bytes]]

    def all(self, name: bytes) -> list[bytes]:
        """Every header of that name, in order."""
        return [value for key, value in self.pairs if key == name]

    def get(self, name: bytes) -> str | None:
        """The headers of that name joined to one list; None where there is none."""
        found = self.all(name)
        return b", ".join(found).decode("latin-1") if found else None


@dataclass(frozen=True, slots=True)
class Call:
    """One request, its body apart."""

    services: Services
    request_id: str
    method: str
    scheme: str
    path: str
    query_string: bytes
    headers: Headers
    address: str
    credential: Credential | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def node(self) -> Node:
        """The node that is asked."""
        return self.services.node

    @property
    def accept(self) -> str | None:
        """The Accept header."""
        return self.headers.get(b"accept")

    def admit(self) -> Access:
        """The rights of the caller. Unauthenticated where the credential does not hold, or there is none."""
        if self.credential is None:
            raise Unauthenticated("This needs a sign-in.", where="Authorization")
        found = self.node.admit(self.credential)
        # What own staff read is noted with where they are.
        return found if found.recipient else replace(found, address=self.address)


Handler = Callable[[Call, Access], Answer]
BodyHandler = Callable[[Call, Access, bytes], Answer]
