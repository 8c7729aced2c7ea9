"""The ASGI application: every request in, one answer out, whatever happens between."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TypeVar

from starlette.types import Receive, Scope, Send

from comity.errors import ComityError, NotAcceptable, NotFound, Unauthenticated
from comity.node.access import Access
from comity.node.node import Node
from comity.taxii import media
from comity.taxii.cursor import Cursors
from comity.web import door, logs, problems, routes
from comity.web.answer import Answer, packed
from comity.web.api.answering import Answering, Resource
from comity.web.auth import (
    FORWARDING_HEADERS,
    LOOPBACK_NAMES,
    WINDOW_SECONDS,
    FailureLimit,
    caller_address,
    credential_of,
    is_loopback,
    no_credential,
    same_address,
)
from comity.web.bodies import Body, ClientGoneError, Room
from comity.web.call import Call, Headers, Services
from comity.web.metrics import Metrics
from comity.web.problems import MethodNotAllowed
from comity.web.protocol import GONE
from comity.web.routes import Post, Route, Rule
from comity.web.visiting import UPLOADS_AT_ONCE, UPLOADS_OF_ONE_AT_ONCE, Guest, Visiting, takes_html

READING_THREADS = 2
WRITING_THREADS = 1
"""One thread that judges would keep another, which holds the store's lock, from going on: the interpreter changes hands
only every 5 ms. More writers at once are more processes."""
BODIES_AT_ONCE = 8
BODIES_OF_ONE_AT_ONCE = 2
"""Bodies of the greatest size that are in memory at once, in all and of one token; of small ones there may be more."""
ANSWER_BYTES_RESERVED = 16 * 2**20
ANSWERS_AT_ONCE = 16
ANSWERS_OF_ONE_AT_ONCE = 4
"""Answers are given so much room until their size is known, and are held until the client has read them: in all, and of
one credential."""
EVEN_SECONDS = 0.004
"""What a partner asks of objects that it names is answered at a multiple of this after it asked: to look for an object
that is withheld takes some microseconds longer than for one that is not there, and whoever asks often could tell (R67).
It is a few times what such an answer takes."""
BEAT_THREADS = 8
"""They only sleep. The timers of an event loop count whole milliseconds from where they are set, and so would keep the
difference that a beat is there to hide."""
OF_PAGES = frozenset({b"limit", b"next", b"added_after"})
UNKNOWN = "(none)"
"""What logs and metrics call the route of a path that has none."""
LOOPBACK = Access(None, "loopback", "local", frozenset({"*"}), frozenset())
"""The rights of a supervisor on the same host, for the few routes that let him in."""

_SECURITY = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
    ("Vary", "Accept, Accept-Encoding, Authorization"),
)

T = TypeVar("T")


@dataclass(slots=True)
class _Line:
    """What the log will say of a request, and what it holds until its answer is sent."""

    route: str = UNKNOWN
    token: str | None = None
    address: str = ""
    even: bool = False
    gone: Callable[[], bool] = lambda: False
    guest: Guest | None = None
    held: AsyncExitStack = field(default_factory=AsyncExitStack)


class App:
    """Serves one node. Everything that touches the node runs in two small pools of threads, one hop a request."""

    def __init__(self, node: Node, *, behind_proxy: str = "", even_seconds: float | None = None) -> None:
        self._even_seconds = EVEN_SECONDS if even_seconds is None else even_seconds
        metrics = Metrics(node)
        self._failures = FailureLimit(time.monotonic, lambda counts: node.share_failures(counts, WINDOW_SECONDS))
        self.services = Services(node, Cursors(node.cursor_key()), metrics, behind_proxy, self._failures)
        self._reading = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="read")
        self._writing = ThreadPoolExecutor(WRITING_THREADS, thread_name_prefix="write")
        self._beats = ThreadPoolExecutor(BEAT_THREADS, thread_name_prefix="beat")
        body_bytes = node.settings.max_content_length
        self._room = Room(BODIES_AT_ONCE * body_bytes, of_one_max=BODIES_OF_ONE_AT_ONCE * body_bytes)
        uploads = Room(UPLOADS_AT_ONCE, of_one_max=UPLOADS_OF_ONE_AT_ONCE)
        self._visiting = Visiting(self._reading, self._writing, self._room, uploads)
        self._answering = Answering(self._reading, self._writing, self._room, uploads)
        self._answers = Room(
            ANSWERS_AT_ONCE * ANSWER_BYTES_RESERVED, of_one_max=ANSWERS_OF_ONE_AT_ONCE * ANSWER_BYTES_RESERVED
        )

    def close(self) -> None:
        """Running work is finished; no request can be answered any more."""
        self._failures.close()
        self._reading.shutdown()
        self._writing.shutdown()
        self._visiting.close()
        self._beats.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request is answered and logged."""
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served")
        started = time.perf_counter()
        request_id = self.services.node.entropy.token_bytes(8).hex()
        headers = Headers(scope["headers"])
        body = _body_of(headers, receive)
        line = _Line(gone=scope.get(GONE, lambda: False))
        async with AsyncExitStack() as line.held:
            try:
                answer = await self._answer(scope, headers, body, request_id, line)
                close = await self._settle(body, headers)
                if line.even:
                    await self._in(self._beats, lambda: self._rest(started))
            except ClientGoneError:
                logs.access(request_id, line.route, scope["method"], 499, started, 0, line.token, line.address)
                return
            sent = await _send(send, scope["method"], answer, request_id, close=close)
        self.services.metrics.answered(line.route, scope["method"], answer.status, time.perf_counter() - started)
        cpu = None if line.guest is None else line.guest.cpu
        logs.access(
            request_id, line.route, scope["method"], answer.status, started, sent, line.token, line.address, cpu
        )

    async def _answer(self, scope: Scope, headers: Headers, body: Body, request_id: str, line: _Line) -> Answer:
        style = problems.style_of(scope["path"], headers.get(b"accept"))
        try:
            return await self._run(scope, headers, body, request_id, line)
        except ComityError as error:
            self.services.metrics.refused(error.code)
            return await self._told(error, style, request_id, line)
        except ClientGoneError:
            raise
        except Exception:
            logs.bug(request_id, line.route)
            self.services.metrics.refused("bug")
            return problems.bug_answer(style, request_id)

    async def _told(self, error: ComityError, style: str, request_id: str, line: _Line) -> Answer:
        """The error as whoever asked reads it."""
        if line.guest is None or not takes_html(line.guest.call):
            return problems.answer_of(error, style, request_id)
        try:
            status, title = problems.status_of(error)
            answer = await self._visiting.error(line.guest, status, title, error, request_id)
        except Exception:
            logs.bug(request_id, line.route)
            return problems.answer_of(error, style, request_id)
        headers = problems.challenge_of(error, problems.headers_of(error))
        return replace(answer, headers=(*answer.headers, *headers))

    async def _run(self, scope: Scope, headers: Headers, body: Body, request_id: str, line: _Line) -> Answer:
        found = routes.find(scope["path"])
        route, parameters = found or (None, {})
        if route is not None:
            line.route = route.template
        peer = (scope.get("client") or ("",))[0]
        forwarded = headers.all(b"x-forwarded-for")
        line.address = caller_address(peer, forwarded, self.services.behind_proxy)
        call = Call(
            services=self.services,
            request_id=request_id,
            method=scope["method"],
            scheme=_scheme(scope, headers, self.services.behind_proxy, peer),
            path=scope["path"],
            query_string=scope["query_string"],
            headers=headers,
            address=line.address,
            parameters=parameters,
        )
        if route is not None and route.public is not None:
            _check_method(route, call.method)
            return route.public(call)
        if route is not None and route.open is not None:
            line.guest = Guest(call)
            return await self._visiting.open_page(route.open, line.guest, body)
        if route is not None and route.api is not None:
            return await self._operated(call, route.api, body, line)
        if (route is None or route.page is not None) and not (
            call.headers.all(b"authorization") and (route is None or route.get is not None)
        ):
            answer = await self._visited(call, route, body, line)
            if answer is not None:
                return answer
        return await self._run_signed_in(call, route, body, line, peer)

    async def _visited(self, call: Call, route: Route | None, body: Body, line: _Line) -> Answer | None:
        """The answer to a person; None where it is for nobody who has no token."""
        guest = Guest(call)
        try:
            if route is None:
                return await self._visiting.nowhere(guest)
            line.guest = guest
            if route.get is not None and door.secret_of(call) is None and not takes_html(call):
                line.guest = None
                return None
            assert route.page is not None
            return await self._visiting.page(route.page, guest, body)
        finally:
            if guest.visit is not None:
                line.guest = guest
                line.token = guest.visit.account.id

    async def _run_signed_in(self, call: Call, route: Route | None, body: Body, line: _Line, peer: str) -> Answer:
        try:
            credential = credential_of(call.headers.all(b"authorization"))
            if credential is None:
                if route is None or route.rule is not Rule.LOOPBACK or not self._is_loopback(call, peer):
                    raise no_credential()
            else:
                call = replace(call, credential=credential)
            return await self._admitted(call, route, body, line)
        except Unauthenticated as error:
            self._count_failure(call, error)
            raise

    async def _operated(self, call: Call, resource: Resource, body: Body, line: _Line) -> Answer:
        """The answer of the API, in the words that programs read."""

        def named(account: str) -> None:
            line.token = account

        try:
            return await self._answering.answer(resource, call, body, named)
        except Unauthenticated as error:
            self._count_failure(call, error)
            raise

    def _count_failure(self, call: Call, error: Unauthenticated) -> None:
        if not call.headers.all(b"authorization"):
            return
        self.services.metrics.sign_in_failed()
        limited = self._failures.failed(call.address)
        if limited is not None:
            raise limited from error

    async def _admitted(self, call: Call, route: Route | None, body: Body, line: _Line) -> Answer:
        """All of it in one hop, the sign-in too; but a POST has one hop before its body and one after it, since nobody
        is let send a body who could not have it stored."""

        def admit() -> Access:
            access = LOOPBACK if call.credential is None else call.admit()
            line.token = access.token
            line.even = bool(access.recipient and self._even_seconds and _may_name_objects(call))
            return access

        def before() -> Access:
            access = admit()
            _check(route, call)
            return access

        if route is not None and route.post is not None and call.method == "POST":
            post: Post = route.post
            bytes_max = call.node.settings.max_content_length

            def before_body() -> None:
                with call.node.at_one_moment():
                    post.before(call, before())
                media.check_content_type(call.headers.get(b"content-type"))
                media.content_coding(call.headers.get(b"content-encoding"))

            await self._in(self._reading, before_body)
            known = body.announced if call.headers.get(b"content-encoding") is None else None
            async with self._room.of(line.token, min(bytes_max, known if known is not None else bytes_max)):
                content = await body.read(bytes_max)
                return await self._in(self._writing, lambda: post.run(call, admit(), content))

        def run() -> Answer:
            access = before()
            assert route is not None
            handler = route.delete if call.method == "DELETE" else route.get
            assert handler is not None
            return packed(handler(call, access), call.headers.get(b"accept-encoding"))

        def read() -> Answer:
            with call.node.at_one_moment():
                return run()

        if call.method == "DELETE":
            return await self._in(self._writing, run)
        client = None if call.credential is None else call.credential.id
        held = await line.held.enter_async_context(self._answers.of(client, ANSWER_BYTES_RESERVED))
        # Whoever has asked for much and went away while others were served is not worked for.
        if line.gone():
            raise ClientGoneError
        answer = await self._in(self._reading, read)
        await held.becomes(answer.size)
        return answer

    async def _in(self, pool: ThreadPoolExecutor, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, job)

    def _rest(self, started: float) -> None:
        time.sleep(-(time.perf_counter() - started) % self._even_seconds)

    def _is_loopback(self, call: Call, peer: str) -> bool:
        """Whether a process on this host asks for itself: not for another, nor as a page under a strange name."""
        if not is_loopback(peer) or same_address(peer, self.services.behind_proxy):
            return False
        if any(call.headers.all(name) for name in FORWARDING_HEADERS):
            return False
        host = call.headers.get(b"host") or ""
        name = host if host.endswith("]") else host.rsplit(":", 1)[0]
        return name.lower() in LOOPBACK_NAMES

    async def _settle(self, body: Body, headers: Headers) -> bool:
        """What is left of the body was read off, so that the answer arrives; True where the connection must end."""
        if body.ended:
            return False
        if headers.get(b"expect") is None:
            await body.drain(2 * self.services.node.settings.max_content_length)
        return not body.ended


def make_app(node: Node, *, behind_proxy: str = "") -> App:
    """An application that serves the node; whoever made it closes it."""
    return App(node, behind_proxy=behind_proxy)


def _check(route: Route | None, call: Call) -> None:
    """There is such a route, it has the method, and it can be answered as the caller likes it."""
    if route is None:
        raise NotFound("There is nothing under this path.", where="path")
    _check_method(route, call.method)
    if route.taxii and media.choose(call.accept, (media.TAXII,)) is None:
        hint = f"Send Accept: {media.TAXII.type}/{media.TAXII.subtype};version=2.1"
        raise NotAcceptable("Only TAXII 2.1 is spoken here.", where="Accept", rule="TAXII 2.1 section 3.1", hint=hint)


def _may_name_objects(call: Call) -> bool:
    if call.method == "POST":
        return False
    # Positions, dates and sizes of pages are those of the partner's own view, and are found without a look at others.
    names = {part.partition(b"=")[0] for part in call.query_string.split(b"&") if part}
    return "object" in call.parameters or not names <= OF_PAGES


def _check_method(route: Route, method: str) -> None:
    if method not in route.methods:
        raise MethodNotAllowed(", ".join(route.methods))


def _body_of(headers: Headers, receive: Receive) -> Body:
    length = headers.get(b"content-length")
    if headers.get(b"transfer-encoding") is not None:
        return Body(receive, announced=None, expected=True)
    announced = int(length) if length is not None and length.isdecimal() else None
    return Body(receive, announced=announced, expected=length is not None and announced != 0)


def _scheme(scope: Scope, headers: Headers, behind_proxy: str, peer: str) -> str:
    """`https` also where the proxy says that it was."""
    if behind_proxy and same_address(peer, behind_proxy) and headers.get(b"x-forwarded-proto") == "https":
        return "https"
    scheme: str = scope["scheme"]
    return scheme


async def _send(send: Send, method: str, answer: Answer, request_id: str, *, close: bool) -> int:
    own = {name for name, _ in answer.headers}
    security = [pair for pair in _SECURITY if pair[0] not in own]
    pairs = [*answer.headers, *security, ("X-Request-Id", request_id), ("Content-Length", str(answer.size))]
    if answer.size:
        pairs.append(("Content-Type", answer.media_type))
    if close:
        pairs.append(("Connection", "close"))
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    if method == "HEAD":
        await send({"type": "http.response.body", "body": b""})
        return 0
    for piece in (answer.head, answer.body):
        if piece:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": answer.tail})
    return answer.size
