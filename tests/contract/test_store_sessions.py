"""Sessions, links and counters of codes, as every store keeps them."""

import threading
from dataclasses import replace

from tests.store_world import NOW

from comity.store.interface import Store
from comity.store.sessions import AGENT_CHARACTERS, Link, Session

ONE = Session("one", b"1" * 32, "anna", b"a" * 32, NOW, NOW, NOW + 1000, "192.0.2.7", "a browser")
TWO = replace(ONE, id="two", digest=b"2" * 32, made=NOW + 1, seen=NOW + 1)
OTHER = replace(ONE, id="other", digest=b"3" * 32, account="bert")
LINK = Link(b"l" * 32, "anna", b"a" * 32, "Anna", NOW + 600)


def _put(store: Store, *sessions: Session) -> None:
    with store.write() as tx:
        for each in sessions:
            tx.put_session(each)


def _known(store: Store, *accounts: str) -> list[Session]:
    with store.read() as snapshot:
        return [each for account in accounts for each in snapshot.sessions(account)]


def test_a_session_is_found_by_the_digest_of_its_secret_alone(store: Store) -> None:
    _put(store, ONE, OTHER, TWO)
    with store.read() as snapshot:
        assert snapshot.session(ONE.digest) == ONE
        assert snapshot.session(b"4" * 32) is None
        assert snapshot.sessions("anna") == [TWO, ONE]


def test_of_a_session_only_its_end_changes_and_its_browser_is_cut(store: Store) -> None:
    _put(store, replace(ONE, agent="x" * 999))
    _put(store, replace(ONE, account="bert", ended=NOW + 5))
    assert _known(store, "anna", "bert") == [replace(ONE, agent="x" * AGENT_CHARACTERS, ended=NOW + 5)]


def test_when_a_session_was_seen_never_goes_back(store: Store) -> None:
    _put(store, ONE)
    with store.write() as tx:
        tx.see_sessions({"one": NOW + 9, "nothing": NOW})
    with store.write() as tx:
        tx.see_sessions({"one": NOW + 3})
    assert _known(store, "anna") == [replace(ONE, seen=NOW + 9)]


def test_all_of_an_account_end_but_one_and_its_links_with_them(store: Store) -> None:
    _put(store, ONE, TWO, OTHER)
    with store.write() as tx:
        tx.put_link(LINK)
        assert tx.end_sessions("anna", NOW + 7, but="two") == 1
        assert tx.end_sessions("anna", NOW + 8, but="two") == 0
        assert not tx.use_link(LINK.digest, NOW)
    assert _known(store, "anna", "bert") == [TWO, replace(ONE, ended=NOW + 7), OTHER]


def test_a_link_is_used_once_and_in_time(store: Store) -> None:
    late = replace(LINK, digest=b"m" * 32)
    with store.write() as tx:
        tx.put_link(LINK)
        tx.put_link(late)
    with store.write() as tx:
        assert tx.sign_in_link(LINK.digest) == LINK
        assert not tx.use_link(late.digest, NOW + 600)
        assert not tx.use_link(b"n" * 32, NOW)
        assert tx.use_link(LINK.digest, NOW + 599)
        assert not tx.use_link(LINK.digest, NOW + 599)


def test_of_many_that_use_a_link_at_once_one_has_it(store: Store) -> None:
    with store.write() as tx:
        tx.put_link(LINK)
    won = []

    def use() -> None:
        with store.write() as tx:
            if tx.use_link(LINK.digest, NOW):
                won.append(1)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [1]


def test_a_step_of_time_counts_once_and_never_backwards(store: Store) -> None:
    with store.write() as tx:
        assert tx.last_counter("anna") == -1
        given = [tx.use_counter("anna", step) for step in (5, 5, 4, 6, 5, 7)]
        assert given == [True, False, False, True, False, True]
        assert tx.last_counter("anna") == 7
        assert tx.use_counter("bert", 1)


def test_what_is_over_is_forgotten_and_nothing_else(store: Store) -> None:
    ended = replace(ONE, id="ended", digest=b"5" * 32, ended=NOW + 1)
    idle = replace(ONE, id="idle", digest=b"6" * 32, expires=NOW + 2000)
    kept = replace(TWO, id="kept", digest=b"7" * 32, seen=NOW + 999, expires=NOW + 2000)
    _put(store, ONE, ended, idle, kept)
    with store.write() as tx:
        tx.put_link(LINK)
        assert tx.forget_sessions(NOW + 1000, 500) == 3
        assert tx.sign_in_link(LINK.digest) is None
    assert _known(store, "anna") == [kept]


def test_a_node_that_begins_anew_has_no_session_and_takes_no_code_again(store: Store) -> None:
    _put(store, ONE, OTHER)
    with store.write() as tx:
        tx.put_link(LINK)
        tx.use_counter("anna", 7)
        tx.forget_every_session()
        assert tx.sign_in_link(LINK.digest) is None
        assert tx.last_counter("anna") == 7
    assert _known(store, "anna", "bert") == []
