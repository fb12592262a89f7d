"""The words of the release dialogs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockdeck.backend.model.words import date_and_time, duration
from lockdeck.tui.operations import Offer
from lockdeck.tui.view.advice import advice
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.severity import verdict_line
from lockdeck.tui.view.symbols import Symbols

_FIELD = 12


def field_line(name: str, *values: object) -> Line:
    """Return a line with the name of a fact and the fact."""
    return line(span(f"{name:<{_FIELD}}", "dim"), *(span(value, limit=1000) for value in values))


def listed(title: str, sentences: Sequence[str], symbols: Symbols, style: str = "text") -> Iterator[Line]:
    """Yield a heading and sentences as a list; nothing without sentences."""
    if not sentences:
        return
    yield EMPTY
    yield line(span(title, "accent"))
    for sentence in sentences:
        yield line(span(f" {symbols.dot} ", "dim"), span(sentence, style, 1000))


def identity(offer: Offer, now: float, symbols: Symbols) -> Iterator[Line]:
    """Yield what names the hold: path, release id, session, the process it names, transcript, verdict."""
    target, plan = offer.target, offer.plan
    view = plan.view or target.lock
    yield field_line("lock", plan.path)
    yield field_line("release id", plan.release_id or "none: it could not be read")
    yield field_line("session", target.session.key if target.session else "none is known for this lock")
    if view is None:
        return
    payload, created = view.record.payload, view.record.created_at
    yield field_line("written by", f"pid {payload.pid}" if payload else "not readable")
    if created is not None:
        yield field_line("created", f"{date_and_time(created)}, {duration(now - created)} ago")
    written = offer.written_at
    yield field_line(
        "transcript",
        "none stands beside the lock" if written is None else f"last written {duration(now - written)} ago",
    )
    yield (*field_line("verdict"), *verdict_line(view, symbols))


def release_lines(offer: Offer, now: float, symbols: Symbols) -> list[Line]:
    """Return what a release that may be done would do, and why."""
    plan = offer.plan
    return [
        line(span("Release this lock", "heading")),
        EMPTY,
        *identity(offer, now, symbols),
        *listed("Why it is safe", plan.safe_because, symbols),
        *listed("What will be done", plan.effects, symbols),
        *listed("What happens next", plan.then, symbols, "dim"),
    ]


TRY_AGAIN = "Nothing holds this lock. When what stands above has passed, look again and press the key again."


def refused_lines(offer: Offer, now: float, symbols: Symbols) -> list[Line]:
    """Return why a release is refused, and what may be done instead."""
    plan = offer.plan
    view = plan.view or offer.target.lock
    instead = () if view is None else (TRY_AGAIN if view.judgement.releasable else advice(view),)
    reasons = plan.refusal.reasons if plan.refusal else ()
    return [
        line(span("Not released: refused", "warning")),
        *listed("Why", reasons, symbols),
        *listed("What may be done instead", instead, symbols),
        EMPTY,
        *identity(offer, now, symbols),
    ]


def bulk_lines(offers: Sequence[Offer], now: float, symbols: Symbols) -> list[Line]:
    """Return which marked locks would be released, and why the others are not."""
    good = [offer for offer in offers if offer.plan.refusal is None]
    bad = [offer for offer in offers if offer.plan.refusal is not None]
    rows = [line(span(f"Release {len(good)} of {len(offers)} marked locks", "heading"))]
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
        reasons = offer.plan.refusal.reasons if offer.plan.refusal else ()
        rows += [line(span("     - ", "dim"), span(reason, "dim", 1000)) for reason in reasons]
    return rows


def _item(offer: Offer, now: float, symbols: Symbols) -> list[Line]:
    view = offer.plan.view or offer.target.lock
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
