"""`lockdeck releases`: the table of what differs by OpenClaw release, and the failover policy with its fix."""

from __future__ import annotations

import json

import pytest

from lockdeck.backend.model.releases.table import TRAITS
from tests.unit.fleetdir import lockdeck


def told(*words: str) -> str:
    done = lockdeck("releases", *words, env={"HOME": "/nonexistent"})
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def told_json(*words: str) -> dict:
    return json.loads(told(*words, "--json"))


@pytest.mark.parametrize(
    "words", [(), ("2026.4.5",), ("2026.5.18",), ("2026.9.6",), ("2027.1.1",), ("2026.1.1",)]
)
def test_the_text_fits_eighty_columns_and_names_every_trait(words: tuple[str, ...]) -> None:
    text = told(*words)
    assert all(len(line) <= 80 and line == line.rstrip() for line in text.splitlines())
    assert all(trait.title in text for trait in TRAITS.values())


def test_the_table_tells_how_each_value_is_known_and_from_which_release_on() -> None:
    lines = told().splitlines()
    at = lines.index("  idle timeout: A model that is silent for so long counts as hung.")
    assert lines[at + 1 : at + 3] == [
        "    from 2026.2.9   1m 00s (read)",
        "    from 2026.4.15  2m 00s (read)",
    ]
    assert any("seen" in line and "a real release was run" in line for line in lines)


def test_one_release_has_one_value_of_each_trait_and_says_what_it_is_exposed_to() -> None:
    text = told("v2026.4.5")
    assert "OpenClaw 2026.4.5 was run." in text
    assert "! 2026.4.5 rotates through every profile and model under the session lock" in text
    assert "  ladder                                  stop, reset (seen, from 2026.2.9)\n" in text


@pytest.mark.parametrize(
    ("release", "coverage", "sentence"),
    [
        ("2026.7.35", "run", "2026.7.35 was run."),
        ("2026.4.8", "read", "2026.4.8 was read and not run."),
        (
            "2026.5.1",
            "between",
            "2026.5.1 itself was not looked at: this is what is known of 2026.4.29 and before.",
        ),
        ("2027.1.1", "newer", "2027.1.1 is newer than 2026.9.6, the newest that was looked at"),
        ("2026.1.1", "older", "2026.1.1 is older than 2026.2.9, the oldest that was looked at"),
    ],
)
def test_a_release_that_was_not_looked_at_itself_says_so(release: str, coverage: str, sentence: str) -> None:
    found = told_json(release)
    assert found["coverage"] == coverage
    assert sentence in found["sentence"]


def test_what_is_not_known_of_an_old_release_is_not_claimed() -> None:
    assert "drain before a gateway ends             0 s (not known; so in 2026.4.5)" in told("2026.2.9")


def test_json_tells_the_table_with_durations_in_milliseconds() -> None:
    found = told_json()
    by_name = {trait["name"]: trait for trait in found["traits"]}
    assert len(by_name) == len(TRAITS)
    assert by_name["idleTimeoutMs"]["readings"] == [
        {"from": "2026.2.9", "value": 60_000, "words": "1m 00s", "basis": "read"},
        {"from": "2026.4.15", "value": 120_000, "words": "2m 00s", "basis": "read"},
    ]
    assert by_name["cancelLadder"]["unknown"] == []
    assert by_name["lockWaitMs"]["readings"][-1]["value"] is None
    assert found["releases"][-1] == {"version": "2026.9.6", "coverage": "run"}


def test_json_of_one_release_tells_its_values_and_its_policy() -> None:
    found = told_json("2026.5.18")
    by_name = {trait["name"]: trait for trait in found["traits"]}
    assert (by_name["lockScope"]["value"], by_name["lockScope"]["from"]) == ("writes", "2026.5.17")
    assert by_name["cancelLadder"]["value"] == ["abort", "reset"]
    assert len(found["exposures"]) == 2
    idle = next(row for row in found["policy"]["rows"] if row["ending"] == "idle timeout")
    assert idle["before"]["profileLeft"] == "rotate_profile"
    assert set(idle["after"].values()) == {"surface_error"}
    assert len(found["policy"]["truthTable"]) == 48


def test_the_policy_stands_there_before_and_after_the_fix() -> None:
    text = told()
    assert "The failover policy of 2026.4.5, before and after the fix of openclaw#62351" in text
    assert "    idle timeout                        R F S     S S S\n" in text
    assert "    yes         no           none         R R R R   . . . .   R R R R\n" in text


@pytest.mark.parametrize("word", ["latest", "2026", "2026.4", "4.5", ""])
def test_what_is_no_version_is_wrong_use(word: str) -> None:
    done = lockdeck("releases", word, env={"HOME": "/nonexistent"})
    assert (done.returncode, done.stdout) == (2, b"")
    assert "is no version of OpenClaw; write it like 2026.9.6" in done.stderr.decode()
