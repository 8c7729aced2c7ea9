"""Pages for persons: who comes is known by the cookie of a session, and by nothing else.

A page is one hop: the session, the roles, and what is looked at are of one state of the store. A form has one hop
before its body and one after it, since nobody is let send a body whose form would be refused.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

from comity.errors import ComityError, NotAuthorized, NotFound, TookTooLong, Unauthenticated
from comity.taxii import media
from comity.web import door, forms
from comity.web.answer import Answer, packed
from comity.web.bodies import Body, Room
from comity.web.call import Call
from comity.web.problems import MethodNotAllowed
from comity.web.ui.errors import error_page, narrower
from comity.web.ui.languages import Words, language_of
from comity.web.ui.visit import Form, OpenPage, Page, Visit, wants_part

HASHING_THREADS = 2
UPLOADS_AT_ONCE = 8
UPLOADS_OF_ONE_AT_ONCE = 2
"""Forms whose files come at once, in all and of one person."""
SIGN_IN, ACCOUNT = "/sign-in", "/account"
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'none'; script-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    ("Content-Security-Policy", CSP),
    # With `no-referrer` a browser says `Origin: null` of the forms of these pages too.
    ("Referrer-Policy", "same-origin"),
    ("Vary", "Accept, Accept-Encoding, Accept-Language, Cookie, HX-Request"),
)

T = TypeVar("T")


class Guest:
    """Who asks for a page: nobody as long as no session is found to hold."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.visit: Visit | None = None
        self.cpu: float | None = None
        """Seconds that the processor worked for the page, once it is made."""


class Visiting:
    """Answers what persons ask for, in the pools of the application, and in one of its own for passwords."""

    def __init__(self, reading: ThreadPoolExecutor, writing: ThreadPoolExecutor, room: Room, uploads: Room) -> None:
        self._reading, self._writing, self._room, self._uploads = reading, writing, room, uploads
        self._hashing = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="hash")

    def close(self) -> None:
        """Running work is finished."""
        self._hashing.shutdown()

    async def open_page(self, page: OpenPage, guest: Guest, body: Body) -> Answer:
        """The answer of a page that is for everybody."""
        call = guest.call
        _check_method(page.methods, call)
        door.check_host(call)
        if call.method == "POST":
            act = page.act
            assert act is not None
            door.check_origin(call)
            forms.check_form(call)
            async with self._room.of(SIGN_IN, page.bytes_max):
                content = await body.read(page.bytes_max)
                form = forms.read_form(call, content, page.fields)
                return await self._in(self._hashing, lambda: _dressed(act(call, form), call))
        look = page.look
        assert look is not None
        return await self._in(self._reading, lambda: _dressed(look(call), call))

    async def page(self, page: Page, guest: Guest, body: Body) -> Answer:
        """The answer of a page, for whoever has a session and one of its roles. Without a session, whoever looks for
        HTML is sent to sign in; Unauthenticated for others."""
        call = guest.call
        _check_method(page.methods, call)
        door.check_host(call)
        try:
            if call.method == "POST":
                return await self._act(page, guest, body)
            return await self._in(self._reading, lambda: self._look(page, guest))
        except _NotReadyError:
            return _dressed(_to(ACCOUNT), call)
        except Unauthenticated:
            # A script is led there as well: at a 401 the browser itself would ask for a name and a password.
            if call.method == "POST" or not (takes_html(call) or wants_part(call)):
                raise
            return _dressed(_to_sign_in(call), call)

    async def nowhere(self, guest: Guest) -> Answer | None:
        """Where there is no such page: None for whoever has no session. NotFound for others."""

        def look() -> bool:
            with guest.call.node.at_one_moment():
                try:
                    self._enter(guest)
                except Unauthenticated:
                    return False
                return True

        if door.secret_of(guest.call) is None or not await self._in(self._reading, look):
            return None
        raise NotFound("There is nothing under this path.", where="path")

    async def error(self, guest: Guest, status: int, title: str, error: ComityError, request_id: str) -> Answer:
        """The page that says what went wrong, in the look of the others as far as that can be made."""

        def made() -> Answer:
            visit = guest.visit
            if visit is None:
                return error_page(None, _words(guest.call), status, title, error, request_id)
            try:
                with visit.node.acting_for(visit.account):
                    return error_page(visit, visit.words, status, title, error, request_id)
            except ComityError:
                return error_page(None, visit.words, status, title, error, request_id)

        return _dressed(await self._in(self._reading, made), guest.call)

    def _look(self, page: Page, guest: Guest) -> Answer:
        assert page.look is not None
        began, node = time.thread_time(), guest.call.node
        statement_ms = 0 if page.is_file else node.settings.page_statement_ms
        try:
            with node.at_one_moment(statement_ms=statement_ms):
                visit = self._enter(guest)
                _check_roles(page, page.looks, visit)
                with visit.node.acting_for(visit.account):
                    return _dressed(page.look(visit), guest.call)
        except TookTooLong as error:
            raise error.of(page.template, narrower(page.template, Words("en"))) from error
        finally:
            guest.cpu = time.thread_time() - began

    async def _act(self, page: Page, guest: Guest, body: Body) -> Answer:
        call, act = guest.call, page.act
        assert act is not None
        door.check_origin(call)
        forms.check_form(call)

        def before_body() -> None:
            with call.node.at_one_moment():
                _check_roles(page, page.acts, self._enter(guest))

        await self._in(self._reading, before_body)

        def run(form: Form) -> Answer:
            visit = self._enter(guest)
            _check_roles(page, page.acts, visit)
            door.check_csrf(door.secret_of(call) or "", form.one(door.CSRF))
            with visit.node.acting_for(visit.account):
                return _dressed(act(visit, form), call)

        who = None if guest.visit is None else guest.visit.account.id
        if page.stages:
            return await self._staged(page, guest, body, who, run)
        known = page.bytes_max if body.announced is None else body.announced
        async with self._room.of(who, min(page.bytes_max, known)):
            content = await body.read(page.bytes_max)
            pool = self._hashing if page.hashes else self._writing
            return await self._in(pool, lambda: run(forms.read_form(call, content, page.fields)))

    async def _staged(
        self, page: Page, guest: Guest, body: Body, who: str | None, run: Callable[[Form], Answer]
    ) -> Answer:
        """The answer to a form whose files are put aside as they come; they are gone with it unless they were taken."""
        call = guest.call
        bytes_max = call.node.settings.upload_bytes_max + page.bytes_max
        async with self._uploads.of(who, 1), AsyncExitStack() as stack:

            def begin() -> forms.StagedForm:
                visit = self._enter(guest)
                with visit.node.acting_for(visit.account):
                    incoming = ExitStack()
                    stack.push_async_callback(self._in, self._reading, incoming.close)
                    return forms.StagedForm(call, page.fields, incoming.enter_context(visit.node.incoming()))

            form = await self._in(self._reading, begin)
            async for part in body.parts(bytes_max):
                await self._in(self._reading, partial(form.feed, part))
            return await self._in(self._writing, lambda: run(form.end()))

    def _enter(self, guest: Guest) -> Visit:
        """Who comes, by the session of the cookie. Unauthenticated where none holds."""
        call = guest.call
        secret = door.secret_of(call)
        if secret is None:
            raise Unauthenticated("This needs a sign-in.", where="session", hint="Sign in at /sign-in.")
        session, account = call.node.visitor(secret)
        guest.visit = Visit(
            call=call,
            account=account,
            session=session.id,
            csrf=door.csrf_of(secret, call.node.entropy),
            words=Words(language_of(account.language, call.headers.get(b"accept-language"))),
            theme=account.theme or "system",
        )
        return guest.visit

    async def _in(self, pool: ThreadPoolExecutor, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, job)


class _NotReadyError(Exception):
    """Whoever looks has no password yet, and is led to where one is set."""


def takes_html(call: Call) -> bool:
    """Whether the answer is read by a person: HTML is named, and nothing else is liked better."""
    accept = call.accept or ""
    if "text/html" not in accept.lower():
        return False
    return media.choose(accept, (media.PROBLEM, media.HTML)) is media.HTML


def _check_roles(page: Page, roles: frozenset[str], visit: Visit) -> None:
    """The person has one of the roles, and a password. Nobody has any of none."""
    if not visit.account.may(roles):
        words = "Nobody may do this."
        if roles:
            who, several = visit.account.name, ", ".join(sorted(roles))
            words = f"{who} is no {several}." if len(roles) == 1 else f"{who} is none of {several}."
        raise NotAuthorized(words, where="roles", hint="An administrator gives roles.")
    if not visit.account.password and not page.unready:
        if visit.call.method == "POST":
            raise NotAuthorized("First set a password of your own.", where="password", hint="Do so at /account.")
        raise _NotReadyError


def _check_method(methods: tuple[str, ...], call: Call) -> None:
    if call.method not in methods:
        raise MethodNotAllowed(", ".join(methods))


def _to(path: str) -> Answer:
    return Answer(b"", status=303, headers=(("Location", path),))


def _to_sign_in(call: Call) -> Answer:
    query = f"?{call.query_string.decode('latin-1')}" if call.query_string else ""
    wanted = door.own_path(call.path + query)
    return _to(SIGN_IN if wanted == "/" else f"{SIGN_IN}?{urlencode({'then': wanted})}")


def _words(call: Call) -> Words:
    return Words(language_of("", call.headers.get(b"accept-language")))


def _dressed(answer: Answer, call: Call) -> Answer:
    """With the headers of a page, as far as it has none of its own, and as the client likes it packed."""
    own = {name.lower() for name, _ in answer.headers}
    more = tuple(pair for pair in _HEADERS if pair[0].lower() not in own)
    return packed(replace(answer, headers=(*answer.headers, *more)), call.headers.get(b"accept-encoding"))
