"""Actions on a deck of hosts: each host makes the plan, proves, decides and acts; here it is asked and listened to."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.addresses import DeckAddresses
from lockdeck.backend.hosts.asks import PLANNED, UNNAMED, Ask, Operation, RetryAfter
from lockdeck.backend.hosts.conversation import CannotAskError, LinkTo
from lockdeck.backend.hosts.told import NO_REASON, LadderTold, ReleaseTold, told_as
from lockdeck.backend.model.locks import Verdict
from lockdeck.tui.acting.counterparts import Counterpart, Counterparts, each_host
from lockdeck.tui.acting.outcomes import not_asked, outcome_piece
from lockdeck.tui.jobs import WORKING, Piece
from lockdeck.tui.operations import Ladder, Later, Offer, Planned, Remaining, Tell
from lockdeck.tui.targets import Target
from lockdeck.tui.view.hosts import done_there
from lockdeck.tui.view.printed.commands import end_command, release_command

Plan = TypeVar("Plan")


class AskedActs:
    """Asks the host of each target; see `Acts`. Hosts are asked at the same time, the rows of one one after the other.

    No code of this machine plans or does anything here, whatever a target says.
    """

    def __init__(self, addresses: DeckAddresses, journal: Journal, link_to: LinkTo | None = None) -> None:
        self._hosts = Counterparts(addresses, journal, link_to)

    def offer_releases(self, targets: Sequence[Target], remaining: Remaining) -> tuple[Offer, ...]:
        """See Acts."""
        on_word = len(targets) == 1

        def plan(target: Target) -> Offer:
            if target.lock is None:
                raise CannotAskError("this session has no lock")
            return Offer(target, _release_plan(self._hosts.of(target), target, on_word=on_word))

        def refusal(target: Target, error: CannotAskError) -> Offer:
            command = release_command(target.lock) if target.lock is not None else ""
            reasons = _why_not_asked(target, error, command)
            return Offer(target, _unplanned(_lock_path(target), target.release_id, reasons))

        return _planned(targets, plan, refusal, remaining)

    def wait_until_quiet(
        self, offers: Sequence[Offer], tell: Callable[[float], object], over: threading.Event
    ) -> None:
        """See Acts: the host has said how long."""
        for seconds in range(math.ceil(max(offer.plan.wait_s for offer in offers)), 0, -1):
            tell(seconds)
            if over.wait(1.0):
                return

    def do_releases(self, offers: Sequence[Offer], tell: Tell, _later: Later) -> None:
        """See Acts. Who takes a lock next is seen in its row."""

        def ask(index: int) -> Ask:
            plan = offers[index].plan
            if not isinstance(plan, ReleaseTold) or plan.refusal is not None or plan.release_id is None:
                raise CannotAskError("its host has told no plan for this")
            return Ask(
                UNNAMED,
                Operation.RELEASE,
                _lock_path(offers[index].target),
                release_id=plan.release_id,
                evidence=plan.evidence,
                override=plan.path if plan.override is not None else "",
            )

        self._act([offer.target for offer in offers], ask, tell)

    def offer_cancels(self, targets: Sequence[Target], remaining: Remaining) -> tuple[Planned, ...]:
        """See Acts."""

        def plan(target: Target) -> Planned:
            return target, _ladder(self._hosts.of(target), target)

        def refusal(target: Target, error: CannotAskError) -> Planned:
            command = end_command(target.session) if target.session is not None else ""
            reasons = _why_not_asked(target, error, command)
            return target, LadderTold(target.row.name, target.row.root, nothing=False, refusal=reasons)

        return _planned(targets, plan, refusal, remaining)

    def do_cancels(
        self, targets: Sequence[Target], ladders: Sequence[Ladder], allow: frozenset[str], tell: Tell
    ) -> None:
        """See Acts."""

        def ask(index: int) -> Ask:
            ladder = ladders[index]
            if not isinstance(ladder, LadderTold):
                raise CannotAskError("its host has told no ladder for this")
            return Ask(
                UNNAMED,
                Operation.CANCEL,
                ladder.key,
                root=ladder.root,
                evidence=ladder.evidence,
                allow=tuple(sorted(allow)),
            )

        self._act(targets, ask, tell)

    def stop(self) -> None:
        """See Acts."""
        self._hosts.stop()

    def close(self) -> None:
        """See Acts."""
        self._hosts.close()

    def _act(self, targets: Sequence[Target], ask_for: Callable[[int], Ask], tell: Tell) -> None:
        """Have each host do what it is asked for, and tell each step and each result as it comes."""

        def work(indices: Sequence[int]) -> None:
            for index in indices:
                target = targets[index]
                try:
                    tell(index, _acted(self._hosts.of(target), target, ask_for(index), partial(tell, index)))
                except CannotAskError as error:
                    tell(index, not_asked(target, error))

        each_host(targets, work)


def _acted(host: Counterpart, target: Target, ask: Ask, tell: Callable[[Piece], None]) -> Piece:
    """Ask for what acts, telling its steps; return the result."""
    piece = Piece(target, WORKING, sentences=(f"asking {target.row.host}",))
    tell(piece)

    def hear(sentence: str) -> None:
        nonlocal piece
        piece = replace(piece, paced=False).with_sentence(sentence)
        tell(piece)

    def wait_for(retry: RetryAfter) -> None:
        tell(replace(piece, paced=True, sentences=(retry.sentence,)))

    return outcome_piece(target, host.ask(ask, hear, wait_for))


def _planned(
    targets: Sequence[Target],
    plan: Callable[[Target], Plan],
    refusal: Callable[[Target, CannotAskError], Plan],
    remaining: Remaining,
) -> tuple[Plan, ...]:
    """Return a plan for each target, in their order; where its host can't tell one, the refusal that says why."""
    plans: dict[int, Plan] = {}

    def work(indices: Sequence[int]) -> None:
        for index in indices:
            try:
                plans[index] = plan(targets[index])
            except CannotAskError as error:
                plans[index] = refusal(targets[index], error)
            remaining(len(targets) - len(plans))

    each_host(targets, work)
    return tuple(plans[index] for index in range(len(targets)))


def _why_not_asked(target: Target, error: CannotAskError, command: str) -> tuple[str, ...]:
    """Return why the host of a row was not asked, and how a person does it there."""
    if not (target.row.host and command):
        return (str(error),)
    return (str(error), done_there(target.row.host, command))


def _release_plan(host: Counterpart, target: Target, *, on_word: bool) -> ReleaseTold:
    """Have a release planned; what only a person's word can release is planned on that word, where one is given."""
    ask = Ask(UNNAMED, Operation.PLAN_RELEASE, _lock_path(target), release_id=target.release_id)
    plan = _told_release(host, ask)
    leaked = target.lock is not None and target.lock.judgement.verdict is Verdict.LEAKED
    if plan.refusal is not None and leaked and on_word:
        by_word = _told_release(host, replace(ask, override=ask.target))
        plan = by_word if by_word.refusal is None else plan
    return plan


def _told_release(host: Counterpart, ask: Ask) -> ReleaseTold:
    answer = host.ask(ask)
    if answer.status != PLANNED:
        return _unplanned(ask.target, ask.release_id, answer.sentences)
    plan = told_as(answer, ReleaseTold)
    if plan.path != ask.target or (
        plan.refusal is None and plan.release_id != (ask.release_id or plan.release_id)
    ):
        raise CannotAskError("its answer is about another lock")
    if plan.override is not None and not ask.override:
        raise CannotAskError("its answer goes by a word that nobody gave")
    return plan


def _unplanned(path: str, release_id: str | None, reasons: tuple[str, ...]) -> ReleaseTold:
    """Return what stands for the plan that a host did not make of a hold."""
    return ReleaseTold(path, allowed=False, release_id=release_id, reasons=reasons)


def _ladder(host: Counterpart, target: Target) -> LadderTold | None:
    if target.session is None:
        return None
    session = target.session
    answer = host.ask(Ask(UNNAMED, Operation.PLAN_CANCEL, session.key, root=session.root))
    if answer.status != PLANNED:
        return LadderTold(session.key, session.root, nothing=False, refusal=answer.sentences or (NO_REASON,))
    ladder = told_as(answer, LadderTold)
    if (ladder.key, ladder.root) != (session.key, session.root):
        raise CannotAskError("its answer is about another session")
    return ladder


def _lock_path(target: Target) -> str:
    return target.row.name if target.lock is None else target.lock.record.path
