"""Every event class declares what follows from its events."""

from __future__ import annotations

from collections import Counter

import pytest

from lockdeck.backend.model.runs import events as ev
from lockdeck.backend.model.runs.steps import LifeSteps
from tests.unit.eventclasses import event_classes, missing

ABSTRACT = {ev.Event, ev.PassiveEvent, ev.LockEvent}
CLASSES = event_classes()


def below(kind: type) -> set[type]:
    return {kind}.union(*(below(each) for each in kind.__subclasses__()))


def test_no_event_class_of_ours_lacks_a_part():
    ours = {kind for kind in below(ev.Event) if kind.__module__.startswith("lockdeck.")}
    assert {kind.__name__: missing(kind) for kind in ours - ABSTRACT if missing(kind)} == {}
    assert ours - ABSTRACT == set(CLASSES)


def test_every_event_class_stands_among_the_events():
    assert [kind.__name__ for kind in CLASSES if getattr(ev, kind.__name__, None) is not kind] == []


def test_every_class_is_counted_under_a_name_of_its_own():
    names = Counter(kind.handling.counted_as for kind in CLASSES)
    assert [name for name, count in names.items() if count > 1] == []


def test_no_two_classes_of_facts_have_the_same_place_within_one_moment():
    places = Counter(kind.handling.order for kind in CLASSES)
    assert [place for place, count in places.items() if count > 1] == [ev.CausalOrder.LOOSE]


def test_a_class_that_can_quote_a_lock_timeout_says_which_caller_failed():
    quoting = {kind for kind in CLASSES if "lock_timeout" in kind.__struct_fields__}
    assert quoting == {kind for kind in CLASSES if issubclass(kind, ev.LockEvent)}


def test_what_belongs_to_a_run_can_name_it_or_share_its_trace():
    facts = [kind for kind in CLASSES if kind.handling.about is ev.About.RUN]
    assert all({"run_id", "trace_id"} & set(kind.__struct_fields__) for kind in facts)
    assert {kind for kind in CLASSES if kind.handling.about is ev.About.TRACE} == {ev.RunNamed}


@pytest.mark.parametrize("part", sorted({"handling", "sentence", "take"}))
def test_a_made_up_class_without_a_part_lacks_it(part):
    declared = {
        "handling": ev.RunTimeout.handling,
        "sentence": lambda self: "made up",
        "take": lambda self, steps: None,
    }
    declared.pop(part)
    made_up = type(ev.Event)("MadeUp", (ev.Event,), {"__module__": __name__, **declared}, frozen=True)
    assert missing(made_up) == {part}


def test_the_steps_that_events_take_are_all_there():
    assert missing(LifeSteps) == set()
    steps = {ev.RunSteps, ev.AttemptSteps, ev.DecisionSteps, ev.LockSteps}
    names = {name for protocol in steps for name in vars(protocol) if not name.startswith("_")}
    assert names <= set(vars(LifeSteps))
