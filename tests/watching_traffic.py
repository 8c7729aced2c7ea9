"""Watches the traffic of a test: what a token that is bound to a partner receives has no trace of TLP:RED (R3, R70).

No policy lets TLP:RED go to a partner, so that this holds in every test, whatever it is about. Objects and tokens are
seen where they come into being: in commands that a test runs, in nodes that it opens, and in what it sends over HTTP.
"""

import json
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from tests.canaries import PUBLIC, leaves, readings, traces

from comity.node.node import Node

RED = (
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
)
"""The definitions of TLP 2.0 and of TLP 1."""

Json = dict[str, Any]


@dataclass(slots=True)
class Traffic:
    """What was given to nodes, which tokens are bound, and what they received."""

    red: list[Json] = field(default_factory=list)
    others: list[bytes] = field(default_factory=list)
    bound: set[str] = field(default_factory=set)
    received: dict[bytes, str] = field(default_factory=dict)

    def came(self, body: bytes | str | None, *, own: bool = False) -> None:
        """Objects were given to a node; by a partner itself with `own`."""
        for value in _objects(body):
            if not own and set(RED) & set(value.get("object_marking_refs", ())):
                self.red.append(value)
            else:
                self.others.append(json.dumps(value, ensure_ascii=False).lower().encode())

    def heard(self, request: requests.PreparedRequest, reply: requests.Response) -> None:
        """An answer came; of a bound token it is kept, of any other what it sent."""
        token = str(request.headers.get("Authorization", "")).removeprefix("Bearer ")
        own = token in self.bound
        if request.method == "POST":
            self.came(request.body if isinstance(request.body, bytes | str) else None, own=own)
        if own:
            head = "\r\n".join(f"{name}: {value}" for name, value in reply.headers.items())
            self.received[head.encode("latin-1", "replace") + b"\r\n\r\n" + reply.content] = (
                f"{request.method} {request.path_url}"
            )

    def leaks(self) -> list[str]:
        """Where a trace of TLP:RED was received that stands in nothing else, and was not asked for by its name."""
        texts = {trace for value in self.red for text in leaves(value) for trace in traces(text)} - PUBLIC
        secret = {trace for trace in texts if not any(trace in other for other in self.others)}
        found = []
        for received, where in self.received.items():
            said = where.lower().encode()
            whole = b"\n".join(readings(received)).lower()
            found += [f"{where}: {trace!r}" for trace in secret if trace in whole and trace not in said]
        return found


def _objects(body: bytes | str | None) -> Iterable[Json]:
    """The objects of a bundle, an envelope, or of what is one itself; none of what cannot be read."""
    try:
        value = json.loads(body or b"")
    except ValueError:
        return
    if isinstance(value, dict):
        objects = value.get("objects", [value])
        yield from (each for each in objects if isinstance(each, dict)) if isinstance(objects, list) else ()


def watch(patch: pytest.MonkeyPatch) -> Traffic:
    """The traffic from now on, until the patch is undone."""
    traffic = Traffic()
    send, run = requests.Session.send, subprocess.run
    receive, new_token = Node.receive, Node.new_token

    def sending(self: requests.Session, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        reply = send(self, request, **how)
        traffic.heard(request, reply)
        return reply

    def running(command: Any, *rest: Any, **how: Any) -> Any:
        words = [str(each) for each in command] if isinstance(command, list | tuple) else []
        if "import" in words:
            traffic.came(how.get("input"))
        done = run(command, *rest, **how)
        if "token" in words and "--partner" in words:
            traffic.bound |= {str(each.get("token", "")) for each in _objects(done.stdout)}
        return done

    def receiving(self: Node, body: bytes, source: str = "local", **how: Any) -> Any:
        traffic.came(body, own=source.startswith("partner "))
        return receive(self, body, source, **how)

    def issuing(self: Node, name: str, **how: Any) -> Any:
        made = new_token(self, name, **how)
        if made.recipient:
            traffic.bound.add(made.token)
        return made

    pairs: tuple[tuple[object, str, Callable[..., Any]], ...] = (
        (requests.Session, "send", sending),
        (subprocess, "run", running),
        (Node, "receive", receiving),
        (Node, "new_token", issuing),
    )
    for owner, name, instead in pairs:
        patch.setattr(owner, name, instead)
    return traffic
