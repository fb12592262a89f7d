"""`lockdeck cancel` as a person runs it: what is not proven is refused with exit code 3, and nobody dies of it."""

from __future__ import annotations

import json
import os

import pytest

from lockdeck.backend.system.procfs import LINUX
from tests.unit.fleetdir import FleetDir, actor, lockdeck

pytestmark = pytest.mark.skipif(not LINUX, reason="what a process has open is read on Linux only")
MAIN, EZRA = "agent:main:main", "agent:ezra:main"


@pytest.fixture
def fleet(tmp_path):
    return FleetDir(tmp_path)


def cancelled(fleet, *words):
    ran = lockdeck("cancel", MAIN, "--root", fleet.root, "--log", fleet.log, "--json", *words, env=fleet.env)
    return ran.returncode, json.loads(ran.stdout or b"{}"), ran.stderr.decode()


def alive(process):
    return process.process.poll() is None


def test_a_lock_that_names_a_process_which_has_it_not_open_ends_nothing(fleet):
    lock = fleet.session(MAIN)
    with actor() as bystander:
        bystander.leak(lock)
        code, told, errors = cancelled(fleet, "--allow", "terminate", "--allow", "restart")
        assert (code, told.get("status")) == (3, "refused"), errors
        assert any("has none of its locks open" in sentence for sentence in told["sentences"])
        assert alive(bystander)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_a_lock_of_another_user_ends_no_process_of_ours(fleet):
    lock = fleet.session(MAIN)
    with actor() as bystander:
        bystander.take(lock)
        os.chown(lock, 4242, 4242)
        code, told, errors = cancelled(fleet, "--allow", "terminate", "--allow", "restart")
        assert (code, told.get("status")) == (3, "refused"), errors
        assert any("uid 4242" in sentence for sentence in told["sentences"])
        assert alive(bystander)


def test_a_holder_of_more_sessions_is_ended_only_with_the_consent_of_a_restart(fleet):
    first, second = fleet.session(MAIN), fleet.session(EZRA)
    with actor() as holder:
        holder.take(first)
        holder.take(second)
        code, plan, _ = cancelled(fleet, "--dry-run")
        assert (code, plan["holder"]["otherSessions"]) == (0, [EZRA])
        assert "-c" in plan["holder"]["argv"]
        for words in ((), ("--allow", "terminate")):
            code, told, errors = cancelled(fleet, *words)
            assert (code, told.get("status")) == (3, "refused"), errors
            assert any(EZRA in sentence for sentence in told["sentences"])
            assert alive(holder)
        code, told, _ = cancelled(fleet, "--allow", "restart")
        assert (code, told["steps"][0]["rung"]) == (1, "terminate"), "its lock was left behind"
        assert not alive(holder)
