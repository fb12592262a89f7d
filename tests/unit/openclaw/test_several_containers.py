"""Several containers in one stream tell what their logs tell one by one: nothing but what lines say joins them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockdeck.backend.openclaw.log.datings import MOST_ORIGINS
from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts
from lockdeck.backend.watch.logs import past as past_module
from lockdeck.backend.watch.logs.replay import Replay, replay
from tests.folders import LIVE_RECORDINGS
from tests.unit.openclaw.wrappers import (
    HANG,
    Line,
    clocked,
    console,
    console_json,
    lines_of,
    openclaw_logs,
    recorded,
    rendered,
    saved,
    terminal,
    tslog,
    undated,
)

ID = re.compile(r"\b(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32})\b")
FORMS = (tslog, console, console_json, openclaw_logs, terminal, clocked, undated)
SCENARIOS = {
    HANG: recorded(HANG),
    "2026.9.6-hang-whole-chain": recorded("2026.9.6-hang-whole-chain"),
    "2026.7.35-hang": lines_of(LIVE_RECORDINGS / "2026.7.35-hang.log"),
    "2026.4.5-incident-error429": recorded("2026.4.5-incident-error429"),
}
TELLS_NO_TAG = frozenset({"kubetail"})
"""Where no time stands between name and tag, the name looks like a tag of OpenClaw's."""
Named = Callable[[Line, str, str], str]


def _iso(line: Line) -> str:
    return line.strf("%Y-%m-%dT%H:%M:%S.%f000Z")


def _json(line: Line, fields: dict[str, object]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


NAMED: dict[str, Named] = {
    "kubectl --prefix": lambda line, text, name: f"[pod/claw-{name}/gateway] {text}",
    "kubectl --prefix --timestamps": lambda line, text, name: (
        f"[pod/claw-{name}/gateway] {_iso(line)} {text}"
    ),
    "compose": lambda line, text, name: f"\x1b[36mgateway-{name}  | \x1b[0m{text}",
    "compose -t": lambda line, text, name: f"gateway-{name}  | {_iso(line)} {text}",
    "stern": lambda line, text, name: f"claw-{name} gateway {text}",
    "stern json": lambda line, text, name: _json(
        line, {"message": text, "namespace": "d", "podName": f"claw-{name}", "containerName": "g"}
    ),
    "syslog": lambda line, text, name: f"<30>{line.strf('%b %d %H:%M:%S')} host-{name} node[814]: {text}",
    "journal short-iso": lambda line, text, name: (
        f"{line.strf('%Y-%m-%dT%H:%M:%S+0000')} host-{name} n[8]: {text}"
    ),
    "journal json": lambda line, text, name: _json(
        line,
        {"__REALTIME_TIMESTAMP": str(round(line.at.timestamp() * 1e6)), "_HOSTNAME": name, "MESSAGE": text},
    ),
    "journal json of containers": lambda line, text, name: _json(
        line,
        {
            "__REALTIME_TIMESTAMP": str(round(line.at.timestamp() * 1e6)),
            "_HOSTNAME": "host",
            "CONTAINER_NAME": f"claw-{name}",
            "MESSAGE": text,
        },
    ),
    "journal export": lambda line, text, name: (
        f"__CURSOR=s=1\n__REALTIME_TIMESTAMP={round(line.at.timestamp() * 1e6)}\n_HOSTNAME={name}\nMESSAGE={text}\n"
    ),
    "fluentd": lambda line, text, name: _json(
        line,
        {"log": f"{text}\n", "stream": "stderr", "time": _iso(line), "container_name": f"/claw-{name}"},
    ),
    "fly": lambda line, text, name: f"{line.strf('%Y-%m-%dT%H:%M:%SZ')} app[{name}] iad [info]{text}",
    "pm2 logs": lambda line, text, name: f"{name}|openclaw | {text}",
    "kubetail": lambda line, text, name: f"[claw-{name}] {text}",
    "grep -H": lambda line, text, name: f"host-{name}/gateway.log:{text}",
    "syslog around compose": lambda line, text, name: (
        f"<30>1 {_iso(line)} host-{name} compose 814 - - gateway-1  | {text}"
    ),
}


def renamed(lines: list[Line], number: int) -> list[Line]:
    """Return the lines of another gateway: the same happened there to sessions of the same keys, under other ids."""

    def other(match: re.Match[str]) -> str:
        digest = hashlib.sha256(f"{number} {match[0]}".encode()).hexdigest()
        return "".join(digest[place] if c != "-" else c for place, c in enumerate(match[0]))

    return [
        Line(
            line.at,
            ID.sub(other, line.raw),
            line.level,
            line.subsystem,
            ID.sub(other, line.message),
            None if line.meta is None else json.loads(ID.sub(other, json.dumps(line.meta))),
        )
        for line in lines
    ]


def told(past: Replay) -> tuple[object, ...]:
    """Return all that is told of runs, in an order of its own; incidents of a provider are those of all sources at once."""
    runs = sorted(
        (
            (
                *(p.run.run_id, p.session_key, p.run.session_id, p.run.outcome, len(p.run.facts), p.locked),
                *((a.reason, a.decision, a.duration_s(0.0)) for a in p.run.attempts),
                *((d.event.decision, d.event.reason) for d in p.decisions),
            )
            for p in past.runs
        ),
        key=repr,
    )
    occupations = sorted(
        ((o.run_id, o.session_key, o.ms, o.held_ms, o.ending, o.log_goes_on_s) for o in past.occupations),
        key=repr,
    )
    timeline = sorted(
        (
            (h.kind, h.subject.session_key, h.run_id, h.before_run, h.count)
            for h in past.timeline
            if h.kind != "incident"
        ),
        key=repr,
    )
    return runs, occupations, timeline, past.kinds, past.unjoined, past.totals.unread


def together(*histories: Replay) -> tuple[object, ...]:
    """Return what separate histories tell together."""
    parts = [told(past) for past in histories]
    lists = [sorted((item for part in parts for item in part[place]), key=repr) for place in range(3)]
    kinds: dict[str, int] = {}
    for past in histories:
        kinds = {name: kinds.get(name, 0) + past.kinds.get(name, 0) for name in {*kinds, *past.kinds}}
    return (*lists, kinds, sum(part[4] for part in parts), sum(part[5] for part in parts))


def interleaved(logs: list[list[str]], order: list[int]) -> bytes:
    """Merge the lines of several logs; `order` says whose line comes next, then the rest in turns."""
    rests = [list(log) for log in logs]
    merged = []
    turns = iter(order)
    while any(rests):
        number = next(turns, None)
        place = min(number if number is not None else len(merged), 10**9) % len(rests)
        while not rests[place]:
            place = (place + 1) % len(rests)
        merged.append(rests[place].pop(0))
    return "".join(f"{text}\n" for text in merged).encode()


def containers(lines: list[Line], form: Callable[[Line], str], wrap: Named, number: int) -> list[list[str]]:
    return [[wrap(line, form(line), str(n)) for line in renamed(lines, n)] for n in range(1, number + 1)]


def as_separate(folder: Path, logs: list[list[str]]) -> tuple[object, ...]:
    raws = ["".join(f"{text}\n" for text in log).encode() for log in logs]
    return together(*(replay([saved(folder, raw, f"{n}.txt")]) for n, raw in enumerate(raws)))


@pytest.mark.parametrize("name", NAMED)
def test_several_containers_in_one_stream_tell_what_their_logs_tell_one_by_one(name: str, tmp_path: Path):
    for form in FORMS[:-1] if name in TELLS_NO_TAG else FORMS:
        for scenario, lines in SCENARIOS.items():
            logs = containers(lines, form, NAMED[name], 3)
            past = replay([saved(tmp_path, interleaved(logs, []))])
            assert told(past) == as_separate(tmp_path, logs), (form.__name__, scenario)
            assert len(past.sources) == 3 or not past.runs


def test_containers_of_different_incidents_and_zones_stay_apart(tmp_path: Path):
    wrap = NAMED["compose"]
    logs = [
        [wrap(line, form(line), str(n)) for line in renamed(lines, n)]
        for n, (lines, form) in enumerate(
            zip(SCENARIOS.values(), (clocked, console, undated, tslog), strict=True)
        )
    ]
    past = replay([saved(tmp_path, interleaved(logs, [3, 3, 0, 1, 2] * 40))])
    assert told(past) == as_separate(tmp_path, logs)


def test_the_source_of_a_run_is_shown_where_there_are_several(tmp_path: Path):
    lines = SCENARIOS[HANG]
    logs = containers(lines, console, NAMED["kubectl --prefix"], 2)
    path = saved(tmp_path, interleaved(logs, []))
    past = replay([path])
    names = {past.source_of(p.run.run_id) for p in past.runs}
    assert names == {f"pod/claw-{n}/gateway of {path}" for n in (1, 2)}
    assert {h.source for h in past.timeline if h.kind != "incident"} == names
    assert {source.origins for source in past.sources} == {("pod/claw-1/gateway",), ("pod/claw-2/gateway",)}
    alone = replay([saved(tmp_path, interleaved(logs[:1], []))])
    assert {alone.source_of(p.run.run_id) for p in alone.runs} == {None}
    assert [source.origins for source in alone.sources] == [()]


def test_a_pod_that_takes_over_the_sessions_of_another_is_of_one_source_with_it(tmp_path: Path):
    lines = renamed(SCENARIOS[HANG], 1)
    wrap = NAMED["kubectl --prefix"]
    half = len(lines) // 2
    texts = [wrap(line, console(line), "1" if n < half else "2") for n, line in enumerate(lines)]
    plain = replay([saved(tmp_path, rendered(lines, console))])
    past = replay([saved(tmp_path, "".join(f"{text}\n" for text in texts).encode())])
    assert told(past)[:2] == told(plain)[:2]


def test_parts_of_lines_of_several_containers_are_put_together_apart():
    lines = SCENARIOS[HANG][:40]
    parts = []
    for first, second in zip(renamed(lines, 1), renamed(lines, 2), strict=True):
        halves = [(line.raw[:300], line.raw[300:]) for line in (first, second)]
        for place in (0, 1):
            for name, half in zip("12", halves, strict=True):
                end = "\n" if place else ""
                fields = {"log": half[place] + end, "stream": "stderr", "container_name": name}
                parts.append(json.dumps(fields, separators=(",", ":")))
    events = [event for n in (1, 2) for event in _events(rendered(renamed(lines, n), tslog))]
    got = _events("".join(f"{part}\n" for part in parts).encode())
    assert sorted(map(repr, got)) == sorted(map(repr, events))


def _events(raw: bytes) -> list[object]:
    stream, counts = EventStream(), LineCounts()
    return [*stream.feed(raw, counts), *stream.finish(counts)]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(SCENARIOS)), st.sampled_from(FORMS)), min_size=1, max_size=4),
    st.sampled_from(sorted(NAMED.keys() - TELLS_NO_TAG)),
    st.lists(st.integers(0, 3), max_size=300),
)
def test_whatever_containers_write_and_however_they_are_mixed(
    tmp_path_factory: pytest.TempPathFactory,
    incidents: list[tuple[str, Callable[[Line], str]]],
    wrap: str,
    order: list[int],
):
    folder = tmp_path_factory.mktemp("mixed")
    logs = [
        [NAMED[wrap](line, form(line), str(n)) for line in renamed(SCENARIOS[name], n)]
        for n, (name, form) in enumerate(incidents)
    ]
    assert told(replay([saved(folder, interleaved(logs, order))])) == as_separate(folder, logs)


def test_lines_of_many_further_containers_are_folded_together(tmp_path, monkeypatch):
    batches = []
    real = past_module.fold_all
    monkeypatch.setattr(
        past_module, "fold_all", lambda book, events: batches.append(len(events)) or real(book, events)
    )
    line = "2026-05-09T10:04:23Z [agent] embedded run timeout: runId=r{0} sessionId=s{0} timeoutMs=1000"
    text = "".join(f"[pod/claw-{number}/gateway] {line.format(number)}\n" for number in range(1000))
    history = replay([saved(tmp_path, text.encode())])
    assert (len(history.runs), len(batches)) == (1000, MOST_ORIGINS + 1)
    assert "more than 100 sources" in " ".join(history.problems)
