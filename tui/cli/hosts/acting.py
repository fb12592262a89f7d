"""`release`, `cancel` and `journal` on another host: it is asked, proves and decides, and its answer is shown here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
from msgspec.structs import replace

from lockdeck.backend.actions.cancel.records import CANCELLED, NOTHING
from lockdeck.backend.actions.journal import default_journal
from lockdeck.backend.actions.release.records import Status
from lockdeck.backend.hosts.acts import MOST_ENTRIES
from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.asks import PLANNED, REFUSED, UNNAMED, Ask, AskAnswer, Operation
from lockdeck.backend.hosts.conversation import CannotAskError, Conversation, this_person
from lockdeck.backend.hosts.nats.address import FleetHostAddress
from lockdeck.backend.hosts.pacing import PacedConversation
from lockdeck.backend.hosts.told import LadderTold, ReleaseTold, journal_told, told_as
from lockdeck.backend.model.wire import dumps
from lockdeck.tui.cli.hosts.told import (
    GENTLE,
    answer_json,
    ladder_lines,
    outcome_lines,
    release_lines,
)
from lockdeck.tui.cli.output import emit, narrate
from lockdeck.tui.exits import Exit

Address = HostAddress | FleetHostAddress
REACHED = (Status.RELEASED.value, CANCELLED, NOTHING)


def release_there(address: Address, ask: Ask, *, dry_run: bool, as_json: bool) -> Exit:
    """Have a lock released where it is; `ask` names lock and hold. Exit codes as here, 1 where nothing is known."""
    with _speaking_with(address) as host:
        planned = host.ask(replace(ask, op=Operation.PLAN_RELEASE))
        if planned.status != PLANNED:
            return _show(address, ask.target, planned, as_json)
        plan = told_as(planned, ReleaseTold)
        if dry_run or plan.refusal or not plan.allowed:
            if as_json:
                emit(dumps(answer_json(address.name, planned), indent=2))
            else:
                _emit_all(release_lines(plan))
            return Exit.OK if plan.allowed and not plan.refusal else Exit.REFUSED
        if ask.release_id is None:
            raise click.UsageError(f"nothing was done: name the hold with --release-id {plan.release_id}")
        if not as_json:
            _emit_all(release_lines(plan))
        done = host.ask(replace(ask, evidence=plan.evidence))
        return _show(address, ask.target, done, as_json)


def cancel_there(address: Address, asks: Sequence[Ask], *, dry_run: bool, as_json: bool) -> Exit:
    """Have runs ended where they are, one after the other; the worst exit code of all."""
    with _speaking_with(address) as host:
        return max(_cancel(address, host, ask, dry_run, as_json) for ask in asks)


def _cancel(address: Address, host: PacedConversation, ask: Ask, dry_run: bool, as_json: bool) -> Exit:
    planned = host.ask(replace(ask, op=Operation.PLAN_CANCEL))
    if planned.status != PLANNED:
        return _show(address, ask.target, planned, as_json)
    plan = told_as(planned, LadderTold)
    if dry_run:
        if as_json:
            emit(dumps(answer_json(address.name, planned), indent=2))
        else:
            _emit_all(ladder_lines(plan))
        if plan.refusal:
            return Exit.REFUSED
        return Exit.ATTENTION if plan.not_known else Exit.OK
    allow = ask.allow or tuple({rung.consent for rung in plan.rungs if rung.danger == GENTLE})
    narrate(f"{ask.target} on {address.name}:")
    done = host.ask(replace(ask, allow=allow, evidence=plan.evidence))
    return _show(address, ask.target, done, as_json)


def journal_there(address: Address, as_json: bool) -> Exit:
    """Print the newest entries of a host's journal."""
    from lockdeck.tui.cli.journal import entry_line

    with _speaking_with(address) as host:
        answer = host.ask(Ask(UNNAMED, Operation.JOURNAL))
        if answer.status != PLANNED:
            return _show(address, "journal", answer, as_json)
        told = journal_told(answer, MOST_ENTRIES)
    if as_json:
        emit(dumps(answer_json(address.name, answer), indent=2))
    else:
        _emit_all(map(entry_line, told.entries))
        for note in told.notes:
            narrate(note)
    if told.broken_at is not None:
        narrate(
            f"{told.path} on {address.name}: the chain is broken at line {told.broken_at}: {told.problem}"
        )
        return Exit.ATTENTION
    return Exit.OK


@contextmanager
def _speaking_with(address: Address) -> Iterator[PacedConversation]:
    """Have a conversation with a host; what makes it impossible ends the command with exit code 1."""
    talk = Conversation(address.asking, default_journal(), this_person(), _step)
    host = PacedConversation(talk, lambda retry: _step(retry.sentence))
    try:
        yield host
    except CannotAskError as error:
        narrate(f"nothing was done: {error}")
        raise click.exceptions.Exit(Exit.ATTENTION) from None
    except OSError as error:
        narrate(f"nothing was done: the journal here can't be written: {error}")
        raise click.exceptions.Exit(Exit.ATTENTION) from None
    finally:
        host.close()


def _step(sentence: str) -> None:
    narrate(f"  {sentence}")


def _show(address: Address, subject: str, answer: AskAnswer, as_json: bool) -> Exit:
    if as_json:
        emit(dumps(answer_json(address.name, answer), indent=2))
    else:
        _emit_all(outcome_lines(f"{subject} on {address.name}", answer))
    if answer.status in REACHED:
        return Exit.OK
    return Exit.REFUSED if answer.status == REFUSED else Exit.ATTENTION


def _emit_all(lines: Iterator[str]) -> None:
    for line in lines:
        emit(line)
