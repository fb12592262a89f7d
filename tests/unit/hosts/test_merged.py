"""Rules of the picture that a deck makes of several hosts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.hosts.frames import HostHello, Rows, row_name
from lockdeck.backend.hosts.merged import MergedHosts
from lockdeck.backend.hosts.state import HostRecord
from lockdeck.backend.model.changes import compared
from lockdeck.backend.model.delta import FleetDelta
from lockdeck.backend.model.fleet import FleetSnapshot, RootView, SessionView, Severity, State
from lockdeck.backend.model.hosts import Phase
from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom
from lockdeck.backend.model.needs import needs_person

ROOT = "/home/claw/.openclaw"
HELLO = HostHello((1, 1), "0.2.0", "box", "viewer")


def session(key: str, state: State = State.IDLE, severity: Severity = Severity.OK) -> SessionView:
    return SessionView(ROOT, "main", key, None, state, severity)


def rows(*sessions: SessionView, gone: tuple[str, ...] = (), **more: object) -> Rows:
    names = tuple((ROOT, key, "") for key in gone)
    return Rows(100.0, (RootView(ROOT, "files"),), sessions=sessions, gone_sessions=names, **more)


def cause(key: str) -> Incident:
    return Incident(
        *(IncidentKind.PROVIDER, ("openai",), Symptom.SILENT, 10.0),
        agents=("main",),
        members=(("", ROOT, key),),
        attempts=3,
        evidence=("3 timeouts",),
        free_by=500.0,
    )


def record(name: str, *frames: Rows) -> HostRecord:
    made = HostRecord(name)
    made.call()
    made.take(HELLO, 50.0)
    for frame in frames:
        made.take(frame, 60.0)
    return made


def keys(snapshot: FleetSnapshot) -> list[tuple[str, str]]:
    return [(view.host, view.key) for view in snapshot.sessions]


def test_sessions_of_one_name_on_two_hosts_are_two_rows() -> None:
    hosts = [record("a", rows(session("k"))), record("b", rows(session("k")))]
    picture = MergedHosts({}).picture([host.state for host in hosts], 70.0)
    assert [view.identity for view in picture.sessions] == [("a", ROOT, "k"), ("b", ROOT, "k")]
    assert [root.identity for root in picture.roots] == [("a", ROOT), ("b", ROOT)]


def test_a_host_can_speak_for_no_other() -> None:
    forged = replace(session("k"), host="b", last_seen=1.0)
    picture = MergedHosts({}).picture([record("a", rows(forged)).state], 70.0)
    assert [(view.host, view.last_seen) for view in picture.sessions] == [("a", None)]


def test_rows_of_a_lost_host_stay_and_say_since_when() -> None:
    host, merged = record("a", rows(session("k"), session("l"))), MergedHosts({})
    merged.picture([host.state], 70.0)
    host.lose("the cable is cut")
    picture = merged.picture([host.state], 80.0)
    assert {view.last_seen for view in picture.sessions} == {60.0}
    assert needs_person(picture)
    (cause,) = picture.incidents
    assert (cause.kind, cause.symptom, cause.since) == (IncidentKind.HOST, Symptom.UNSEEN, 60.0)
    assert cause.evidence == ("the cable is cut",)


def test_a_host_that_has_not_answered_yet_is_never_green() -> None:
    picture = MergedHosts({"a": "web"}).picture([HostRecord("a").state], 70.0)
    (host,) = picture.hosts
    assert (host.phase, host.group, host.told) == (Phase.CALLED, "web", False)
    assert needs_person(picture)


def test_a_host_that_comes_back_is_whole_again() -> None:
    host, merged = record("a", rows(session("k"), session("l"))), MergedHosts({})
    merged.picture([host.state], 70.0)
    host.lose("gone")
    merged.picture([host.state], 80.0)
    host.call()
    host.take(HELLO, 90.0)
    host.take(rows(session("k", State.RUNNING)), 90.0)
    picture = merged.picture([host.state], 90.0)
    assert [(view.key, view.state, view.last_seen) for view in picture.sessions] == [
        ("k", State.RUNNING, None)
    ]
    assert not needs_person(picture)


def test_one_provider_that_answers_nobody_is_one_cause_on_all_hosts() -> None:
    hosts = [record(name, rows(session("k"), incidents=(cause("k"),))) for name in ("a", "b")]
    picture = MergedHosts({}).picture([host.state for host in hosts], 70.0)
    (one,) = picture.incidents
    assert (one.hosts, one.attempts, one.free_by) == (("a", "b"), 6, 500.0)
    assert one.members == (("a", ROOT, "k"), ("b", ROOT, "k"))
    assert one.evidence == ("a: 3 timeouts", "b: 3 timeouts")


STEP = st.one_of(
    st.tuples(
        st.just("rows"),
        st.lists(
            st.builds(
                session,
                st.sampled_from("klmn"),
                st.sampled_from([State.IDLE, State.RUNNING, State.STUCK]),
                st.sampled_from(list(Severity)),
            ),
            max_size=3,
            unique_by=row_name,
        ),
        st.lists(st.sampled_from("klmn"), max_size=2),
    ),
    st.tuples(st.just("note"), st.sampled_from(["", "its disk is full"])),
    st.tuples(st.just("causes"), st.lists(st.sampled_from("kl").map(cause), max_size=1)),
    st.tuples(st.sampled_from(["lose", "again", "look", "leave", "return"])),
)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from("ab"), STEP), max_size=30))
def test_a_picture_is_that_of_hosts_met_for_the_first_time_and_what_it_says_has_changed_is_all_that_has(
    steps: list[tuple[str, tuple]],
) -> None:
    hosts = {name: record(name, rows()) for name in "ab"}
    there = dict(hosts)
    merged = MergedHosts({})
    last = merged.picture([host.state for host in there.values()], 1.0)
    for at, (name, step) in enumerate(steps):
        host = hosts[name]
        match step:
            case ("rows", changed, gone):
                host.take(rows(*changed, gone=tuple(gone)), float(at))
            case ("note", note):
                host.take(rows(notes=(note,) if note else ()), float(at))
            case ("causes", causes):
                host.take(rows(incidents=tuple(causes)), float(at))
            case ("lose",):
                host.lose("gone")
            case ("again",):
                host.call()
                host.take(HELLO, float(at))
                host.take(rows(session("k")), float(at))
            case ("leave",):
                there.pop(name, None)
            case ("return",):
                there[name] = host
            case _:
                states = [host.state for host in there.values()]
                picture = merged.picture(states, float(at))
                assert replace(picture, sequence=1, delta=None) == MergedHosts({}).picture(states, float(at))
                assert sorted(keys(picture)) == sorted(
                    (view.host, view.key)
                    for host in there.values()
                    for view in (host.state.snapshot or FleetSnapshot(0.0, "")).sessions
                )
                assert picture.delta is not None
                found = compared(last, picture)
                assert picture.delta == FleetDelta(found.sessions, found.locks)
                last = picture


def test_of_hosts_of_which_nothing_was_heard_nothing_is_gathered_again() -> None:
    hosts = [record(name, rows(session("k"), notes=("full",), incidents=(cause("k"),))) for name in "abc"]
    merged = MergedHosts({})
    first = merged.picture([host.state for host in hosts], 1.0)
    hosts[1].take(Rows(101.0, sessions=(session("k", State.RUNNING),)), 2.0)
    picture = merged.picture([host.state for host in hosts], 2.0)
    assert [view.host for view in picture.sessions if view.state is State.RUNNING] == ["b"]
    assert picture.roots is first.roots
    assert picture.notes is first.notes
    assert picture.incidents is first.incidents
    assert [old is new for old, new in zip(first.hosts, picture.hosts, strict=True)] == [True, False, True]
