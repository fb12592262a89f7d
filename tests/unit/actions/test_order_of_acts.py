"""Each package of an action has one module that names the others in the order in which they act."""

from __future__ import annotations

import ast
import re

import pytest

from tests.folders import REPOSITORY

ACTIONS = REPOSITORY / "backend" / "actions"


def modules(package):
    return {path.name for path in (ACTIONS / package).glob("*.py")} - {"__init__.py", f"{package}.py"}


@pytest.mark.parametrize("package", ["release", "cancel"])
def test_the_order_of_acts_names_every_module_and_no_other(package):
    order = ast.get_docstring(ast.parse((ACTIONS / package / f"{package}.py").read_text()))
    named = set(re.findall(r"`([\w./]+\.py)`", order))
    assert {name for name in named if "/" not in name} == modules(package)
    assert all((ACTIONS / package / name).exists() for name in named)


def test_a_step_of_a_cancel_has_both_eras_or_none():
    eras = {"files": set(), "sqlite": set()}
    for name in modules("cancel"):
        step, _, era = name.removesuffix(".py").rpartition("_")
        if era in eras:
            eras[era].add(step)
    assert eras["files"] == eras["sqlite"] == {"plan", "call", "verify", "end"}
