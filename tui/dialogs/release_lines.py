"""The words of the release dialogs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockdeck.backend.actions.release.newcomers import longest_wait
from lockdeck.backend.actions.release.records import ReleasePlan
from lockdeck.backend.actions.release.sentences import waiting
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import Presence, Verdict
from lockdeck.backend.model.words import date_and_time, duration
from lockdeck.tui.operations import Offer
from lockdeck.tui.targets import Target
from lockdeck.tui.view.advice import advice
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.severity import verdict_line
from lockdeck.tui.view.symbols import Symbols

_FIELD = 12


def field_line(name: str, *values: object) -> Line:
    """Return a line with the name of a fact and the fact."""
    return line(span(f"{name:<{_FIELD}}", "dim"), *(span(value, limit=1000) for value in values))


def host_line(target: Target) -> Iterator[Line]:
    """Yield the host that makes the plan and does it, on a deck of hosts."""
    if target.row.host:
        yield field_line("host", target.row.host)


def listed(title: str, sentences: Sequence[str], symbols: Symbols, style: str = "text") -> Iterator[Line]:
    """Yield a heading and sentences as a list; nothing without sentences."""
    if not sentences:
        return
    yield EMPTY
    yield line(span(title, "accent"))
    for sentence in sentences:
        yield line(span(f" {symbols.dot} ", "dim"), span(sentence, style, 1000))


def identity(offer: Offer, now: float) -> Iterator[Line]:
    """Yield what names the hold: path, session, release id, the process it names."""
    target, plan = offer.target, offer.plan
    view = offer.view
    yield from host_line(target)
    yield field_line("lock", plan.path)
    yield field_line("session", target.session.key if target.session else "none is known for this lock")
    hold = f"release id {plan.release_id}" if plan.release_id else "no release id: it could not be read"
    if view is None:
        yield field_line("hold", hold)
        return
    payload, created = view.record.payload, view.record.created_at
    writer = f"written by pid {payload.pid}" if payload else "its writer is not readable"
    when = "" if created is None else f" at {date_and_time(created)}, {duration(now - created)} ago"
    yield field_line("hold", f"{hold}, {writer}{when}")


def standing(offer: Offer, now: float, symbols: Symbols) -> Iterator[Line]:
    """Yield how the hold stands: transcript, and what the lock is; nothing for a lock that could not be looked at."""
    view, written = offer.view, offer.written_at
    if view is None:
        return
    if isinstance(offer.plan, ReleasePlan):  # of another host's transcript nothing is told
        none = "none stands beside the lock"
        yield field_line(
            "transcript", none if written is None else f"last written {duration(now - written)} ago"
        )
    yield (*field_line("it is"), *verdict_line(view, symbols))


def release_lines(offer: Offer, now: float, symbols: Symbols) -> list[Line]:
    """Return which hold would be released, the proof, and what would be done: the end may stand below the fold."""
    plan = offer.plan
    if plan.override is None:
        heading = line(span("Release this lock?  ", "heading"), span(offer.target.title))
        proof = listed("Why it is safe", plan.safe_because, symbols)
    else:
        heading = line(span("Release this lock on your own word?  ", "warning"), span(offer.target.title))
        reasons = offer.view.judgement.reasons if offer.view else ()
        proof = listed("Not proven to be dead", (*reasons, _ON_YOUR_WORD), symbols)
    return [
        heading,
        *identity(offer, now),
        *proof,
        *listed("What will be done", plan.effects, symbols),
        EMPTY,
        *standing(offer, now, symbols),
        *listed("What happens next", plan.then, symbols, "dim"),
    ]


_ON_YOUR_WORD = "you vouch that this process writes to the session no more: else two may write at once"


TRY_AGAIN = "Nothing holds this lock. When what stands above has passed, look again and press the key again."


def refused_lines(offer: Offer, now: float, symbols: Symbols) -> list[Line]:
    """Return why a release is refused, and what may be done instead."""
    view = offer.view
    instead = () if view is None else (_instead(view),)
    return [
        line(span("Not released: refused", "warning")),
        *listed("Why", offer.reasons, symbols),
        *listed("What may be done instead", instead, symbols),
        EMPTY,
        *identity(offer, now),
        *standing(offer, now, symbols),
    ]


def _instead(view: LockView) -> str:
    if view.record.presence is Presence.ABSENT and view.judgement.verdict is not Verdict.REMOVED:
        return "Nothing: this lock has gone by itself. Close this, and look at the row again."
    return TRY_AGAIN if view.judgement.releasable else advice(view)


def bulk_lines(offers: Sequence[Offer], now: float, symbols: Symbols) -> list[Line]:
    """Return which marked locks would be released, and why the others are not."""
    good = [offer for offer in offers if not offer.reasons]
    bad = [offer for offer in offers if offer.reasons]
    rows = [line(span(f"Release {len(good)} of {len(offers)} locks", "heading"))]
    young = {one.pid: one for offer in good for one in offer.plan.newcomers}
    if young:
        newcomers = tuple(young.values())
        rows += [EMPTY, line(span(waiting(longest_wait(newcomers), newcomers), "notice", 1000))]
    if good:
        rows += [
            EMPTY,
            line(span("Will be released, one after another, each proven again right before", "accent")),
        ]
    for offer in good:
        rows += _item(offer, now, symbols)
    if bad:
        rows += [EMPTY, line(span("Will not be touched", "warning"))]
    for offer in bad:
        rows += _item(offer, now, symbols)
        rows += [line(span("     - ", "dim"), span(reason, "dim", 1000)) for reason in offer.reasons]
    return rows


def _item(offer: Offer, now: float, symbols: Symbols) -> list[Line]:
    view = offer.view
    if view is None:
        return [line(span(f" {symbols.dot} ", "dim"), span(offer.target.title))]
    created = view.record.created_at
    age = f", {duration(now - created)} old" if created is not None else ""
    return [
        line(
            span(f" {symbols.dot} ", "dim"),
            span(f"{offer.target.title}  "),
            *verdict_line(view, symbols),
            span(age, "dim"),
        ),
        line(span(f"   {offer.plan.release_id or '-'}  ", "dim"), span(offer.plan.path, "dim", 1000)),
    ]
