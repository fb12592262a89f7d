"""The words of the cancel dialogs. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lockdeck.backend.actions.cancel.ladder import Rung
from lockdeck.tui.dialogs.release_lines import field_line, host_line, listed
from lockdeck.tui.operations import Ladder
from lockdeck.tui.targets import Target
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.severity import state_line
from lockdeck.tui.view.symbols import Symbols

_ASKS = {"confirm": "press the button", "reset": "type reset"}
NAME_OF_PROCESS = "type the name of the process"


def facts(target: Target, plan: Ladder, symbols: Symbols) -> list[Line]:
    """Return what names the run, and what is known of its holder."""
    return [*named(target, plan, symbols), *around(plan)]


def named(target: Target, plan: Ladder, symbols: Symbols) -> list[Line]:
    """Return what names the run: session, state, process."""
    rows = [*host_line(target), field_line("session", plan.key)]
    if target.session is not None:
        rows.append((*field_line("state"), *state_line(target.session, symbols)))
    if plan.pid is not None:
        rows.append(field_line("holder", f"pid {plan.pid}, {'the' if plan.is_gateway else 'no'} gateway"))
    return rows


def around(plan: Ladder) -> list[Line]:
    """Return what else is known of the process, and how its gateway is reached."""
    rows = [field_line("command", plan.argv)] if plan.argv else []
    if plan.held:
        rows.append(field_line("it also has", f"{len(plan.held)} more: {', '.join(plan.held)}"))
    if plan.is_gateway:
        route = f", reached by {plan.reached_by}" if plan.reached_by else ", not reached"
        rows.append(field_line("gateway", f"version {plan.version or 'not known'}{route}"))
        rows.append(
            field_line("granted", "the gateway does not tell" if plan.scopes is None else _words(plan.scopes))
        )
    depth = "not known" if plan.queue_depth is None else plan.queue_depth
    rows.append(
        field_line(
            "queue",
            f"{depth} message{'' if depth == 1 else 's'} waiting" if plan.queue_depth is not None else depth,
        )
    )
    return rows


def ladder_lines(target: Target, plan: Ladder, selected: Rung, symbols: Symbols) -> list[Line]:
    """Return the ladder, gentlest first, with the selected rung in full; what else is known may stand below the fold."""
    rows = [line(span("Cancel this run", "heading")), *named(target, plan, symbols), EMPTY]
    rows.append(line(span("Ways to end it, gentlest first", "accent"), span("  (up and down choose)", "dim")))
    for rung in plan.rungs:
        rows += _rung(rung, rung is selected, symbols)
    rows += [EMPTY, *around(plan)]
    rows += listed("Left out", left_out_sentences(plan), symbols, "dim")
    return [*rows, *listed("Mind", plan.notes, symbols, "dim")]


def left_out_sentences(plan: Ladder) -> tuple[str, ...]:
    """Return which rungs a ladder does not have, and why."""
    return tuple(f"{rung.name}: {rung.reason}" for rung in plan.left_out)


def nothing_lines(target: Target, plan: Ladder, symbols: Symbols) -> list[Line]:
    """Return why there is nothing to cancel, or why it is refused."""
    title = "Nothing to cancel" if plan.nothing else "Not cancelled: refused"
    title = "Not known whether anything runs" if plan.not_known else title
    reasons = (*plan.refusal, *plan.not_known, *plan.notes)
    if not (
        plan.refusal or plan.not_known or plan.nothing
    ):  # its host leaves no rung to the role of this deck
        reasons += left_out_sentences(plan)
    return [
        line(span(title, "notice" if plan.nothing else "warning")),
        *listed("Why", reasons, symbols),
        EMPTY,
        *facts(target, plan, symbols),
    ]


def bulk_cancel_lines(
    good: Sequence[tuple[Target, Ladder]], bad: Sequence[tuple[Target, str]], symbols: Symbols
) -> list[Line]:
    """Return which marked sessions would be cancelled and by what, and why the others are not."""
    rows = [line(span(f"Cancel {len(good)} of {len(good) + len(bad)} sessions", "heading"))]
    if good:
        rows += [EMPTY, line(span("Will be cancelled one after another, by the gentle rungs only", "accent"))]
    for target, plan in good:
        rungs = ", then ".join(rung.title for rung in plan.rungs if gentle(rung))
        rows.append(line(span(f" {symbols.dot} ", "dim"), span(f"{target.title}  "), span(rungs, "dim")))
    if bad:
        rows += [EMPTY, line(span("Will not be touched", "warning"))]
    rows += [
        line(span(f" {symbols.dot} ", "dim"), span(f"{target.title}  "), span(reason, "dim", 1000))
        for target, reason in bad
    ]
    return rows


def gentle(rung: Rung) -> bool:
    """Return whether a rung may be done to many at once: it loses no conversation and no other run, and is granted."""
    return rung.danger == "confirm" and not rung.scopes_missing


def why_not_in_bulk(plan: Ladder | None) -> str | None:
    """Say why a marked session is left alone; None: it can be cancelled gently."""
    if plan is None:
        return "this session is not known any more"
    if plan.nothing or plan.refusal or plan.not_known:
        return "; ".join((*plan.refusal, *plan.not_known, *plan.notes)) or "nothing to cancel"
    if not any(gentle(rung) for rung in plan.rungs):
        return "it has no gentle rung: cancel it by itself"
    return None


def _rung(rung: Rung, selected: bool, symbols: Symbols) -> list[Line]:
    lead = symbols.arrow.ljust(2) if selected else "  "
    asks = (
        f"  {', '.join(rung.scopes_missing)} is not granted"
        if rung.scopes_missing
        else f"  {NAME_OF_PROCESS if rung.ends_process else _ASKS[rung.danger]}"
    )
    style = "text" if selected else "dim"
    rows = [
        line(
            span(f" {lead} ", "accent"),
            span(rung.title, "accent" if selected else style),
            span(asks, "warning" if rung.scopes_missing else "dim"),
        )
    ]
    if selected:
        rows.append(line(span(f"    {rung.does}", style, 1000)))
        rows.append(line(span("    costs: ", "dim"), span("; ".join(rung.loses), "dim", 2000)))
    return rows


def _words(scopes: Sequence[str]) -> str:
    return ", ".join(scopes) or "nothing"
