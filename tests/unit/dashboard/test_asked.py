"""A deck of hosts asks the host of each row, and believes it no more than a log line."""

from __future__ import annotations

import threading

import pytest
from msgspec.structs import replace

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts import conversation, pacing
from lockdeck.backend.hosts.asks import PLANNED, REFUSED, Ask, AskAnswer, Operation, Role, Told
from lockdeck.backend.hosts.nats.address import FleetAddress, FleetHostAddress
from lockdeck.backend.hosts.told import ReleaseTold, told_as
from lockdeck.tui.acting.local import LocalActs
from lockdeck.tui.operations import ActionContext, Offer
from lockdeck.tui.targets import targets_of
from lockdeck.tui.view.names import row_key
from tests.tui.samples import incident
from tests.unit.dashboard.elsewhere import forbid_local_acts
from tests.unit.dashboard.spoken import Spoken, planned, willing


@pytest.fixture(autouse=True)
def _nothing_is_done_here(monkeypatch):
    """Nothing of this machine is ever planned or done for a row of a host."""

    forbid_local_acts(monkeypatch)


@pytest.fixture
def journal(tmp_path):
    return Journal(str(tmp_path / "journal.jsonl"))


def target(host, last_seen=None):
    """A session with a lock, as a host of that name tells of it."""
    snapshot = incident()
    session = next(view for view in snapshot.sessions if view.lock is not None)
    lock = replace(session.lock, host=host, last_seen=last_seen)
    session = replace(session, host=host, last_seen=last_seen, lock=lock)
    roots = tuple(replace(root, host=host) for root in snapshot.roots)
    fleet = replace(snapshot, sessions=(session,), locks=(lock,), roots=roots, incidents=())
    (found,) = targets_of([row_key(session)], fleet)
    return found


def nobody(_remaining):
    """Count nothing."""


def offered(acts, *targets):
    return acts.offer_releases(targets, nobody)


class Results:
    """The pieces of a job as they come."""

    def __init__(self):
        self.pieces = {}
        self.told = []

    def __call__(self, index, piece):
        self.pieces[index] = piece
        self.told.append((index, piece.word))

    @property
    def words(self):
        return [self.pieces[index].word for index in sorted(self.pieces)]


def test_each_row_is_asked_of_its_own_host_and_its_steps_are_told(journal):
    def alpha(ask):
        if ask.op is Operation.RELEASE:
            yield Told(ask.nonce, "proving everything\x1b[2J")
        yield from willing(ask)

    hosts = Spoken(journal, {"alpha": alpha, "beta": willing})
    offers = offered(hosts.acts, target("alpha"), target("beta"))
    assert [offer.reasons for offer in offers] == [(), ()]
    steps = []

    def tell(index, piece):
        steps.extend((index, sentence) for sentence in piece.sentences)
        results(index, piece)

    results = Results()
    hosts.acts.do_releases(offers, tell, print)
    hosts.acts.close()
    assert results.words == ["released", "released"]
    assert any(index == 0 and "proving everything" in sentence for index, sentence in steps)
    assert not any("\x1b" in sentence for _, sentence in steps)
    for host in ("alpha", "beta"):
        assert hosts.operations(host) == ["plan-release", "release"]
    release = next(ask for _, ask in hosts.asked if ask.op is Operation.RELEASE)
    assert (release.evidence, release.release_id) == (("seen",), offers[0].plan.release_id)
    assert sorted(entry["kind"] for entry in journal.read().entries) == ["answered"] * 2 + ["asked"] * 2


def test_one_conversation_serves_dialog_and_job_and_is_closed_once(journal):
    hosts = Spoken(journal, {"alpha": willing})
    offers = offered(hosts.acts, target("alpha"), target("alpha"))
    hosts.acts.do_releases(offers, Results(), print)
    hosts.acts.close()
    hosts.acts.close()
    assert [link.stopped for link in hosts.links] == [1]
    (offer,) = offered(hosts.acts, target("alpha"))
    assert "closed" in offer.reasons[0]


def test_hosts_are_asked_at_the_same_time_and_results_come_as_they_are(journal):
    beta_is_done = threading.Event()

    def alpha(ask):
        if ask.op is Operation.RELEASE:
            assert beta_is_done.wait(60)
        yield from willing(ask)

    def beta(ask):
        yield from willing(ask)

    hosts = Spoken(journal, {"alpha": alpha, "beta": beta})
    offers = offered(hosts.acts, target("alpha"), target("beta"))
    results = Results()

    def tell(index, piece):
        results(index, piece)
        if piece.ended and index == 1:
            beta_is_done.set()

    hosts.acts.do_releases(offers, tell, print)
    hosts.acts.close()
    ended = [index for index, word in results.told if word == "released"]
    assert ended == [1, 0]


def test_a_hung_host_is_waited_for_once_and_harms_no_other(journal, monkeypatch):
    monkeypatch.setattr(conversation, "PLAN_S", 0.2)
    hosts = Spoken(journal, {"alpha": lambda _ask: (), "beta": willing})
    first, second, third = offered(hosts.acts, target("alpha"), target("alpha"), target("beta"))
    hosts.acts.close()
    assert "says nothing to this" in first.reasons[0]
    assert second.reasons == first.reasons
    assert third.reasons == ()
    assert hosts.operations("alpha") == ["plan-release"]


def test_an_act_that_is_never_answered_is_not_known_and_no_more_is_asked(journal, monkeypatch):
    monkeypatch.setattr(conversation, "ACT_S", 0.2)

    def alpha(ask):
        return (planned(ask),) if ask.op is Operation.PLAN_RELEASE else ()

    hosts = Spoken(journal, {"alpha": alpha})
    offers = offered(hosts.acts, target("alpha"), target("alpha"))
    results = Results()
    hosts.acts.do_releases(offers, results, print)
    hosts.acts.close()
    assert results.words == ["not known", "not done"]
    assert "(`lockdeck journal`)" in results.pieces[0].sentences[0]
    assert hosts.operations("alpha")[2:] == ["release"]


def in_a_while(ask, **facts):
    """The refusal of a host that takes no more for now."""
    return AskAnswer(ask.nonce, REFUSED, ("too many",), {"retryAfterMs": 10, "mostAMinute": 30, **facts})


def test_a_host_that_takes_no_more_for_now_is_asked_again_when_it_says_with_an_ask_of_its_own(journal):
    refused = []

    def alpha(ask):
        if ask.op is Operation.RELEASE and not refused:
            refused.append(ask.nonce)
            return (in_a_while(ask),)
        return willing(ask)

    hosts = Spoken(journal, {"alpha": alpha})
    offers = offered(hosts.acts, target("alpha"))
    said = []
    hosts.acts.do_releases(offers, lambda _, piece: said.append((piece.paced, piece.sentences[-1])), print)
    hosts.acts.close()
    assert (True, "waiting 1 s: its host takes 30 asks a minute") in said
    assert said[-1] == (False, "gone")
    assert hosts.operations("alpha") == ["plan-release", "release", "release"]
    assert len({ask.nonce for _, ask in hosts.asked}) == 3


def test_what_waits_is_given_up_at_once_and_what_is_still_to_come_is_not_asked_for(journal):
    hosts = Spoken(journal, {"alpha": lambda ask: (in_a_while(ask, retryAfterMs=100_000),)})
    plan = planned(Ask(NONCE, Operation.PLAN_RELEASE, target("alpha").lock.record.path, release_id="h"))
    offer = Offer(target("alpha"), told_as(plan, ReleaseTold))
    results = Results()

    def tell(index, piece):
        results(index, piece)
        if piece.paced:
            hosts.acts.stop()

    hosts.acts.do_releases([offer, offer], tell, print)
    hosts.acts.close()
    assert results.words == ["not done", "not done"]
    assert "nothing was done" in results.pieces[1].sentences[0]
    assert hosts.operations("alpha") == ["release"]


@pytest.mark.parametrize("facts", [{"retryAfterMs": 10**9}, {"retryAfterMs": -1}, {"mostAMinute": "many"}])
def test_a_host_that_says_nonsense_about_when_to_come_again_has_refused(journal, facts):
    hosts = Spoken(
        journal,
        {
            "alpha": lambda ask: (
                planned(ask) if ask.op is Operation.PLAN_RELEASE else in_a_while(ask, **facts),
            )
        },
    )
    results = Results()
    hosts.acts.do_releases(offered(hosts.acts, target("alpha")), results, print)
    hosts.acts.close()
    assert results.words == ["refused"]


def test_a_host_that_never_takes_more_is_given_up(journal, monkeypatch):
    monkeypatch.setattr(pacing, "LONGEST_S", 1.5)
    hosts = Spoken(
        journal,
        {"alpha": lambda ask: (planned(ask) if ask.op is Operation.PLAN_RELEASE else in_a_while(ask),)},
    )
    results = Results()
    hosts.acts.do_releases(offered(hosts.acts, target("alpha")), results, print)
    hosts.acts.close()
    assert results.words == ["refused"]
    assert hosts.operations("alpha").count("release") == 2


def test_a_viewer_is_told_what_to_do_and_asked_nothing(journal):
    hosts = Spoken(journal, {"alpha": willing}, Role.VIEWER)
    (offer,) = offered(hosts.acts, target("alpha"))
    ((_, ladder),) = hosts.acts.offer_cancels([target("alpha")], nobody)
    hosts.acts.close()
    assert "must say --role operator" in offer.reasons[0]
    assert ladder.refusal[0] == offer.reasons[0]
    assert hosts.asked == []


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (target("alpha", last_seen=1_775_358_000.0), "lost"),
        (target(""), "of which host"),
        (target("gamma"), "of which host"),
    ],
)
def test_what_is_lost_or_of_no_host_is_neither_asked_for_nor_done_here(journal, row, words):
    hosts = Spoken(journal, {"alpha": willing})
    (offer,) = offered(hosts.acts, row)
    ((_, ladder),) = hosts.acts.offer_cancels([row], nobody)
    results = Results()
    hosts.acts.do_releases([offer], results, print)
    hosts.acts.do_cancels([row], [ladder], frozenset(("stop",)), results)
    hosts.acts.close()
    assert words in offer.reasons[0]
    assert words in ladder.refusal[0]
    assert results.words == ["not done"]
    assert hosts.links == []


NONCE = "ab" * 16
FLEET = FleetAddress(("nats://hub:4222",), "prod", user="ann")


def test_in_a_fleet_each_row_is_asked_of_its_host_in_the_name_of_the_address_and_the_least_role(journal):
    hosts = Spoken(journal, {"alpha": willing, "beta": willing}, addresses=(FLEET,))
    offers = offered(hosts.acts, target("alpha"), target("beta"))
    results = Results()
    hosts.acts.do_releases(offers, results, print)
    hosts.acts.close()
    assert results.words == ["released", "released"]
    asked = {FleetHostAddress(FLEET, name, "ann", Role.OPERATOR) for name in ("alpha", "beta")}
    assert {link.address for link in hosts.links} == asked
    assert {entry["host"] for entry in journal.read().entries} == {"alpha", "beta"}


@pytest.mark.parametrize(("user", "host"), [("not a name", "alpha"), ("ann", "no name"), ("ann", "")])
def test_who_can_not_be_named_in_a_fleet_is_asked_for_nothing(journal, user, host):
    hosts = Spoken(journal, {}, addresses=(replace(FLEET, user=user),))
    (offer,) = offered(hosts.acts, target(host))
    assert len(offer.reasons) == (2 if host else 1)
    assert hosts.links == []


def test_where_a_host_is_not_asked_the_command_is_told_that_does_it_there(journal):
    hosts = Spoken(journal, {"alpha": willing}, Role.VIEWER)
    row = target("alpha")
    (offer,) = offered(hosts.acts, row)
    ((_, ladder),) = hosts.acts.offer_cancels([row], nobody)
    hosts.acts.close()
    release = f"lockdeck release {row.lock.record.path} --release-id {row.lock.release_id}"
    cancel = f"lockdeck cancel {row.session.key} --root {row.session.root}"
    assert offer.reasons[1] == f"by hand, typed on alpha itself: `{release}`"
    assert ladder.refusal[1] == f"by hand, typed on alpha itself: `{cancel}`"


@pytest.mark.parametrize(
    "facts",
    [
        {"path": "/another.lock"},
        {"releaseId": "of another hold"},
        {"allowed": "yes"},
        {"why": "no list"},
        {"why": ["x"] * 1000},
        {"effects": ["x" * 100_000]},
        {"waitFor": [{"pid": 1, "name": "node", "ageMs": -(10**15)}]},
        {"override": "leaked"},
        {"evidence": [["nested"]]},
    ],
)
def test_a_hostile_plan_is_a_sentence(journal, facts):
    hosts = Spoken(journal, {"alpha": lambda ask: (planned(ask, **facts),)})
    (offer,) = offered(hosts.acts, target("alpha"))
    hosts.acts.close()
    assert offer.plan.refusal is not None
    assert "answer" in offer.reasons[0]


def test_a_refusal_without_a_reason_is_a_refusal(journal):
    hosts = Spoken(journal, {"alpha": lambda ask: (planned(ask, allowed=False),)})
    (offer,) = offered(hosts.acts, target("alpha"))
    hosts.acts.close()
    assert offer.reasons == ("its host refuses this, and gives no reason",)


RUNG = {"name": "stop", "title": "Stop command", "does": "x", "loses": ["y"], "danger": "confirm"}


def ladder_of(ask, **facts):
    body = {"key": ask.target, "root": ask.root, "nothingToCancel": False, "rungs": [RUNG], **facts}
    return AskAnswer(ask.nonce, PLANNED, body={**body, "evidence": ["e"]})


@pytest.mark.parametrize(
    "facts",
    [
        {"key": "agent:another:main"},
        {"root": "/another"},
        {"rungs": [{**RUNG, "danger": "none at all"}]},
        {"rungs": [{**RUNG, "name": "format the disk"}]},
        {"rungs": [RUNG] * 1000},
        {"rungs": [{**RUNG, "name": "restart", "danger": "confirm"}]},
        {"rungs": [{**RUNG, "name": "reset", "danger": "confirm"}]},
        {"holder": 7},
        {"queueDepth": "many"},
    ],
)
def test_a_hostile_ladder_is_a_sentence(journal, facts):
    hosts = Spoken(journal, {"alpha": lambda ask: (ladder_of(ask, **facts),)})
    ((_, ladder),) = hosts.acts.offer_cancels([target("alpha")], nobody)
    hosts.acts.close()
    assert "answer" in ladder.refusal[0]
    assert ladder.rungs == ()


def test_consent_and_evidence_of_a_cancel_are_sent_and_the_next_rung_is_told(journal):
    def alpha(ask):
        if ask.op is Operation.PLAN_CANCEL:
            return (ladder_of(ask),)
        body = {"nextRung": "reset"}
        return (AskAnswer(ask.nonce, "still-rotating", ("it went on",), body),)

    hosts = Spoken(journal, {"alpha": alpha})
    ((row, ladder),) = hosts.acts.offer_cancels([target("alpha")], nobody)
    results = Results()
    hosts.acts.do_cancels([row], [ladder], frozenset(("stop",)), results)
    hosts.acts.close()
    ask = hosts.asked[-1][1]
    assert (ask.allow, ask.evidence, ask.target, ask.root) == (("stop",), ("e",), ladder.key, ladder.root)
    assert (results.words, results.pieces[0].next_rung) == (["still-rotating"], "reset")


@pytest.mark.parametrize(
    ("status", "body"),
    [("all is well\x1b[2J", {}), ("released", {"quarantined": "\x1b[2J", "nextRung": [1]})],
)
def test_a_hostile_outcome_says_no_more_than_it_may(journal, status, body):
    def alpha(ask):
        release = ask.op is Operation.RELEASE
        return (AskAnswer(ask.nonce, status, ("\x1b]0;x\a",), body) if release else planned(ask),)

    hosts = Spoken(journal, {"alpha": alpha})
    results = Results()
    hosts.acts.do_releases(offered(hosts.acts, target("alpha")), results, print)
    hosts.acts.close()
    piece = results.pieces[0]
    assert piece.word == ("released" if status == "released" else "not known")
    assert piece.next_rung is None
    assert not any("\x1b" in sentence for sentence in piece.sentences)


def test_what_this_machine_does_is_never_done_for_a_row_of_a_host(monkeypatch, journal):
    monkeypatch.undo()
    acts = LocalActs(ActionContext(journal=journal, env={}))
    with pytest.raises(ValueError, match="another host"):
        acts.offer_releases([target("alpha")], nobody)
    with pytest.raises(ValueError, match="another host"):
        acts.offer_cancels([target("alpha")], nobody)


def test_a_plan_that_a_host_told_is_never_done_by_this_machine(monkeypatch, journal):
    monkeypatch.undo()
    hosts = Spoken(journal, {"alpha": willing})
    offers = offered(hosts.acts, target("alpha"))
    hosts.acts.close()
    with pytest.raises(ValueError, match="told"):
        LocalActs(ActionContext(journal=journal, env={})).do_releases(offers, Results(), print)
