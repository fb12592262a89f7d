"""All commands of the dashboard, as data. Bindings, key bar, help, palette and keymap all read this one table.

A screen lists the ids of the commands it offers, and has a method `command_<id>` for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Danger(StrEnum):
    """The harm a command can do to the world; all but `safe` ones vanish with --read-only."""

    SAFE = "safe"
    REVERSIBLE = "reversible"
    HARD = "hard to reverse"


class Needs(StrEnum):
    """The thing a command is about; where it is missing the command is greyed out, and its key says so.

    LOCK and SESSION are those of the selected row; LOCKS and SESSIONS are those of the marked rows, else of the selected one; CAUSE is
    what several rows have in common, RUNS_OF_CAUSE where their runs can be ended from here.
    """

    NOTHING = "nothing"
    ROW = "a row"
    LOCK = "a lock"
    LOCKS = "locks"
    SESSION = "a session"
    CAUSE = "a cause"
    RUNS_OF_CAUSE = "runs that have a cause in common"
    SESSIONS = "sessions"


class Command(Struct, frozen=True):
    """One thing a person can do. `id` names the binding in keymaps; `in_key_bar` puts it into the key bar.

    What is `private` is not shown in a browser. `leaves` are the kinds of entries that it leaves in the journal.
    """

    id: str
    keys: tuple[str, ...]
    name: str
    label: str
    tooltip: str
    danger: Danger = Danger.SAFE
    needs: Needs = Needs.NOTHING
    in_key_bar: bool = True
    private: bool = False
    leaves: frozenset[str] = frozenset()


_LEAD_TO_SCREENS = (
    Command("open", ("enter",), "Open", "Open", "Show everything about the selected row", needs=Needs.ROW),
    Command(
        "back",
        ("escape",),
        "Back",
        "Back",
        "Take off the filter, then the marks; then go back to the screen before",
        in_key_bar=False,
    ),
    Command(
        "cause",
        ("a",),
        "Cause",
        "Cause",
        "Show what several rows have in common, what that is known from, and whom it concerns",
        needs=Needs.CAUSE,
        in_key_bar=False,
    ),
    Command("locks", ("l",), "Locks", "Locks", "Every lock file of every root, with its verdict"),
    Command("events", ("e",), "Events", "Events", "What changed since lockdeck was opened, newest first"),
    Command("journal", ("J",), "Journal", "Journal", "What lockdeck did and refused to do, newest first"),
    Command(
        "hosts",
        ("H",),
        "Hosts",
        "Hosts",
        "Every host of this deck: how it is seen, since when not and why, and what is on it",
        in_key_bar=False,
    ),
    Command(
        "holder",
        ("h",),
        "Locks of this holder",
        "Holder",
        "Show all locks of the process that holds, or is named by, the selected lock",
        needs=Needs.LOCK,
    ),
    Command(
        "log",
        ("L",),
        "Log of this session",
        "Log",
        "Show what the log tells of this session, live: in sentences, or the lines as OpenClaw wrote them",
        needs=Needs.SESSION,
        in_key_bar=False,
    ),
    Command(
        "transcript",
        ("T",),
        "Transcript of this session",
        "Transcript",
        "Show the shape of the last records of the transcript: who, when, which tools, how long, why it ended",
        needs=Needs.SESSION,
        in_key_bar=False,
    ),
    Command(
        "notes",
        ("exclamation_mark",),
        "Problems and notes",
        "Notes",
        "Read the problems and notes of every root whole, those in the header and the rest",
    ),
    Command(
        "help",
        ("question_mark",),
        "Help",
        "Help",
        "The keys that work here, and what every column, symbol and word means",
    ),
    Command(
        "palette",
        ("colon", "ctrl+p"),
        "Palette",
        "Find",
        "Find commands, sessions and locks by a part of their name",
    ),
    Command(
        "quit",
        ("q",),
        "Leave",
        "Leave",
        "Leave this screen, and on the fleet lockdeck itself; nothing it watches is touched",
    ),
)
_CHANGE_THE_WORLD = (
    Command(
        "release",
        ("R",),
        "Release lock",
        "Release",
        "Release the lock of a dead process, proven and journaled; over marks, all marked ones",
        danger=Danger.HARD,
        needs=Needs.LOCKS,
        leaves=frozenset(
            {"release-begin", "released", "refused", "failed", "unfinished", "recovered", "watched"}
        ),
    ),
    Command(
        "cancel",
        ("c",),
        "Cancel run",
        "Cancel",
        "End the run that holds this session, gentlest way first, and prove that it stopped",
        danger=Danger.REVERSIBLE,
        needs=Needs.SESSIONS,
        leaves=frozenset({"cancel-begin", "cancel-end", "cancel-refused"}),
    ),
    Command(
        "cancel_cause",
        ("C",),
        "Cancel all of one cause",
        "Cancel all",
        "End the runs of all sessions that have the cause in common which stands above the rows, each proven",
        danger=Danger.REVERSIBLE,
        needs=Needs.RUNS_OF_CAUSE,
        in_key_bar=False,
    ),
)
_CHOOSE_ROWS = (
    Command(
        "mark",
        ("space",),
        "Mark",
        "Mark",
        "Mark the selected row for Release and Cancel, or take its mark off",
        needs=Needs.ROW,
        in_key_bar=False,
    ),
    Command(
        "mark_all",
        ("asterisk", "ctrl+a"),
        "Mark all shown",
        "Mark all",
        "Mark every row that is shown, those below the end of the screen too",
        in_key_bar=False,
    ),
    Command("unmark", ("u",), "Clear marks", "Unmark", "Take all marks off (also escape)", in_key_bar=False),
    Command(
        "filter",
        ("slash",),
        "Filter",
        "Filter",
        "Find rows by words, !word, field:value; tab completes fields and values",
    ),
    Command(
        "search",
        ("slash",),
        "Search",
        "Search",
        "Search lines by words, !word, field:value, and leave the others where they are; n and N go from one to the next",
    ),
    Command(
        "next_match",
        ("n",),
        "Next match",
        "Next",
        "Go to the next row that the filter lets through, from the last one to the first",
        in_key_bar=False,
    ),
    Command(
        "previous_match",
        ("N",),
        "Previous match",
        "Previous",
        "Go to the row before among those that the filter lets through",
        in_key_bar=False,
    ),
    Command(
        "idle",
        ("i",),
        "Show or fold idle rows",
        "Idle",
        "Show the sessions in which nothing happens and nothing is wrong, or fold them into one line",
        in_key_bar=False,
    ),
    Command(
        "fold",
        ("z",),
        "Fold or unfold a group",
        "Fold",
        "Fold the hosts of the selected one's group into one line, or unfold it",
        needs=Needs.ROW,
    ),
    Command(
        "freeze", ("f",), "Freeze order", "Freeze", "Keep the rows where they are; their contents stay live"
    ),
    Command(
        "pause",
        ("p",),
        "Pause",
        "Pause",
        "Keep the picture of this moment; changes are counted and shown afterwards",
    ),
    Command(
        "sort_right",
        ("greater_than_sign",),
        "Sort by next column",
        "Sort",
        "Sort by the next column; a click on a title sorts by that one",
        in_key_bar=False,
    ),
    Command(
        "sort_left",
        ("less_than_sign",),
        "Sort by previous column",
        "Sort",
        "Sort by the previous column",
        in_key_bar=False,
    ),
    Command("sort_reverse", ("o",), "Reverse order", "Reverse", "Sort the other way round", in_key_bar=False),
)
_READ_WHAT_WAS_WRITTEN = (
    Command(
        "raw",
        ("r",),
        "Sentences or lines",
        "Lines",
        "Show the lines of the log as OpenClaw wrote them, or what lockdeck reads in them",
    ),
    Command(
        "next_attempt",
        ("right_square_bracket",),
        "Line of the next attempt",
        "Attempt",
        "Go to the line of the log that tells of the next attempt",
    ),
    Command(
        "previous_attempt",
        ("left_square_bracket",),
        "Line of the attempt before",
        "Before",
        "Go to the line of the log that tells of the attempt before",
        in_key_bar=False,
    ),
    Command(
        "content",
        ("x",),
        "What a record says",
        "Says",
        "Show what the selected record of the transcript says; it is shown in a box and kept nowhere",
        private=True,
    ),
)
_CHANGE_THE_LOOK = (
    Command(
        "wide",
        ("w",),
        "Wide",
        "Wide",
        "Show all columns (left and right arrow lead to them), or those that fit",
        in_key_bar=False,
    ),
    Command(
        "columns",
        ("v",),
        "Columns",
        "Columns",
        "Choose which columns this table shows and in which order, for now or in the configuration",
        in_key_bar=False,
    ),
    Command(
        "as_it_comes",
        ("0",),
        "Table as it comes",
        "Reset",
        "Forget how this table was left: no filter, its own order, the columns of the configuration",
        in_key_bar=False,
    ),
    Command("theme", ("t",), "Next theme", "Theme", "Change to the next theme"),
)
_USE_THE_TERMINAL = (
    Command(
        "copy",
        ("y",),
        "Copy name",
        "Copy",
        "Copy the session key, or the path of a lock, to the clipboard (OSC 52); on another host with the words that name it",
        needs=Needs.ROW,
    ),
    Command(
        "show_text",
        ("Y",),
        "Show text to select",
        "Text",
        "Show the selected row as plain text, for the terminal's own selection",
        in_key_bar=False,
    ),
    Command(
        "toggle_mouse",
        ("m",),
        "Mouse on or off",
        "Mouse",
        "Leave the mouse to the terminal, or have it choose rows, sort and scroll here",
        in_key_bar=False,
    ),
)
COMMANDS: Mapping[str, Command] = {
    command.id: command
    for command in (
        *_LEAD_TO_SCREENS,
        *_CHANGE_THE_WORLD,
        *_CHOOSE_ROWS,
        *_READ_WHAT_WAS_WRITTEN,
        *_CHANGE_THE_LOOK,
        *_USE_THE_TERMINAL,
    )
}


def command_that_leaves(kind: str) -> Command | None:
    """Return the command that leaves entries of a kind in the journal, None where no command does."""
    return next((command for command in COMMANDS.values() if kind in command.leaves), None)
