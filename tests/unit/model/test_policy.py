"""OpenClaw's failover policy by version, and the fix of openclaw#62351."""

from __future__ import annotations

import itertools

import pytest

from lockdeck.backend.model.policy import (
    Action,
    Ending,
    Spare,
    Variant,
    after_answer,
    at_retry_limit,
    before_answer,
    rotates_after_answer,
    rotates_before_answer,
)
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.version import Version

YES, NO = True, False
UNKNOWN = traits_of(None)

# One row per (timed_out, during_compaction, reason); four columns: (aborted, failover_failure) =
# (no, no), (no, yes), (yes, no), (yes, yes).  1: rotate.
SHIPPED = {
    (NO, NO, None): "0100",
    (NO, NO, "timeout"): "1100",
    (NO, NO, "rate_limit"): "1100",
    (NO, YES, None): "0100",
    (NO, YES, "timeout"): "1100",
    (NO, YES, "rate_limit"): "1100",
    (YES, NO, None): "1111",
    (YES, NO, "timeout"): "1111",
    (YES, NO, "rate_limit"): "1111",
    (YES, YES, None): "0100",
    (YES, YES, "timeout"): "1100",
    (YES, YES, "rate_limit"): "1100",
}
FIX = {
    (NO, NO, None): "0100",
    (NO, NO, "timeout"): "0000",
    (NO, NO, "rate_limit"): "1100",
    (NO, YES, None): "0100",
    (NO, YES, "timeout"): "0000",
    (NO, YES, "rate_limit"): "1100",
    (YES, NO, None): "0000",
    (YES, NO, "timeout"): "0000",
    (YES, NO, "rate_limit"): "0000",
    (YES, YES, None): "0000",
    (YES, YES, "timeout"): "0000",
    (YES, YES, "rate_limit"): "0000",
}
SKETCH = {
    (NO, NO, None): "0100",
    (NO, NO, "timeout"): "0000",
    (NO, NO, "rate_limit"): "1100",
    (NO, YES, None): "0100",
    (NO, YES, "timeout"): "0000",
    (NO, YES, "rate_limit"): "1100",
    (YES, NO, None): "1111",
    (YES, NO, "timeout"): "0000",
    (YES, NO, "rate_limit"): "1111",
    (YES, YES, None): "0100",
    (YES, YES, "timeout"): "0000",
    (YES, YES, "rate_limit"): "1100",
}
COLUMNS = list(itertools.product((NO, YES), repeat=2))


@pytest.mark.parametrize(
    ("variant", "table"), [(Variant.SHIPPED, SHIPPED), (Variant.FIX, FIX), (Variant.SKETCH, SKETCH)], ids=str
)
def test_the_whole_truth_table_of_rotation_after_an_answer(variant: Variant, table: dict):
    assert len(table) == 12
    for (timed_out, compacting, reason), row in table.items():
        for (aborted, failure), expected in zip(COLUMNS, row, strict=True):
            ending = Ending(aborted, failure, reason, timed_out, compacting)
            assert rotates_after_answer(ending, UNKNOWN, variant) is (expected == "1"), (ending, variant)


def test_the_sketch_does_not_fix_an_idle_provider():
    silent = Ending(aborted=True, timed_out=True)
    assert rotates_after_answer(silent, UNKNOWN, Variant.SKETCH)
    assert not rotates_after_answer(silent, UNKNOWN, Variant.FIX)


HUNG = Ending(aborted=True, timed_out=True, idle=True)
STEPS = [
    # rotates, profiles used up, fallback configured: action
    (NO, NO, NO, "continue_normal"),
    (NO, NO, YES, "continue_normal"),
    (NO, YES, NO, "continue_normal"),
    (NO, YES, YES, "continue_normal"),
    (YES, NO, NO, "rotate_profile"),
    (YES, NO, YES, "rotate_profile"),
    (YES, YES, NO, "surface_error"),
    (YES, YES, YES, "fallback_model"),
]


@pytest.mark.parametrize(("rotates", "used_up", "fallback", "action"), STEPS)
def test_what_follows_an_answer(rotates: bool, used_up: bool, fallback: bool, action: str):
    ending = HUNG if rotates else Ending()
    assert after_answer(ending, UNKNOWN, Spare(not used_up, fallback)) == action


@pytest.mark.parametrize(("used_up", "fallback"), COLUMNS)
def test_the_fix_surfaces_every_timeout_but_those_of_compaction(used_up: bool, fallback: bool):
    fixed = (UNKNOWN, Spare(not used_up, fallback), Variant.FIX)
    assert after_answer(HUNG, *fixed) == "surface_error"
    assert after_answer(Ending(reason="timeout"), *fixed) == "surface_error"
    compacting = Ending(aborted=True, timed_out=True, during_compaction=True)
    assert after_answer(compacting, *fixed) == "continue_normal"
    limited = after_answer(Ending(reason="rate_limit"), *fixed)
    assert limited == {(NO, NO): "rotate_profile", (NO, YES): "rotate_profile", (YES, NO): "surface_error",
                       (YES, YES): "fallback_model"}[used_up, fallback]  # fmt: skip


PROMPT = [
    # failover failure, reason, profiles used up, fallback configured: action
    (NO, None, NO, NO, "surface_error"),
    (NO, None, NO, YES, "surface_error"),
    (NO, None, YES, NO, "surface_error"),
    (NO, None, YES, YES, "surface_error"),
    (NO, "timeout", NO, NO, "surface_error"),
    (NO, "timeout", NO, YES, "surface_error"),
    (NO, "timeout", YES, NO, "surface_error"),
    (NO, "timeout", YES, YES, "surface_error"),
    (NO, "auth", NO, NO, "surface_error"),
    (NO, "auth", NO, YES, "surface_error"),
    (NO, "auth", YES, NO, "surface_error"),
    (NO, "auth", YES, YES, "surface_error"),
    (YES, None, NO, NO, "rotate_profile"),
    (YES, None, NO, YES, "rotate_profile"),
    (YES, None, YES, NO, "surface_error"),
    (YES, None, YES, YES, "fallback_model"),
    (YES, "timeout", NO, NO, "surface_error"),
    (YES, "timeout", NO, YES, "fallback_model"),
    (YES, "timeout", YES, NO, "surface_error"),
    (YES, "timeout", YES, YES, "fallback_model"),
    (YES, "auth", NO, NO, "rotate_profile"),
    (YES, "auth", NO, YES, "rotate_profile"),
    (YES, "auth", YES, NO, "surface_error"),
    (YES, "auth", YES, YES, "fallback_model"),
]


@pytest.mark.parametrize(("failure", "reason", "used_up", "fallback", "action"), PROMPT)
def test_what_follows_a_failed_prompt(
    failure: bool, reason: str | None, used_up: bool, fallback: bool, action: str
):
    ending = Ending(failover_failure=failure, reason=reason)
    assert before_answer(ending, UNKNOWN, Spare(not used_up, fallback)) == action
    assert rotates_before_answer(ending) is (failure and reason != "timeout")


def test_the_fix_surfaces_a_prompt_that_timed_out():
    ending = Ending(failover_failure=True, reason="timeout")
    fixed = before_answer(ending, UNKNOWN, Spare(YES, YES), Variant.FIX)
    assert fixed == "surface_error"


@pytest.mark.parametrize(
    ("reason", "old", "new"),
    [
        (None, "return_error_payload", "return_error_payload"),
        ("timeout", "return_error_payload", "return_error_payload"),
        ("model_not_found", "return_error_payload", "fallback_model"),
        ("format", "return_error_payload", "return_error_payload"),
        ("session_expired", "return_error_payload", "return_error_payload"),
        ("rate_limit", "fallback_model", "fallback_model"),
    ],
)
def test_what_follows_the_retry_limit(reason: str | None, old: str, new: str):
    assert at_retry_limit(reason, traits_of(Version(2026, 4, 5)), Spare(NO, YES)) == old
    assert at_retry_limit(reason, traits_of(Version(2026, 7, 1)), Spare(NO, YES)) == new
    assert at_retry_limit(reason, UNKNOWN, Spare(NO, NO)) == "return_error_payload"


VERSIONS = ["2026.4.5", "2026.4.12", "2026.5.7", "2026.5.18", "2026.5.28", "2026.7.1", "2026.8.2", "2026.9.6"]
BY_VERSION = [
    # an ending in the assistant stage: what each of VERSIONS does (R rotate, S surface, C continue)
    (HUNG, "RRRRRRRR"),
    (Ending(aborted=True, timed_out=True), "RRRRRRRR"),
    (Ending(aborted=True, timed_out=True, external_abort=True), "RSSSSSSS"),
    (Ending(aborted=True, timed_out=True, during_tool=True), "RRCCCCCC"),
    (Ending(aborted=True, timed_out=True, during_compaction=True), "CCCCCCCC"),
    (Ending(aborted=True, timed_out=True, idle=True, during_compaction=True), "CCCRRRRR"),
    (Ending(aborted=True, timed_out=True, harness_owns_transport=True), "RRRRCCCC"),
    (Ending(aborted=True, timed_out=True, by_run_budget=True), "RRRRRSSS"),
    (Ending(reason="rate_limit"), "RRRRRRRR"),
    (Ending(), "CCCCCCCC"),
]


@pytest.mark.parametrize(("ending", "actions"), BY_VERSION)
def test_what_each_version_does(ending: Ending, actions: str):
    words = {"rotate_profile": "R", "surface_error": "S", "continue_normal": "C"}
    done = [words[after_answer(ending, traits_of(Version.parse(v)), Spare(YES, YES))] for v in VERSIONS]
    assert "".join(done) == actions


def test_the_words_are_those_of_the_log():
    assert {str(a) for a in Action} >= {"rotate_profile", "fallback_model", "surface_error"}
