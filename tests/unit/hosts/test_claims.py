"""What is asked under one nonce is begun once at most, and what became of it is known, whoever is killed when."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from lockdeck.backend.hosts import claims as claiming
from lockdeck.backend.hosts.asks import END_NOT_KNOWN, NEVER_BEGUN, AskAnswer, Recall
from lockdeck.backend.hosts.claims import Claims, NoClaimError, NoClaimYetError
from tests.folders import REPOSITORY

NONCE = "ab" * 16
DONE = AskAnswer(NONCE, "released", ("done",), {"path": "/x"})


@pytest.fixture
def claims(tmp_path):
    return Claims(str(tmp_path / "state"))


def recalled(claims, nonce=NONCE):
    return claims.recall(Recall(nonce, time.time()))


def test_a_nonce_is_good_once(claims):
    claims.claim(NONCE).end(DONE)
    with pytest.raises(NoClaimError, match="made before"):
        claims.claim(NONCE)


def test_an_ask_that_is_under_way_has_no_answer_yet_and_then_its_own(claims):
    claim = claims.claim(NONCE)
    assert recalled(claims) is None
    claim.end(DONE)
    assert recalled(claims) == recalled(claims) == DONE


def test_an_ask_that_never_arrived_is_void_when_it_arrives_after_that_was_told(claims):
    assert recalled(claims).status == NEVER_BEGUN
    with pytest.raises(NoClaimError, match="made before"):
        claims.claim(NONCE)
    assert recalled(claims).status == NEVER_BEGUN


def test_of_many_who_claim_one_nonce_and_recall_it_one_has_it_or_nobody(claims, monkeypatch):
    monkeypatch.setattr(claiming, "MOST_A_MINUTE", 10**6)
    for number in range(50):
        nonce = f"{number:032x}"
        begun, void = [], []
        ready = threading.Barrier(6)

        def ask(nonce=nonce, begun=begun, ready=ready):
            ready.wait()
            try:
                claim = claims.claim(nonce)
            except NoClaimError:
                return
            begun.append(claim)

        def look_up(nonce=nonce, void=void, ready=ready):
            ready.wait()
            answer = recalled(claims, nonce)
            void += [answer] if answer else []

        threads = [threading.Thread(target=each) for each in (ask, ask, ask, ask, look_up, look_up)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(begun) == (0 if void else 1)
        for claim in begun:
            claim.end(AskAnswer(nonce, "released"))
        assert recalled(claims, nonce).status == (NEVER_BEGUN if void else "released")


def test_who_is_killed_in_the_middle_leaves_an_ask_whose_end_is_not_known(claims, tmp_path):
    code = f"""
import sys
from lockdeck.backend.hosts.claims import Claims
claim = Claims({str(tmp_path / "state")!r}).claim({NONCE!r})
print("begun", flush=True)
sys.stdin.read()
"""
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as agent:
        assert agent.stdout.readline() == b"begun\n"
        assert recalled(claims) is None
        agent.kill()
        agent.wait()
    assert recalled(claims).status == END_NOT_KNOWN
    with pytest.raises(NoClaimError):
        claims.claim(NONCE)


def test_an_answer_that_was_written_in_part_is_none(claims, tmp_path):
    claims.claim(NONCE).end(DONE)
    file = tmp_path / "state" / "asks" / NONCE
    file.write_bytes(file.read_bytes()[:-5])
    assert recalled(claims).status == END_NOT_KNOWN


@pytest.mark.parametrize(
    ("ages", "again_s"), [((0, 10, 50), 10.0), ((0, 10, 20, 50, 55), 40.0), ((0, 0, 0), 60.0)]
)
def test_too_many_asks_within_a_minute_are_not_begun_and_it_is_told_when_the_next_may_be(
    tmp_path, monkeypatch, ages, again_s
):
    monkeypatch.setattr(claiming, "MOST_A_MINUTE", 3)
    now = [time.time()]
    claims = Claims(str(tmp_path / "state"), lambda: now[0])
    for number, age in enumerate(ages):
        # As agents that knew of no limit would have: each is there already.
        claims.recall(Recall(f"{number:032x}", now[0]))
        file = tmp_path / "state" / "asks" / f"{number:032x}"
        os.utime(file, (now[0] - age, now[0] - age))
    with pytest.raises(NoClaimYetError, match=f"{len(ages)} asks came within a minute") as raised:
        claims.claim(NONCE)
    assert raised.value.again_s == pytest.approx(again_s, abs=0.01)
    now[0] += raised.value.again_s + 0.01
    claims.claim(NONCE).end(DONE)


def test_what_is_old_is_forgotten_and_then_never_said_to_be_void(tmp_path):
    now = [time.time()]
    claims = Claims(str(tmp_path / "state"), lambda: now[0])
    asked = Recall(NONCE, now[0])
    claims.claim(NONCE).end(DONE)
    now[0] += claiming.KEPT_S + 1
    claims.claim("cd" * 16).end(DONE)
    assert os.listdir(tmp_path / "state" / "asks") == ["cd" * 16]
    assert claims.recall(asked).status == END_NOT_KNOWN
