"""FollowUp logs: nothing is lost or told twice across rotation, truncation, midnight and half lines."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockdeck.backend.model.runs.events import LockBlocked, RunTimeout, WatchdogRelease
from lockdeck.backend.openclaw.log.place import LogPlace
from lockdeck.backend.openclaw.log.stream import MAX_LINE
from lockdeck.backend.watch.logs import tail as tail_module
from lockdeck.backend.watch.logs.directory import LogDirectory, usual_directories
from lockdeck.backend.watch.logs.tail import LogTail
from tests.folders import RECORDINGS
from tests.reading import read_events

NOW = 1795340967.0
HANG = RECORDINGS / "2026.4.5-incident-hang" / "gateway.log"


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def line(run: str, at: float = NOW, pad: int = 0) -> bytes:
    text = f"embedded run timeout: runId={run} sessionId=s timeoutMs=1 {'x' * pad}"
    return b'{"0":"{}","1":"%s","_meta":{"runtime":"node","date":"%s"}}\n' % (
        text.encode(),
        stamp(at).encode(),
    )


BLOCKED = b"session file locked (timeout 1ms): pid=1 /s/h.jsonl.lock\n"


def runs(poll) -> list[str]:
    return [event.run_id for event in poll.events if isinstance(event, RunTimeout)]


def write(path: Path, raw: bytes, mode: str = "ab", at: float = NOW) -> None:
    with path.open(mode) as file:
        file.write(raw)
    os.utime(path, (at, at))


@pytest.fixture
def log(tmp_path):
    return tmp_path / "openclaw-2026-11-22.log"


@pytest.fixture
def follow(tmp_path):
    """Build tails that are closed at the end; by default of the directory of `log`."""
    made = []

    def build(files=(), directories=None, **options):
        directories = [LogDirectory(str(tmp_path))] if directories is None else directories
        made.append(LogTail([str(f) for f in files], directories, **options))
        return made[-1]

    yield build
    for one in made:
        one.close()


def test_every_appended_event_is_told_once(log, follow):
    tail = follow()
    assert runs(tail.poll(NOW)) == []
    write(log, line("a") + line("b"))
    assert runs(tail.poll(NOW)) == ["a", "b"]
    assert runs(tail.poll(NOW)) == []
    write(log, line("c"))
    poll = tail.poll(NOW)
    assert runs(poll) == ["c"]
    assert (poll.counts.lines, poll.counts.relevant, poll.behind, poll.problems) == (1, 1, 0, ())


def test_a_half_written_line_waits_for_its_end(log, follow):
    tail, whole = follow(), line("a")
    for cut in (1, 60, len(whole) - 1):
        write(log, whole[:cut], "wb")
        tail = follow()
        assert runs(tail.poll(NOW)) == []
        write(log, whole[cut:] + line("b"))
        assert runs(tail.poll(NOW)) == ["a", "b"]


def test_a_rename_rotation_loses_nothing_and_repeats_nothing(log, follow):
    tail = follow()
    write(log, line("a"))
    assert runs(tail.poll(NOW)) == ["a"]
    write(log, line("b"))
    log.rename(log.with_name("openclaw-2026-11-22.1.log"))
    write(log, line("c"))
    assert sorted(runs(tail.poll(NOW))) == ["b", "c"]
    write(log.with_name("openclaw-2026-11-22.1.log"), line("late"))
    assert runs(tail.poll(NOW)) == ["late"]


def test_midnight_brings_a_new_name_and_the_old_file_is_read_to_its_end(log, follow):
    tail = follow()
    write(log, line("a"))
    tail.poll(NOW)
    write(log, line("b"))
    write(log.with_name("openclaw-2026-11-23.log"), line("c", NOW + 1))
    assert runs(tail.poll(NOW + 1)) == ["b", "c"]


def test_the_first_look_reaches_back_across_midnight(log, follow):
    write(log, line("too old", NOW - 3700) + line("yesterday", NOW - 3500), at=NOW - 3500)
    write(log.with_name("openclaw-2026-11-23.log"), line("today"))
    assert runs(follow().poll(NOW)) == ["yesterday", "today"]


def test_a_log_that_was_silent_for_longer_than_the_lookback_is_read_when_it_wakes(log, follow):
    write(log, line("old", NOW - 9000), at=NOW - 9000)
    tail = follow()
    assert runs(tail.poll(NOW)) == []
    write(log, line("new"))
    assert runs(tail.poll(NOW)) == ["new"]


def test_the_first_look_is_bounded_in_bytes_and_starts_with_a_whole_line(log, follow):
    write(log, b"".join(line(f"r{i}") for i in range(100)))
    size = len(line("r99"))
    poll = follow(lookback=size * 2 + 10).poll(NOW)
    assert runs(poll) == ["r98", "r99"]
    assert poll.counts.bytes == size * 2 + 10


def test_the_rest_of_a_line_that_began_before_the_first_look_is_no_line(log, follow):
    write(log, b"x" * 500 + b" " + BLOCKED + line("a"))
    assert [type(event) for event in follow(lookback=400).poll(NOW).events] == [RunTimeout]


def test_truncation_starts_again_from_the_beginning(log, follow):
    tail = follow()
    write(log, line("a") + line("b") + b"half a line")
    tail.poll(NOW)
    write(log, line("c"), "wb")
    assert runs(tail.poll(NOW)) == ["c"]


def test_a_truncated_file_that_has_grown_past_our_place_is_noticed(log, follow):
    tail = follow()
    write(log, line("a"))
    tail.poll(NOW)
    write(log, b"".join(line(f"n{i}") for i in range(9)), "wb")
    assert runs(tail.poll(NOW)) == [f"n{i}" for i in range(9)]


def test_a_deleted_file_is_read_to_its_end_and_let_go(log, follow):
    tail = follow()
    write(log, line("a"))
    tail.poll(NOW)
    write(log, line("b"))
    log.unlink()
    assert runs(tail.poll(NOW)) == ["b"]
    assert not tail._followed
    write(log, line("c"))
    assert runs(tail.poll(NOW)) == ["c"]


def test_a_deleted_file_is_kept_while_there_is_more_to_read(log, follow):
    write(log, b"".join(line(f"r{i}") for i in range(1000)))
    tail, told = follow(budget=64 * 1024), []
    poll = tail.poll(NOW)
    log.unlink()
    while poll.counts.bytes:
        told += runs(poll)
        poll = tail.poll(NOW)
    assert told == [f"r{i}" for i in range(1000)]
    assert not tail._followed


def test_a_replaced_file_is_another_file(tmp_path, follow):
    path = tmp_path / "gateway.log"
    tail = follow([path], [])
    write(path, line("a"))
    tail.poll(NOW)
    write(tmp_path / "new", line("b"))
    (tmp_path / "new").replace(path)
    assert runs(tail.poll(NOW)) == ["b"]


def test_old_files_are_let_go_when_their_name_is_gone(tmp_path, follow):
    path = tmp_path / "gateway.log"
    tail = follow([path], [])
    write(path, line("a"))
    tail.poll(NOW)
    path.rename(tmp_path / "elsewhere")
    write(path, line("b"))
    tail.poll(NOW)
    assert len(tail._followed) == 2
    tail.poll(NOW + 4000)
    assert len(tail._followed) == 1


def test_two_writers_of_one_file_are_both_heard(log, follow):
    tail = follow()
    with log.open("ab", buffering=0) as one, log.open("ab", buffering=0) as other:
        for i in range(5):
            one.write(line(f"one{i}"))
            other.write(line(f"other{i}"))
        os.utime(log, (NOW, NOW))
    assert len(runs(tail.poll(NOW))) == 10


def test_junk_between_the_lines_costs_only_itself(log, follow):
    junk = bytes(byte for byte in range(256) if byte != 0x0D) * 40  # a carriage return ends a line
    write(log, line("a") + junk + b"\n" + line("b") + b"{abort settle}\n\x00\xff abort settle \n" + line("c"))
    poll = follow().poll(NOW)
    assert runs(poll) == ["a", "b", "c"]
    assert poll.counts.malformed == poll.counts.lines - 3


def test_a_huge_line_is_counted_and_skipped(log, follow):
    piece = 64 * 1024
    tail = follow(budget=piece)
    huge = line("a") + line("huge", pad=MAX_LINE)[:-1]
    # What is left of the line after it grew too long begins a piece, and reads like a line.
    write(log, huge.ljust(MAX_LINE + piece, b"x") + BLOCKED[:-1])
    found, oversize = [], 0
    poll = tail.poll(NOW)
    while poll.counts.bytes:
        found += poll.events
        oversize += poll.counts.oversize
        assert max(len(one._stream._feed._pending) for one in tail._followed.values()) <= MAX_LINE
        poll = tail.poll(NOW)
    write(log, b"\n" + line("b"))
    assert [event.run_id for event in [*found, *tail.poll(NOW).events]] == ["a", "b"]
    assert oversize == 1


def test_one_poll_reads_no_more_than_its_budget_and_says_what_is_left(log, follow):
    raw = b"".join(line(f"r{i}") for i in range(2000))
    write(log, raw)
    tail = follow(budget=64 * 1024)
    polls = [tail.poll(NOW)]
    while polls[-1].behind:
        polls.append(tail.poll(NOW))
    assert all(poll.counts.bytes <= 64 * 1024 for poll in polls)
    assert polls[0].behind == len(raw) - 64 * 1024
    assert [run for poll in polls for run in runs(poll)] == [f"r{i}" for i in range(2000)]


@pytest.mark.parametrize("kind", ["fifo", "directory", "socket", "link", "loop"])
def test_what_is_no_regular_file_is_named_and_never_opened(log, follow, tmp_path, kind):
    if kind == "fifo":
        os.mkfifo(log)
    elif kind == "directory":
        log.mkdir()
    elif kind == "socket":
        os.mknod(log, 0o600 | 0o140000)
    elif kind == "loop":
        log.symlink_to(log)
    else:
        write(tmp_path / "secret", line("secret"))
        log.symlink_to(tmp_path / "secret")
    poll = follow().poll(NOW)
    assert runs(poll) == []
    assert len(poll.problems) == 1
    assert log.name in poll.problems[0]


def test_a_file_named_by_a_person_may_be_a_link_but_not_a_pipe(tmp_path, follow):
    write(tmp_path / "real", line("a"))
    (tmp_path / "named").symlink_to(tmp_path / "real")
    assert runs(follow([tmp_path / "named"], []).poll(NOW)) == ["a"]
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to pipe").symlink_to(tmp_path / "pipe")
    assert follow([tmp_path / "to pipe"], []).poll(NOW).problems
    assert "does not exist" in follow([tmp_path / "none"], []).poll(NOW).problems[0]
    assert follow(["nul\0byte"], []).poll(NOW).problems


def test_a_directory_that_everybody_can_write_is_not_trusted(log, follow, tmp_path):
    write(log, line("planted"))
    tmp_path.chmod(0o777)
    poll = follow().poll(NOW)
    assert runs(poll) == []
    assert "writable by everybody" in poll.problems[0]
    tmp_path.chmod(0o700)
    (tmp_path / "link").symlink_to(tmp_path)
    assert (
        "not a directory" in follow(directories=[LogDirectory(str(tmp_path / "link"))]).poll(NOW).problems[0]
    )


def test_other_names_in_the_directory_are_left_alone(log, follow):
    for name in (
        "openclaw.log",
        "openclaw-2026-11-22.log.bak",
        "openclaw-2026-11-22.txt",
        "x-openclaw-2026-11-22.log",
    ):
        write(log.with_name(name), line(name))
    assert follow().poll(NOW).counts.bytes == 0


def test_the_same_file_named_twice_is_read_once(log, follow):
    write(log, line("a"))
    assert runs(follow([log, log]).poll(NOW)) == ["a"]


def test_naming_the_places_anew_repeats_nothing(log, tmp_path, follow):
    tail = follow()
    write(log, line("a"))
    tail.poll(NOW)
    write(tmp_path / "more.log", line("b"))
    tail.look_at([str(tmp_path / "more.log")], [LogDirectory(str(tmp_path))])
    assert runs(tail.poll(NOW)) == ["b"]


def test_too_many_logs_are_refused_in_words(tmp_path, follow, monkeypatch):
    monkeypatch.setattr(tail_module, "MAX_FILES", 2)
    for day in (20, 21, 22):
        write(tmp_path / f"openclaw-2026-11-{day}.log", line(f"d{day}"))
    tail = follow()
    poll = tail.poll(NOW)
    assert sorted(runs(poll)) == ["d21", "d22"]
    assert "openclaw-2026-11-20.log" in poll.problems[0]
    assert runs(tail.poll(NOW)) == []


WATCHDOG = b"[session-write-lock] releasing lock held for 5ms (max=4ms): /s/a.jsonl.lock\n"


def test_the_console_is_silent_where_the_json_log_already_tells(log, tmp_path, follow):
    err = tmp_path / "gateway.err.log"
    spoken = f"{stamp(NOW)} [agent] embedded run timeout: runId=a sessionId=s timeoutMs=1\n".encode()
    write(err, spoken + WATCHDOG)
    alone = follow(directories=[], places=[LogPlace(str(err), console=True)])
    assert [type(event) for event in alone.poll(NOW).events] == [RunTimeout]
    write(err, WATCHDOG)
    assert [type(event) for event in alone.poll(NOW).events] == [WatchdogRelease]
    write(log, line("a"))
    both = follow(places=[LogPlace(str(err), console=True)])
    assert [type(event) for event in both.poll(NOW).events] == [RunTimeout]
    write(err, WATCHDOG)
    assert [type(event) for event in both.poll(NOW).events] == [WatchdogRelease]


def test_the_console_speaks_where_the_json_log_has_ended_at_its_size(log, tmp_path, follow):
    err = tmp_path / "gateway.err.log"
    write(
        log,
        line("a", NOW - 60) + b'{"message":"log file size cap reached; suppressing writes"}\n',
        at=NOW - 60,
    )
    tail = follow(places=[LogPlace(str(err), console=True)])
    assert runs(tail.poll(NOW - 60)) == ["a"]
    for run, at in (("a", NOW - 60), ("b", NOW)):
        spoken = f"{stamp(at)} [agent] embedded run timeout: runId={run} sessionId=s timeoutMs=1\n"
        write(err, spoken.encode(), at=at)
    assert runs(tail.poll(NOW)) == ["b"]
    write(log, line("c", NOW + 60), at=NOW + 60)
    write(err, f"{stamp(NOW + 60)} [agent] embedded run timeout: runId=c sessionId=s timeoutMs=1\n".encode())
    assert runs(tail.poll(NOW + 60)) == ["c"]


def test_a_console_line_without_time_repeats_a_json_log_however_late_it_is_found(log, tmp_path, follow):
    err = tmp_path / "gateway.err.log"
    write(log, line("a", NOW - 900), at=NOW - 900)
    write(err, b"")
    tail = follow(places=[LogPlace(str(err), console=True)])
    tail.poll(NOW)
    write(err, b"[agent] embedded run timeout: runId=a sessionId=s timeoutMs=1\n" + WATCHDOG)
    assert [type(event) for event in tail.poll(NOW).events] == [WatchdogRelease]


def test_a_line_without_time_is_as_new_as_the_poll_that_finds_it_and_of_no_time_before_the_first(
    tmp_path, follow
):
    err = tmp_path / "gateway.err.log"
    write(err, WATCHDOG, at=NOW - 100)
    tail = follow(directories=[], places=[LogPlace(str(err), console=True)])
    first = tail.poll(NOW)
    assert (first.events, first.unsure) == ((), ())
    write(err, WATCHDOG)
    assert [event.at for event in tail.poll(NOW + 5).events] == [NOW + 5]


def test_a_line_without_time_that_was_there_before_may_be_of_now_for_an_hour(log, follow):
    write(log, BLOCKED, at=NOW - 100)
    tail = follow()
    first = tail.poll(NOW)
    assert (first.events, len(first.unsure)) == ((), 1)
    assert "1 line tells no date and may be of now or old" in first.unsure[0]
    assert "1 line tells no date" in tail.poll(NOW + 6).unsure[0]
    assert tail.poll(NOW + 4000).unsure == ()


def test_lines_without_a_date_that_are_old_for_sure_are_no_news(log, tmp_path, follow):
    ready = clocked("x", NOW).replace(b"embedded run timeout", b"ready")
    five_hours_ago = clocked("old", NOW - 5 * 3600)
    for raw, at, unsure in (
        (five_hours_ago + ready, NOW, 0),
        (five_hours_ago + five_hours_ago, NOW - 3500, 1),
        (five_hours_ago, NOW - 3700, 0),
        (clocked("a", NOW - 1800) + ready, NOW - 1700, 1),
        (clocked("a", NOW - 1800) + ready, NOW - 1900, 0),
        (BLOCKED + line("dated", NOW - 3700), NOW, 0),
        (BLOCKED + line("dated", NOW - 3500), NOW, 1),
    ):
        write(log, raw, "wb", at=at)
        poll = follow().poll(NOW)
        assert (poll.problems, len(poll.unsure)) == ((), unsure)


def test_lines_without_a_date_are_judged_when_all_of_the_log_is_read(log, follow):
    ready = clocked("x", NOW).replace(b"embedded run timeout", b"ready")
    write(log, clocked("old", NOW - 5 * 3600) + b"x" * 70_000 + b"\n" + ready)
    tail = follow(budget=64 * 1024)
    assert tail.poll(NOW).behind > 0
    assert tail.poll(NOW).behind == 0
    assert tail.poll(NOW).unsure == ()


def clocked(run: str, at: float, zone: str = "") -> bytes:
    clock = datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
    return f"{clock}{zone} [agent] embedded run timeout: runId={run} sessionId=s timeoutMs=1\n".encode()


@pytest.mark.parametrize("ahead", [0.0, 3600.0, -12600.0, 20700.0])
def test_a_clock_that_agrees_with_its_arrival_in_one_zone_has_the_date_of_it(log, follow, ahead):
    write(log, clocked("old", NOW - 60 + ahead))
    tail = follow()
    assert runs(tail.poll(NOW)) == []
    write(log, clocked("a", NOW - 2 + ahead))
    assert [event.at for event in tail.poll(NOW).events] == [NOW - 2]
    write(log, clocked("b", NOW + 3 + ahead))
    assert [event.at for event in tail.poll(NOW + 3).events] == [NOW + 3]
    write(log, clocked("another zone", NOW + 4 + ahead + 3600))
    poll = tail.poll(NOW + 4)
    assert runs(poll) == []
    assert "2 lines tell no date" in poll.unsure[0]


def test_a_clock_that_tells_its_zone_has_the_date_of_its_arrival_in_that_zone_only(log, follow):
    tail = follow()
    write(log, b"")
    tail.poll(NOW)
    write(log, clocked("a", NOW - 1 + 7200, "+02:00") + clocked("b", NOW - 1 + 7200, "+01:00"))
    assert runs(tail.poll(NOW)) == ["a"]


def test_a_clock_that_arrives_long_after_its_time_has_no_date(log, follow):
    tail = follow()
    write(log, b"")
    tail.poll(NOW)
    write(log, clocked("late", NOW - 300))
    assert runs(tail.poll(NOW)) == []


def test_lines_read_behind_their_writer_are_not_as_new_as_the_poll(log, follow):
    size = 64 * 1024
    tail = follow(budget=size)
    write(log, b"")
    tail.poll(NOW)
    write(log, b"x" * size + b"\n" + clocked("behind", NOW))
    assert runs(tail.poll(NOW)) == []
    assert runs(tail.poll(NOW)) == []
    write(log, clocked("a", NOW))
    assert runs(tail.poll(NOW)) == ["a"]


def test_replay_and_tail_tell_the_same(log, follow):
    write(log, HANG.read_bytes())
    replayed = sorted(read_events(log), key=lambda event: event.at)
    tail, told = follow(budget=64 * 1024, lookback_s=1e9), []
    poll = tail.poll(NOW)
    while poll.counts.bytes:
        told += poll.events
        poll = tail.poll(NOW)
    assert told == replayed
    assert len(told) > 90


def test_a_lock_timeout_in_a_line_of_its_own_is_heard(log, follow):
    write(log, f"{stamp(NOW)} [x] session file locked (timeout 10000ms): pid=7 /s/a b.jsonl.lock\n".encode())
    (event,) = follow().poll(NOW).events
    assert isinstance(event, LockBlocked)
    assert event.lock_timeout.path == "/s/a b.jsonl.lock"


def test_the_usual_places_are_openclaws():
    assert [place.path for place in usual_directories(501, "/var/tmp")] == [
        "/tmp/openclaw",
        "/var/tmp/openclaw-501",
    ]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=settings.default.max_examples * 2 // 5,
)
@given(
    steps=st.lists(st.sampled_from(["append", "half", "rotate", "midnight", "poll"]), min_size=1, max_size=10)
)
def test_any_life_of_a_log_tells_every_line_once(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("life")
    day, expected, told = 10, [], []
    log = folder / f"openclaw-2026-11-{day}.log"
    tail = LogTail(directories=[LogDirectory(str(folder))])
    tail.poll(NOW)
    for serial, step in enumerate([*steps, "poll"]):
        raw = line(f"r{serial}")
        if step in ("append", "half"):
            write(log, raw[: len(raw) // 2])
            if step == "half":
                told += runs(tail.poll(NOW))
            write(log, raw[len(raw) // 2 :])
            expected.append(f"r{serial}")
        elif step == "rotate" and log.exists():
            for n in (4, 3, 2, 1):
                older = log.with_suffix(f".{n}.log")
                if older.exists():
                    older.rename(log.with_suffix(f".{n + 1}.log"))
            log.rename(log.with_suffix(".1.log"))
        elif step == "midnight":
            day += 1
            log = folder / f"openclaw-2026-11-{day}.log"
        elif step == "poll":
            told += runs(tail.poll(NOW))
    tail.close()
    assert sorted(told) == sorted(expected)
