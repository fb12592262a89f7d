"""The model of an attempt is decided in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import lockdeck.backend
from lockdeck.backend.model.runs.events import FailoverDecision, ModelFallbackDecision
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.history import occupations_from_runs
from lockdeck.backend.model.runs.profiles import profile_hash
from lockdeck.backend.model.runs.rotation import rotation_of

BACKEND = Path(lockdeck.backend.__file__).parent
OWNER = "model/runs/attempt_model.py"


def calls(path: Path) -> Iterator[str]:
    """The functions that a file calls with a provider or a model, and every attempt that it makes."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "")
            named = {keyword.arg for keyword in node.keywords} & {"provider", "model"}
            if name == "Attempt" or (name == "replace" and named):
                yield name


def test_only_one_module_makes_attempts_and_names_their_models():
    makers = {
        path.relative_to(BACKEND).as_posix()
        for path in BACKEND.rglob("*.py")
        if "simulate" not in path.parts and any(calls(path))
    }
    assert makers == {OWNER}


def test_rotation_and_replay_give_one_attempt_the_same_model():
    decision = FailoverDecision(
        20.0, "r1", "s", "rotate_profile", "timeout", "atlas", "large", profile_hash("borealis:solo"), timed_out=True
    )  # fmt: skip
    book = fold_all(RunBook(), [decision])
    names = {profile_hash("borealis:solo"): "borealis:solo"}
    (now,) = rotation_of(book.runs["r1"], None, None, 21.0, names).attempts
    (past,) = occupations_from_runs(book, names=names)
    assert (now.provider, now.model, now.profile) == ("borealis", None, "borealis:solo")
    assert [(a.provider, a.model, a.profile) for a in past.attempts] == [("borealis", None, "borealis:solo")]


def test_the_line_about_the_candidate_names_all_its_attempts():
    events = [
        FailoverDecision(20.0, "r1", "s", "rotate_profile", "timeout", "old", "m", "h1", timed_out=True),
        FailoverDecision(40.0, "r1", "s", "fallback_model", "timeout", "old", "m", "h2", timed_out=True),
        ModelFallbackDecision(40.1, "r1", "candidate_failed", 1, 2, candidate="a/b", next_candidate="c/d"),
        FailoverDecision(60.0, "r1", "s", "rotate_profile", "timeout", "a", "b", "h3", timed_out=True),
    ]
    run = fold_all(RunBook(), events).runs["r1"]
    assert [(a.provider, a.model) for a in run.attempts] == [("a", "b"), ("a", "b"), ("c", "d")]
