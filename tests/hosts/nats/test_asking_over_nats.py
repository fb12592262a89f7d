"""Acting over a real nats-server: what is asked is done there once, and by whom it may be asked the server says."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.asks import END_NOT_KNOWN, PLANNED, UNNAMED, Ask, Operation, Role
from lockdeck.backend.hosts.conversation import CannotAskError, Conversation
from lockdeck.backend.hosts.nats.address import FleetHostAddress, fleet_address
from tests.hosts.nats.fleet import TellingHost, patient, telling
from tests.hosts.nats.secured import SecuredServer
from tests.hosts.nats.server import cluster_of, serving
from tests.unit.fleetdir import PAST, dead_pid, environment, payload

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def journal(tmp_path):
    return Journal(str(tmp_path / "deck" / "journal.jsonl"))


@pytest.fixture
def operated(server, tmp_path):
    """A host that lets itself be asked."""
    return TellingHost(tmp_path / "operated", "alpha", server.url, role="operator")


def leave_dead(host, key="agent:main:dead"):
    lock = host.fleet.session(key)
    lock.write_text(payload(dead_pid(), PAST))
    return lock


class Talk:
    """A conversation with a host of a fleet, and what it told on the way."""

    def __init__(self, url, journal, who="ann", role=Role.OPERATOR, name="alpha"):
        self.told, self._news = [], threading.Condition()
        self._calls = {}
        address = FleetHostAddress(fleet_address(url, "main"), name, who, role)
        self._talk = Conversation(address, journal, f"{who} on deck", self._tell)

    def at(self, words, call):
        """Call something once when a sentence comes."""
        self._calls[words] = call

    def ask(self, op, target="", **facts):
        return self._talk.ask(Ask(UNNAMED, op, str(target), **facts))

    def release(self, lock, watch_s=0.0):
        plan = self.ask(Operation.PLAN_RELEASE, lock)
        assert (plan.status, plan.body["allowed"]) == (PLANNED, True)
        facts = {"release_id": plan.body["releaseId"], "evidence": tuple(plan.body["evidence"])}
        return self.ask(Operation.RELEASE, lock, watch_s=watch_s, **facts)

    def _tell(self, sentence):
        self.told.append(sentence)
        for words in [words for words in self._calls if words in sentence]:
            self._calls.pop(words)()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._talk.close()


@contextmanager
def speaking(host, url, journal):
    """A deck speaks with a host that tells the fleet."""
    with telling(host):
        host.tells()
        with Talk(url, journal) as talk:
            yield talk


def entries(host, kind):
    path = host.fleet.home / "lockdeck-state" / "journal.jsonl"
    return [entry for entry in Journal(str(path)).read().entries if entry["kind"] == kind]


def test_a_release_is_asked_told_done_there_and_in_both_journals(server, operated, journal):
    lock = leave_dead(operated)
    with speaking(operated, server.url, journal) as talk:
        done = talk.release(lock)
    assert (done.status, lock.exists()) == ("released", False)
    assert "proving everything a second time" in talk.told
    assert [entry["kind"] for entry in journal.read().entries] == ["asked", "answered"]
    (begin,) = entries(operated, "ask-begin")
    assert (begin["from"], begin["role"], begin["nonce"]) == ("ann over NATS", "operator", done.nonce)
    assert len(entries(operated, "released")) == 1


def test_a_host_that_is_only_looked_at_does_nothing_whatever_the_subject_says(server, alpha, journal):
    lock = leave_dead(alpha)
    with speaking(alpha, server.url, journal) as talk:
        with pytest.raises(CannotAskError, match="role viewer"):
            talk.release(lock)
        assert talk.ask(Operation.JOURNAL).status == PLANNED
    assert lock.exists()


def test_a_host_that_does_not_listen_was_asked_for_nothing(server, journal):
    with Talk(server.url, journal) as talk, pytest.raises(CannotAskError, match="no alpha listens"):
        talk.release("/x.lock")
    assert journal.read().entries == ()


@pytest.mark.parametrize("again", [False, True])
def test_a_host_that_is_killed_in_the_middle_leaves_an_end_that_is_not_known_and_no_second_try(
    server, operated, journal, again, monkeypatch
):
    from lockdeck.backend.hosts import conversation

    monkeypatch.setattr(conversation, "RECALL_S", 60.0 if again else 8.0)
    lock = leave_dead(operated)

    def strike():
        operated.kill()
        if again:
            operated.start()

    with speaking(operated, server.url, journal) as talk:
        talk.at("proving everything", strike)
        done = talk.release(lock)
    assert done.status == END_NOT_KNOWN
    assert len(entries(operated, "ask-begin")) == 1
    assert lock.exists()


@pytest.mark.parametrize("trouble", ["kill", "pause"])
def test_an_answer_that_is_lost_with_the_server_is_looked_up_and_nothing_is_done_twice(
    server, operated, journal, trouble
):
    lock = leave_dead(operated)

    def strike():
        getattr(server, trouble)()
        threading.Timer(8, server.start if trouble == "kill" else server.go_on).start()

    with speaking(operated, server.url, journal) as talk:
        talk.at("proving everything", strike)
        done = talk.release(lock, watch_s=1.0)
    assert (done.status, lock.exists()) == ("released", False)
    assert any("is lost" in sentence for sentence in talk.told)
    assert len(entries(operated, "ask-begin")) == len(entries(operated, "released")) == 1


def released_once_it_listens(talk, lock):
    """After the last trouble the host may still be on its way back to a server."""
    while True:
        try:
            return talk.release(lock)
        except CannotAskError:
            threading.Event().wait(0.2)


def test_a_cluster_that_loses_the_server_of_the_deck_or_of_the_host_answers_all_the_same(tmp_path, journal):
    servers = cluster_of(tmp_path)
    with serving(servers):
        url = ",".join(server.url for server in servers)
        host = TellingHost(tmp_path / "operated", "alpha", url, role="operator")
        locks = [leave_dead(host, f"agent:main:{number}") for number in range(len(servers))]
        with speaking(host, url, journal) as talk:
            for lost, lock in zip(servers, locks, strict=True):
                talk.at("proving everything", lost.kill)
                assert released_once_it_listens(talk, lock).status == "released"
                lost.start()
        assert len(entries(host, "ask-begin")) == len(entries(host, "released")) == len(locks)


@pytest.fixture
def secured(tmp_path):
    made = SecuredServer(tmp_path / "secured")
    with serving([made.server]):
        yield made


@pytest.fixture
def guarded(secured, tmp_path):
    """A host behind the shipped configuration that lets itself be asked, and a lock that nobody holds."""
    host = TellingHost(
        tmp_path / "guarded", "alpha", secured.server.url, secured.env("alpha"), role="operator"
    )
    host.lock = leave_dead(host)
    with telling(host):
        host.tells(secured.env("deck"))
        yield host


def ask_there(secured, user, tmp_path, *words):
    """A command of a user's deck on alpha."""
    env = environment({"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}) | secured.env(user)
    url = secured.server.url.replace("://", f"://{user}@")
    return patient(*words, "--nats", url, "--host", "alpha", env=env)


def test_an_operator_releases_with_the_commands_that_status_prints(secured, guarded, tmp_path):
    env = environment({"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}) | secured.env("ann")
    url = secured.server.url.replace("://", "://ann@")
    said = patient("status", "--nats", url, env=env).stdout.decode()
    (command,) = {line.partition("lockdeck ")[2] for line in said.splitlines() if "lockdeck release " in line}
    done = patient(*command.split(), env=env)
    assert (done.returncode, guarded.lock.exists()) == (0, False), (done, command)
    (begin,) = entries(guarded, "ask-begin")
    assert begin["from"] == "ann over NATS"


def test_a_viewers_ask_is_refused_by_the_server_itself(secured, guarded, tmp_path):
    done = ask_there(secured, "deck", tmp_path, "release", guarded.lock, "--release-id", "x")
    said = done.stderr.decode().lower()
    assert 'permissions violation for publish to "lockdeck.main.ask.operator.deck.alpha"' in said
    assert (done.returncode, guarded.lock.exists()) == (1, True)
    assert entries(guarded, "ask-begin") == entries(guarded, "ask-refused") == []


def test_an_operator_is_no_admin(secured, guarded, tmp_path):
    done = ask_there(secured, "ann", tmp_path, "cancel", "agent:main:dead", "--allow", "restart")
    assert b"ask.admin.ann.alpha" in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("words", [("journal",), ("explain", "agent:main:dead")])
def test_a_viewer_looks_also_at_the_journal(secured, guarded, tmp_path, words):
    done = ask_there(secured, "deck", tmp_path, *words)
    assert done.stderr == b""
    assert done.returncode == (0 if words == ("journal",) else 1)
