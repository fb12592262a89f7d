"""What the sources of a root support of its sessions: pure, for sessions of the samples."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lockdeck.backend.model.fleet import GatewayView, RootView, Severity, State
from lockdeck.backend.model.knowledge import Knowledge, can_run, processes_source
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.sources import SourceKind, SourceState, SourceView
from tests.tui import samples

LOST = SourceView(SourceKind.LOG, "/tmp/openclaw", SourceState.MISSING, None, "no log is read")
LIVES = GatewayView(396, "2026.4.5", 18789, True)


def root(*sources, gateway=None):
    return RootView(samples.ROOT, "files", gateway, sources=sources)


def session(state=State.IDLE, verdict=None, name="a"):
    folder = f"{samples.ROOT}/agents/main/sessions"
    lock = None if verdict is None else samples.lock(f"{folder}/{name}.jsonl.lock", verdict)
    made = samples.session("main", name, state=state, lock=lock)
    return replace(made, transcript=f"{folder}/{name}.jsonl")


CLAIMS = (State.IDLE, State.RUNNING, State.FAILED)
"""What says that nothing worse goes on; a failure says that nothing has run since."""


@pytest.mark.parametrize("state", [state for state in State if state not in CLAIMS])
def test_what_claims_nothing_stays_as_it_is(state):
    view = session(state, Verdict.HELD)
    assert Knowledge(root(LOST, gateway=LIVES)).supported(view) is view


@pytest.mark.parametrize("state", CLAIMS)
def test_what_is_green_or_over_is_unknown_where_something_is_lost_and_says_it_first(state):
    view = replace(
        session(state, Verdict.HELD), severity=Severity.OK, reasons=("nothing runs", "a lock stands")
    )
    supported = Knowledge(root(LOST, gateway=LIVES)).supported(view)
    assert (supported.state, supported.severity) == (State.UNKNOWN, Severity.NOTICE)
    assert supported.reasons == ("no log is read", "a lock stands")


def test_a_lock_that_may_be_released_is_no_sign_of_life():
    assert not can_run(session(State.IDLE, Verdict.DEAD))
    assert not can_run(session(State.IDLE, Verdict.RECYCLED))
    assert can_run(session(State.IDLE, Verdict.LEAKED))
    assert can_run(session(State.UNKNOWN))


def test_without_a_gateway_only_the_sessions_that_can_run_are_concerned():
    knowledge = Knowledge(root(LOST))
    assert knowledge.supported(session()).state is State.IDLE
    assert next(source.state for source in knowledge.of(session())) is SourceState.NOT_NEEDED
    assert knowledge.supported(session(State.RUNNING, Verdict.HELD)).state is State.UNKNOWN


def test_a_holder_that_is_hidden_is_a_source_that_is_refused():
    hidden, shown = session(State.UNKNOWN, Verdict.FOREIGN), session(State.RUNNING, Verdict.HELD, "b")
    processes = processes_source([hidden, shown], "/proc", samples.NOW)
    assert (processes.state, processes.lost) == (
        SourceState.REFUSED,
        "who holds 1 lock can't be seen from here",
    )
    knowledge = Knowledge(root(processes))
    states = {view.key: next(source.state for source in knowledge.of(view)) for view in (hidden, shown)}
    assert states == {hidden.key: SourceState.REFUSED, shown.key: SourceState.READ}
    assert knowledge.supported(shown) is shown
    assert processes_source([shown], "/proc", samples.NOW).lost is None


def test_a_session_has_the_faulty_store_of_its_own_folder_only():
    good = SourceView(SourceKind.STORE, f"{samples.ROOT}/agents", SourceState.READ, samples.NOW)
    bad = SourceView(SourceKind.STORE, "/elsewhere/sessions.json", SourceState.REFUSED, None, "no store")
    knowledge = Knowledge(root(good, bad))
    assert [source for source in knowledge.of(session()) if source.kind is SourceKind.STORE] == [good]
    there = replace(session(), transcript="/elsewhere/x.jsonl")
    assert [source for source in knowledge.of(there) if source.kind is SourceKind.STORE] == [bad]
    assert knowledge.supported(there).state is State.UNKNOWN


def test_a_session_that_only_the_store_tells_of_lists_nothing_but_what_is_missed():
    """Its other sources are those of its root: thousands of idle sessions don't repeat them."""
    good = SourceView(SourceKind.STORE, f"{samples.ROOT}/agents", SourceState.READ, 1.0)
    stored, held = session(), session(State.RUNNING, Verdict.HELD, "b")
    assert Knowledge(root(good)).listed(stored) == ()
    assert Knowledge(root(good, LOST, gateway=LIVES)).listed(stored) == (LOST,)
    knowledge = Knowledge(root(good, LOST))
    assert knowledge.listed(stored) == ()
    assert knowledge.listed(held) == knowledge.of(held) != ()
