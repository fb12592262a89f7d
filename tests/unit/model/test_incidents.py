"""What several sessions have in common: claimed from more than one only, and cancelled by every answer."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.fleet import GatewayView, RootView, State
from lockdeck.backend.model.incidents.calls import Call, calls_of
from lockdeck.backend.model.incidents.locks import LockFailure, obstructing
from lockdeck.backend.model.incidents.past import past_incidents
from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom
from lockdeck.backend.model.incidents.rule import FleetRuns, incidents_of
from lockdeck.backend.model.incidents.silence import LIVELY_S, CallBook, silences
from lockdeck.backend.model.incidents.streaks import GAP_S
from lockdeck.backend.model.incidents.words import incident_sentence
from lockdeck.backend.model.locks import Judgement, Verdict
from lockdeck.backend.model.runs.events import CallerRefusal
from lockdeck.backend.model.runs.fold import PAST, RunBook, fold_all
from lockdeck.backend.model.sessions.refusals import Refusals
from tests.folders import RECORDINGS
from tests.reading import read_events
from tests.tui import samples

NOW = 10_000.0


def call(
    session="a", begins=0.0, lasts=20.0, provider="atlas", model="large", answered=False, reason="timeout"
):
    key = f"agent:{session}:main"
    ended = None if lasts is None else begins + lasts
    return Call(
        ("", "/r", key), session, provider, model, begins, ended, None if answered else reason, answered
    )


def nobody(_sessions, _since, _until):
    return 0


def found(*calls, now=None, free_by=None):
    under_way = [each for each in calls if each.ended_at is None]
    return list(silences(CallBook.of(calls), nobody, free_by or {}, now, under_way))


HANG = tuple(call(agent, begins) for agent in ("a", "b", "c") for begins in (0.0, 25.0))


def test_a_provider_that_answers_no_session_is_one_incident_with_its_counts():
    (incident,) = found(*HANG)
    assert (incident.kind, incident.subject, incident.symptom) == (
        IncidentKind.PROVIDER,
        "atlas",
        Symptom.SILENT,
    )
    assert (incident.since, incident.until) == (0.0, 45.0)
    assert (incident.agents, incident.attempts, incident.answers) == (("a", "b", "c"), 6, 0)
    assert incident.sessions == ("agent:a:main", "agent:b:main", "agent:c:main")


def test_an_answer_that_another_session_got_meanwhile_cancels_it():
    overlapping = tuple(call(agent, 0.0) for agent in "abc")
    assert found(*overlapping)
    assert found(*overlapping, call("d", 9.0, 1.0, answered=True)) == []


def test_an_answer_of_another_provider_narrows_it():
    (incident,) = found(*HANG, call("d", 9.0, 1.0, provider="borealis", answered=True))
    assert incident.subject == "atlas"
    assert "others answered meanwhile: borealis 1 time" in incident.evidence


def test_providers_that_the_same_sessions_met_one_after_the_other_are_one_incident():
    later = [
        replace(each, provider="borealis", begins=each.begins + 50, ended_at=each.ended_at + 50)
        for each in HANG
    ]
    (incident,) = found(*HANG, *later)
    assert (incident.subject, incident.attempts) == ("atlas, borealis", 12)


def test_providers_stay_apart_where_one_of_them_answered_in_between():
    later = [
        replace(each, provider="borealis", begins=each.begins + 50, ended_at=each.ended_at + 50)
        for each in HANG
    ]
    both = found(*HANG, *later, call("d", 30.0, 1.0, provider="borealis", answered=True))
    assert [incident.subject for incident in both] == ["atlas", "borealis"]


def test_sessions_that_never_waited_at_the_same_time_are_no_claim_by_one_attempt_each():
    assert found(call("a", 0.0), call("b", 30.0)) == []
    assert found(call("a", 0.0), call("b", 10.0))


def test_failures_with_a_long_silence_between_are_not_one_incident():
    assert (
        found(call("a", 0.0), call("a", 20.0), call("b", 40.0 + GAP_S + 1), call("b", 60.0 + GAP_S + 1)) == []
    )


def test_a_model_is_claimed_where_another_model_of_its_provider_answers():
    (incident,) = found(*HANG, call("d", 9.0, 1.0, model="small", answered=True))
    assert (incident.kind, incident.subject) == (IncidentKind.MODEL, "atlas/large")


def test_no_model_is_claimed_where_another_model_of_its_provider_fails_too():
    (incident,) = found(*HANG, call("d", 9.0, 10.0, model="small"))
    assert incident.kind is IncidentKind.PROVIDER
    answered = call("e", 9.0, 1.0, model="tiny", answered=True)
    assert [each.kind for each in found(*HANG, call("d", 9.0, 10.0, model="small"), answered)] != [
        IncidentKind.MODEL
    ]


@pytest.mark.parametrize("reason", ["lock", "claim", "drain", "format", None])
def test_attempts_that_do_not_speak_against_the_provider_do_not_count(reason):
    assert found(*(replace(each, reason=reason) for each in HANG)) == []


def test_now_only_what_somebody_asks_or_asked_lately_goes_on():
    assert found(*HANG, now=45.0 + LIVELY_S)[0].until is None
    assert found(*HANG, now=46.0 + LIVELY_S) == []
    (incident,) = found(*HANG, call("a", 50.0, None), now=46.0 + LIVELY_S)
    assert incident.attempts == 7


def test_when_one_of_several_providers_answers_again_the_others_are_meant_only_while_somebody_waits_for_them():
    later = [
        replace(each, provider="borealis", begins=each.begins + 50, ended_at=each.ended_at + 50)
        for each in HANG
    ]
    again = call("d", 100.0, 1.0, answered=True)
    assert found(*HANG, *later, again, now=102.0) == []
    waiting = call("a", 99.0, None, provider="borealis")
    (incident,) = found(*HANG, *later, again, waiting, now=102.0)
    assert (incident.subject, incident.attempts) == ("borealis", 7)


def test_over_by_itself_when_the_last_session_is_free_and_unknown_where_one_is_not_bounded():
    first, second = ("", "/r", "agent:a:main"), ("", "/r", "agent:b:main")
    assert found(*HANG, now=50.0, free_by={first: 90.0, second: 120.0})[0].free_by == 120.0
    assert found(*HANG, now=50.0, free_by={first: 90.0, second: None})[0].free_by is None
    assert found(*HANG, now=50.0)[0].free_by is None


CALLS = st.lists(
    st.builds(
        call,
        session=st.sampled_from("abcd"),
        begins=st.integers(0, 400).map(float),
        lasts=st.integers(0, 60).map(float),
        provider=st.sampled_from(["atlas", "borealis"]),
        model=st.sampled_from(["large", "small", None]),
        answered=st.sampled_from([False, False, False, True]),
        reason=st.sampled_from(["timeout", "rate_limit", "lock", "format"]),
    ),
    max_size=24,
)


def of_subject(incident, each):
    names = {each.provider} if incident.kind is IncidentKind.PROVIDER else {f"{each.provider}/{each.model}"}
    return bool(names & set(incident.subjects))


@given(CALLS)
def test_never_claimed_from_one_session(calls):
    for incident in found(*calls):
        assert len(incident.members) > 1
        failed = {each.session for each in calls if each.failed and of_subject(incident, each)}
        assert set(incident.members) <= failed


@given(st.sampled_from("abcd"), CALLS)
def test_one_session_alone_is_never_an_incident(session, calls):
    assert found(*(replace(each, session=("", "/r", session), agent=session) for each in calls)) == []


@given(CALLS, st.randoms(use_true_random=False))
def test_the_order_of_sessions_does_not_matter(calls, random):
    shuffled = list(calls)
    random.shuffle(shuffled)
    assert found(*shuffled) == found(*calls)


@given(CALLS)
@example([*HANG, call("d", 45.0, 1.0, answered=True)])
def test_an_answer_after_its_begin_ends_it(calls):
    now = max((each.ended_at for each in calls), default=0.0)
    for incident in found(*calls, now=now):
        for each in calls:
            if each.answered and of_subject(incident, each):
                assert each.ended_at <= incident.since


@given(CALLS)
def test_no_answer_of_its_subject_lies_inside_what_is_claimed(calls):
    for incident in found(*calls):
        inside = [
            each
            for each in calls
            if each.answered
            and of_subject(incident, each)
            and incident.since < each.ended_at < incident.until
        ]
        assert inside == []


@given(CALLS)
def test_counts_are_those_of_the_runs_themselves(calls):
    for incident in found(*calls):
        meant = {
            each
            for each in calls
            if each.failed
            and of_subject(incident, each)
            and incident.since <= each.begins
            and each.ended_at <= incident.until
        }
        counted = [each for each in meant if not answered_during(each, incident, calls)]
        assert incident.attempts == len(counted)
        assert incident.members == tuple(sorted({each.session for each in counted}))
        assert incident.agents == tuple(sorted({each.agent for each in counted}))
        assert incident.answers == 0


def answered_during(failed, incident, calls):
    answers = [each.ended_at for each in calls if each.answered and each.provider == failed.provider
               and (incident.kind is IncidentKind.PROVIDER or each.model == failed.model)]  # fmt: skip
    return any(failed.begins < at < failed.ended_at for at in answers)


@given(CALLS)
def test_a_model_is_never_claimed_beside_its_provider_for_the_same_attempts(calls):
    incidents = found(*calls)
    for model in (each for each in incidents if each.kind is IncidentKind.MODEL):
        provider = model.subject.partition("/")[0]
        whole = [i for i in incidents if i.kind is IncidentKind.PROVIDER and provider in i.subjects]
        assert not [i for i in whole if i.since == model.since and i.until == model.until]


def book_of(name):
    return fold_all(RunBook(limits=PAST), read_events(RECORDINGS / name / "gateway.log"))


@pytest.mark.parametrize(
    ("name", "subject", "attempts", "reason"),
    [
        ("2026.4.5-incident-hang", "atlas, borealis, cygnus", 20, None),
        ("2026.4.5-incident-error429", "atlas, borealis, cygnus", 18, "rate_limit"),
        ("2026.4.5-incident-error500", "atlas, borealis, cygnus", 18, "provider_error"),
        ("2026.7.35-hang", "atlas, borealis, cygnus", 20, None),
        ("2026.9.6-hang", "atlas", 20, None),
    ],
)
def test_a_recorded_outage_is_one_line_about_the_provider(name, subject, attempts, reason):
    book = book_of(name)
    (incident,) = past_incidents({name: book})
    assert (incident.kind, incident.subject) == (IncidentKind.PROVIDER, subject)
    assert incident.attempts == attempts == sum(len(run.attempts) for run in book.runs.values())
    assert (len(incident.agents), incident.answers, incident.reason) == (4, 0, reason)


@pytest.mark.parametrize(
    "name", ["2026.9.6-hang-whole-chain", "2026.4.5-incident-hang-with-local-probe", "2026.4.5-run-ok"]
)
def test_a_recording_of_one_session_alone_claims_nothing(name):
    assert past_incidents({name: book_of(name)}) == ()


def test_the_calls_of_a_run_are_its_attempts():
    for run in book_of("2026.4.5-incident-hang").runs.values():
        calls = list(calls_of(run, ("", "/r", run.run_id), "x", {}))
        assert [(each.provider, each.ended_at) for each in calls] == [
            (attempt.provider, attempt.ended_at) for attempt in run.attempts
        ]
        assert all(each.begins <= each.ended_at for each in calls)


DRAINED = {
    ("", "/r", key): Refusals(2, 100.0 + n, 160.0 + n, CallerRefusal.DRAINING)
    for n, key in enumerate(("agent:a:main", "agent:b:main"))
}


def fleet(*views, refusals=None, calls=(), failures=(), gateway=None, roots=None):
    runs = FleetRuns(CallBook.of(calls), tuple(failures), refusals or {})
    roots = roots or (RootView("/r", "files", gateway),)
    return incidents_of(roots, views, [view.lock for view in views if view.lock], runs, "box", 400.0)


def view(agent, root="/r", **changes):
    return replace(samples.session(agent, "main"), root=root, key=f"agent:{agent}:main", lock=None, **changes)


def test_a_gateway_that_drains_is_one_incident_until_a_session_works_again():
    (incident,) = fleet(view("a"), view("b"), refusals=DRAINED)
    assert (incident.kind, incident.subject, incident.symptom) == (IncidentKind.GATEWAY, "/r", Symptom.DRAINS)
    assert (incident.since, incident.callers, incident.agents) == (100.0, 4, ("a", "b"))
    assert fleet(view("a"), view("b"), refusals=DRAINED, calls=[call("b", 170.0)]) == ()
    assert fleet(view("a"), refusals={("", "/r", "agent:a:main"): DRAINED["", "/r", "agent:a:main"]}) == ()


def held(agent, state, pid=396):
    lock = samples.held(agent, "main", 60.0)
    judged = replace(lock.judgement, holder=replace(samples.GATEWAY, pid=pid))
    return replace(view(agent, state=state, since=50.0), lock=replace(lock, judgement=judged))


def test_a_gateway_that_moves_none_of_its_sessions_blocks():
    gateway = GatewayView(396, None, 18789, True)
    stuck = [held("a", State.STUCK), held("b", State.STUCK)]
    (incident,) = fleet(*stuck, gateway=gateway)
    assert (incident.kind, incident.symptom, incident.since) == (IncidentKind.GATEWAY, Symptom.BLOCKS, 50.0)
    assert fleet(*stuck, held("c", State.RUNNING), gateway=gateway) == ()
    assert fleet(held("a", State.STUCK), held("b", State.STUCK, pid=7), gateway=gateway) == ()


def dead(agent, root="/r"):
    lock = samples.held(agent, "main", 60.0)
    gone = replace(lock, judgement=Judgement(Verdict.DEAD, ("gone",), True))
    return replace(view(agent, root), lock=gone)


def test_a_gateway_that_is_gone_and_left_sessions_behind_is_one_incident_and_several_are_the_host():
    gone = GatewayView(396, None, 18789, False)
    (incident,) = fleet(dead("a"), dead("b"), gateway=gone)
    assert (incident.subject, incident.symptom, incident.since) == ("/r", Symptom.GONE, None)
    roots = (RootView("/r", "files", gone), RootView("/q", "files", gone))
    (host,) = fleet(dead("a"), dead("b", "/q"), roots=roots)
    assert (host.kind, host.subject) == (IncidentKind.HOST, "box")
    lives = replace(roots[1], gateway=GatewayView(7, None, None, True))
    assert fleet(dead("a"), dead("b", "/q"), roots=(roots[0], lives)) == ()


def failure(session, at, path="/r/agents/a/sessions/sessions.json.lock"):
    return LockFailure(path, ("", "/r", session), session, at, 30211, f"run-{session} {at}")


def test_a_lock_on_which_candidates_of_several_sessions_fail_is_one_incident():
    (incident,) = obstructing([failure("a", 1.0), failure("a", 2.0), failure("b", 3.0)], {})
    assert (incident.kind, incident.attempts, incident.callers) == (IncidentKind.LOCK, 3, 2)
    assert "held by pid 30211" in incident.evidence[0]
    assert list(obstructing([failure("a", 1.0), failure("a", 2.0), failure("a", 3.0)], {})) == []
    gone = frozenset({"/r/agents/a/sessions/sessions.json.lock"})
    assert list(obstructing([failure("a", 1.0), failure("b", 2.0), failure("b", 3.0)], {}, 10.0, gone)) == []


def clock(moment):
    return f"{moment:g}"


INCIDENT = Incident(
    IncidentKind.PROVIDER,
    ("github-copilot",),
    Symptom.SILENT,
    5.0,
    agents=("a", "b", "c", "d"),
    members=tuple(("", "/r", name) for name in "abcd"),
    attempts=12,
    callers=7,
    free_by=9.0,
)
COUNTS = "4 agents, 12 attempts, 0 answers, 7 callers refused"


@pytest.mark.parametrize(
    ("incident", "sentence"),
    [
        (
            INCIDENT,
            f"github-copilot answers nobody since 5: {COUNTS}; over by itself by 9",
        ),
        (
            replace(INCIDENT, until=8.0, free_by=None, reason="rate_limit"),
            f"github-copilot answered nobody (rate limit) from 5 to 8: {COUNTS}",
        ),
        (
            replace(INCIDENT, subjects=("atlas", "borealis", "cygnus"), callers=0, free_by=None),
            "atlas, borealis and cygnus answer nobody since 5: 4 agents, 12 attempts, 0 answers",
        ),
        (
            Incident(
                IncidentKind.GATEWAY,
                ("/r",),
                Symptom.GONE,
                None,
                agents=("a",),
                members=(("", "/r", "x"), ("", "/r", "y")),
            ),
            "the gateway of /r is gone: 1 agent, 2 sessions",
        ),
    ],
)
def test_the_sentence_says_what_since_when_by_which_counts_and_until_when(incident, sentence):
    assert incident_sentence(incident, partial(clock)) == sentence
