"""`lockdeck replay`: sessions that were occupied, how long and by which attempts, and what the policy says."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from lockdeck.backend.actions.past_cancels import past_cancels
from lockdeck.backend.model.incidents.words import incident_sentence
from lockdeck.backend.model.moments import iso, span_written, written
from lockdeck.backend.model.runs.history import OccupationEnd, PastOccupation
from lockdeck.backend.model.runs.records import Attempt
from lockdeck.backend.model.runs.selection import Selection
from lockdeck.backend.model.timespan import FORMS, Timespan
from lockdeck.backend.model.wire import dumps
from lockdeck.backend.model.words import START_NOT_LOGGED, duration, plain_word, time_taken, times
from lockdeck.backend.openclaw.log.inputs.words import is_stdin
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.backend.watch.logs.replay import EVERYTHING, Replay, replay
from lockdeck.tui.cli.options import Common, PathName, TimeWord, common_options, json_option
from lockdeck.tui.cli.output import emit, narrate
from lockdeck.tui.cli.progress import reading_shown
from lockdeck.tui.cli.replaying.as_json import replay_json
from lockdeck.tui.cli.replaying.asides import asides, selection_asides
from lockdeck.tui.cli.replaying.timeline import timeline_lines
from lockdeck.tui.cli.startup import TYPED_LOG
from lockdeck.tui.exits import Exit


@click.command("replay")
@click.argument("logs", nargs=-1, type=PathName(), metavar="LOG...")
@click.option("--since", type=TimeWord(), metavar="TIME", help=f"Only what went on then or later: {FORMS}.")
@click.option("--until", type=TimeWord(), metavar="TIME", help="Only what went on then or earlier.")
@click.option("--session", metavar="KEY_OR_ID", help="Only the runs of one session.")
@click.option("--run", metavar="ID", help="Only one run.")
@json_option
@common_options
def command(common: Common, logs: tuple[str, ...], as_json: bool, **filters: Any) -> int:
    """Rebuild rotations from logs of the past.

    A LOG is a file, also packed (gzip, xz, bzip2, zstandard), a pipe, - for stdin, a folder, or a quoted pattern
    such as 'logs/**/*.log*'. Files of one log that was rotated are read as one, the oldest first. Those named
    with --log are read too.
    """
    if not (logs or common.logs):
        raise click.UsageError("Missing argument 'LOG...': name a log, or - for stdin")
    for name in ("session", "run"):
        if filters[name] == "":
            raise click.UsageError(f"--{name} is empty: name one, or leave the option out")
    span = Timespan(filters["since"], filters["until"])
    if span.since is not None and span.until is not None and span.since > span.until:
        raise click.UsageError(f"--since {iso(span.since)} is later than --until {iso(span.until)}")
    selection = Selection(span, filters["session"], filters["run"])
    return replay_logs([*logs, *common.logs], as_json, selection)


def replay_logs(words: Sequence[str], as_json: bool, selection: Selection = EVERYTHING) -> Exit:
    """Print the history that the logs tell; 2 when none of them could be read, 1 when no line was understood."""
    if any(map(is_stdin, words)) and sys.stdin.isatty():
        narrate(TYPED_LOG)
    with reading_shown() as report:
        history = replay(words, selection, report, past_cancels().by_run())
    for sentence in (*asides(history), *selection_asides(history, selection)):
        narrate(sentence)
    if not history.lines:
        return Exit.INTERRUPTED if history.interrupted else Exit.USAGE
    if as_json:
        emit(dumps(replay_json(history), indent=2))
    else:
        for line in replay_lines(history):
            emit(line)
    if history.interrupted:
        return Exit.INTERRUPTED
    return Exit.ATTENTION if history.totals.unread and not history.kinds else Exit.OK


def replay_lines(history: Replay) -> Iterator[SafeText]:
    """Render what several sessions had in common, the occupations with their attempts, runs that failed on a lock, the timeline, then figures."""
    yield from _incident_lines(history)
    for past in history.occupations:
        yield _heading(history, past.session_key, past.session_id, past.run_id)
        cancel = history.cancel_of(past)
        yield safe(f"  {_occupied(past)}: {_end(past) if cancel is None else cancel.dated_sentence()}")
        for attempt in past.attempts:
            yield safe(f"    {_attempt(attempt, past.until)}")
        yield safe(f"  policy: {past.policy.sentence}")
    for run in history.runs:
        if run.locked:
            yield _heading(history, run.session_key, run.run.session_id, run.run.run_id)
            yield safe(f"  {run.locked}")
    if history.occupations or any(run.locked for run in history.runs):
        yield SafeText("")
    yield from timeline_lines(history.timeline, history.whole_since)
    if history.timeline:
        yield SafeText("")
    for kind, count in history.kinds.items():
        yield safe(f"{count:>7}  {kind}")
    totals = history.totals
    for sentence in (totals.unread_sentence(), totals.cut_sentence(), totals.zoneless_sentence()):
        if sentence is not None:
            yield safe(sentence)
    runs = sum(bool(past.decisions) for past in history.runs)
    yield safe(
        f"{times(totals.lines, 'line')}, {totals.malformed + totals.oversize} not understood, {times(len(history.runs), 'run')} "
        f"({runs} with decisions), {times(history.unjoined, 'line that names no run', 'lines that name no run')}"
    )


def _incident_lines(history: Replay) -> Iterator[SafeText]:
    for incident in history.incidents:
        yield safe(incident_sentence(incident, written), 4096)
        yield from (safe(f"  {sentence}", 4096) for sentence in incident.evidence)
    if history.incidents:
        yield SafeText("")


def _heading(history: Replay, key: str | None, session_id: str | None, run_id: str) -> SafeText:
    name = key or (f"session {session_id}" if session_id else "session not known")
    source = history.source_of(run_id)
    return safe(f"{name}  run {run_id}" + (f"  in {source}" if source else ""))


def _occupied(past: PastOccupation) -> str:
    occupied = time_taken(_seconds(past.ms), assumed=past.since_assumed)
    held = time_taken(_seconds(past.held_ms), assumed=past.held_assumed)
    return f"occupied {occupied} {span_written(past.since, past.until)}, locked {held}"


def _end(past: PastOccupation) -> str:
    """Return how it ended; the end of a log is told apart from the end of a run."""
    goes_on = duration(past.log_goes_on_s or 0.0)
    if past.log_goes_on_untold:
        goes_on = "a time that no line tells"
    ends = f"the log ends {goes_on} later" if past.log_goes_on_s else "the log ends here"
    return {
        OccupationEnd.LOGGED: past.outcome.value if past.outcome else "",
        OccupationEnd.WENT_ON: "the run went on later",
        OccupationEnd.LOG_ENDS: f"end not logged: {ends}; the run may have gone on",
        OccupationEnd.NOT_LOGGED: "end not logged"
        if past.log_goes_on_s is None and not past.log_goes_on_untold
        else f"end not logged, and the log goes on for {goes_on}",
    }[past.ending]


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _attempt(attempt: Attempt, until: float) -> str:
    route = attempt.profile or "/".join(part for part in (attempt.provider, attempt.model) if part) or "?"
    lasted = time_taken(attempt.duration_s(until), assumed=attempt.start_assumed)
    start = f"  ({START_NOT_LOGGED})" if attempt.start_assumed else ""
    decision = f" -> {plain_word(attempt.decision)}" if attempt.decision else ""
    return f"attempt {attempt.index}  {route}  {lasted}  {plain_word(attempt.reason or '-')}{decision}{start}"
