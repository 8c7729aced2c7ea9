"""Answers the operations of the API: for an account, by a session of it or by a token that acts as it, and for nobody
else. Whatever an operation does is done by that account, through the same verbs as pages.

A GET is one hop: who asks, the roles, and what is told are of one state of the store. What changes something has one
hop before its body and one after it, since nobody is let send a body that would be refused. A session says by its
Origin and by X-CSRF that its own page sends the call; a token is sent by no browser of itself.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import msgspec

from comity.errors import AlreadyDone, ComityError, NotAuthorized
from comity.node.bearing import ANSWER_BYTES_MOST
from comity.node.people import Account
from comity.node.uploads import Incoming
from comity.web import door
from comity.web.answer import JSON_TYPE, Answer, packed
from comity.web.api.operation import Ask, Operation
from comity.web.api.reading import (
    body_of,
    check_body,
    check_file,
    check_guard,
    digest_of,
    key_of,
    names_tag,
    query_of,
    tag_of,
)
from comity.web.auth import credential_of, no_credential
from comity.web.bodies import Body, Room
from comity.web.call import Call
from comity.web.problems import MethodNotAllowed

CSRF_HEADER = "X-CSRF"
VARY = ("Vary", "Accept-Encoding, Authorization, Cookie")
Resource = Mapping[str, Operation]
"""The operations of one path, by their methods."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who calls: an account, by the session with that id and secret, or by a token."""

    account: Account
    session: str = ""
    secret: str = ""


class Answering:
    """Answers operations in the pools of the application."""

    def __init__(self, reading: ThreadPoolExecutor, writing: ThreadPoolExecutor, room: Room, uploads: Room) -> None:
        self._reading, self._writing, self._room, self._uploads = reading, writing, room, uploads

    async def answer(self, resource: Resource, call: Call, body: Body, named: Callable[[str], None]) -> Answer:
        """The answer to the call; `named` is told the id of who calls."""
        operation = resource.get("GET" if call.method == "HEAD" else call.method)
        if operation is None:
            raise MethodNotAllowed(", ".join(methods_of(resource)))
        if not operation.changes:
            return await self._in(self._reading, lambda: self._look(operation, call, named))

        def before_body() -> str:
            with call.node.at_one_moment():
                caller = _enter(operation, call, named)
            if operation.body is not None:
                check_body(call)
            if operation.stages:
                check_file(call)
            key_of(call)
            return caller.account.id

        who = await self._in(self._reading, before_body)
        if operation.stages:
            return await self._staged(resource, operation, call, body, who, named)
        if operation.body is None:
            return await self._in(self._writing, lambda: self._change(resource, operation, call, b"", named))
        known = operation.bytes_max if body.announced is None else body.announced
        async with self._room.of(who, min(operation.bytes_max, known)):
            content = await body.read(operation.bytes_max)
            return await self._in(self._writing, lambda: self._change(resource, operation, call, content, named))

    async def _staged(
        self, resource: Resource, operation: Operation, call: Call, body: Body, who: str, named: Callable[[str], None]
    ) -> Answer:
        """The answer to a file, which is put aside as it comes, and is gone with the answer unless it was taken."""
        async with self._uploads.of(who, 1), AsyncExitStack() as stack:

            def begin() -> Incoming:
                caller = _enter(operation, call, named)
                name = query_of(call, operation.query).name
                with call.node.acting_for(caller.account):
                    files = ExitStack()
                    stack.push_async_callback(self._in, self._reading, files.close)
                    incoming = files.enter_context(call.node.incoming())
                incoming.begin(name)
                return incoming

            incoming = await self._in(self._reading, begin)
            async for part in body.parts(call.node.settings.upload_bytes_max):
                await self._in(self._reading, partial(incoming.write, part))
            await self._in(self._reading, incoming.end)
            said = incoming.files[0].digest.encode()
            return await self._in(self._writing, lambda: self._change(resource, operation, call, said, named, incoming))

    def _look(self, operation: Operation, call: Call, named: Callable[[str], None]) -> Answer:
        with call.node.at_one_moment():
            caller = _enter(operation, call, named)
            answer = _run(operation, call, caller, None)
        tag = tag_of(answer.body)
        more: tuple[tuple[str, str], ...] = (VARY,)
        if caller.secret:
            more += ((CSRF_HEADER, door.csrf_of(caller.secret, call.node.entropy)),)
        if names_tag(call.headers.get(b"if-none-match"), tag):
            return Answer(b"", 304, headers=(("ETag", f'"{tag}"'), *more))
        sent = packed(answer, call.headers.get(b"accept-encoding"))
        coding = dict(sent.headers).get("Content-Encoding")
        # Each coding of it is another representation (RFC 9110 section 8.8.3.3).
        tag = f"{tag}-{coding}" if coding else tag
        return replace(sent, headers=(*sent.headers, ("ETag", f'"{tag}"'), *more))

    def _change(
        self,
        resource: Resource,
        operation: Operation,
        call: Call,
        content: bytes,
        named: Callable[[str], None],
        staged: Incoming | None = None,
    ) -> Answer:
        with call.node.at_one_moment():
            caller = _enter(operation, call, named)
            query_of(call, operation.query)
            given = staged if operation.body is None else body_of(content, operation.body)
            if operation.guarded:
                shown = replace(call, method="GET", query_string=b"")
                check_guard(call, tag_of(_run(resource["GET"], shown, caller, None).body))
        key = "" if operation.again else key_of(call)
        if not key:
            answer = _run(operation, call, caller, given)
        else:
            asked = digest_of(operation, call.parameters, call.query_string, content)
            answer = _once(operation, call, caller, given, key, asked)
        sent = packed(answer, call.headers.get(b"accept-encoding"))
        return replace(sent, headers=(*sent.headers, VARY))

    async def _in(self, pool: ThreadPoolExecutor, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, job)


def methods_of(resource: Resource) -> tuple[str, ...]:
    """The methods that it has."""
    found = [one for method in resource for one in ((method, "HEAD") if method == "GET" else (method,))]
    order = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    return tuple(sorted(found, key=order.index))


# -- who calls ---------------------------------------------------------------------------------------------------------
def _enter(operation: Operation, call: Call, named: Callable[[str], None]) -> _Caller:
    """Who calls, and may: Unauthenticated or NotAuthorized otherwise."""
    caller = _by_token(call) if call.headers.all(b"authorization") else _by_session(operation, call)
    account = caller.account
    named(account.id)
    if not account.may(operation.roles):
        words = f"{account.name} is no {' or '.join(sorted(operation.roles))}." if operation.roles else "Nobody may."
        raise NotAuthorized(words, where="roles", hint="An administrator gives roles.")
    return caller


def _by_token(call: Call) -> _Caller:
    call = replace(call, credential=credential_of(call.headers.all(b"authorization")))
    access = call.admit()
    account = call.node.bearer(access)
    if account is None:
        whose = "A token of a partner" if access.recipient else "A token that acts as no account"
        raise NotAuthorized(
            f"{whose} opens nothing here.", where="Authorization", hint="comity token new NAME --account NAME"
        )
    return _Caller(account)


def _by_session(operation: Operation, call: Call) -> _Caller:
    secret = door.secret_of(call)
    if secret is None:
        raise no_credential()
    door.check_host(call)
    session, account = call.node.visitor(secret)
    if not account.password:
        raise NotAuthorized("First set a password of your own.", where="password", hint="Do so at /account.")
    if operation.changes:
        door.check_origin(call)
        door.check_csrf(secret, call.headers.get(CSRF_HEADER.lower().encode()) or "")
    return _Caller(account, session.id, secret)


# -- what is done ------------------------------------------------------------------------------------------------------
def _run(operation: Operation, call: Call, caller: _Caller, given: object) -> Answer:
    query = query_of(call, operation.query)
    ask = Ask(call, caller.account, caller.session, query, given)
    with call.node.acting_for(caller.account), call.node.for_purpose(getattr(query, "purpose", "").strip()):
        found = operation.run(ask)
    if isinstance(found, Answer):
        return found
    status = 202 if operation.waits and found.waits else operation.status
    if getattr(given, "dry_run", False):
        status = 200
    headers: tuple[tuple[str, str], ...] = ()
    if operation.location and status == 201:
        headers = (("Location", location_of(operation, found)),)
    if next := getattr(found, "next", None):
        headers += (("Link", f'<{next}>; rel="next"'),)
    return Answer(msgspec.json.encode(found), status, JSON_TYPE, headers)


def location_of(operation: Operation, found: object) -> str:
    """Where what was made is found."""
    return operation.location.format_map({name: getattr(found, name) for name in type(found).__struct_fields__})  # type: ignore[attr-defined]


def _once(operation: Operation, call: Call, caller: _Caller, given: object, key: str, asked: bytes) -> Answer:
    """The answer to a request with a key, which is done once."""
    node, id = call.node, caller.account.id
    kept = node.begin_answer(id, key, asked)
    if kept is not None:
        if not kept.body:
            raise AlreadyDone("It was done, and what it answered is kept nowhere.", where="Idempotency-Key")
        headers = (("Location", kept.location),) if kept.location else ()
        return Answer(kept.body, kept.status, JSON_TYPE, (*headers, ("Idempotency-Replayed", "true")))
    try:
        answer = _run(operation, call, caller, given)
    except ComityError:
        node.drop_answer(id, key)
        raise
    is_kept = not operation.secret and answer.size <= ANSWER_BYTES_MOST
    location = dict(answer.headers).get("Location", "")
    node.keep_answer(id, key, answer.status, location, answer.body if is_kept else b"")
    return answer
