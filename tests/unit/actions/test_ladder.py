"""Which rungs a version has, in which order, and what each says that it loses."""

from __future__ import annotations

import pytest

from lockdeck.backend.actions.cancel.ladder import (
    RESTART,
    TERMINATE,
    EndingCost,
    gentle_rungs,
    restart_rung,
    rung,
    terminate_rung,
)
from lockdeck.backend.actions.cancel.process.restart import supervisor_in
from lockdeck.backend.model.releases.version import Version

ALL = ("operator.admin", "operator.read", "operator.write")


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("2026.3.13", ["stop", "reset"]),
        ("2026.4.5", ["stop", "reset"]),
        ("2026.4.12", ["abort", "stop", "reset"]),
        ("2026.4.24", ["abort", "reset"]),
        ("2026.5.19", ["abort", "reset"]),
        ("2026.7.35", ["abort", "reset"]),
    ],
)
def test_the_order_follows_the_version(version: str, names: list[str]) -> None:
    rungs, _ = gentle_rungs(Version.parse(version), ALL)
    assert [found.name for found in rungs] == names


def test_a_rung_that_is_left_out_has_a_reason() -> None:
    _, left_out = gentle_rungs(Version(2026, 4, 5), ALL)
    assert [(rung.name, "next profile" in rung.reason) for rung in left_out] == [("abort", True)]
    _, left_out = gentle_rungs(Version(2026, 7, 35), ALL)
    assert [(rung.name, "takeover" in rung.reason) for rung in left_out] == [("stop", True)]


def test_an_unknown_version_has_no_gentle_rung() -> None:
    rungs, left_out = gentle_rungs(None, ALL)
    assert rungs == ()
    assert "not known" in left_out[0].reason


@pytest.mark.parametrize(
    ("scopes", "missing"),
    [
        (("operator.read",), {"stop": ("operator.write",), "reset": ("operator.admin",)}),
        (("operator.write",), {"stop": (), "reset": ("operator.admin",)}),
        (("operator.admin",), {"stop": (), "reset": ()}),
        (None, {"stop": (), "reset": ()}),
    ],
)
def test_missing_scopes_are_named(
    scopes: tuple[str, ...] | None, missing: dict[str, tuple[str, ...]]
) -> None:
    rungs, _ = gentle_rungs(Version(2026, 4, 5), scopes)
    assert {found.name: found.scopes_missing for found in rungs} == missing


def test_the_danger_grows() -> None:
    assert [rung(name).danger for name in ("stop", "abort", "reset")] == ["confirm", "confirm", "reset"]
    assert restart_rung("x", EndingCost((), "nobody else"), comes_back=True).danger == "restart"
    alone, others = EndingCost((), "nobody else"), EndingCost(("agent:b:main",), "")
    assert terminate_rung(7, "openclaw agent --local", alone).consent == TERMINATE
    assert terminate_rung(7, "openclaw agent --local", others).consent == RESTART


def test_each_rung_says_what_it_loses() -> None:
    assert any("queued" in loss for loss in rung("stop").loses)
    assert any("conversation" in loss for loss in rung("reset").loses)
    told = restart_rung("x", EndingCost(("agent:b:main", "agent:a:main"), ""), comes_back=False)
    assert any("2 other sessions: agent:a:main, agent:b:main" in loss for loss in told.loses)
    assert any("no supervisor" in loss for loss in told.loses)
    assert told.name == RESTART
    assert "openclaw agent --local" in terminate_rung(7, "openclaw agent --local", EndingCost((), "")).does


UNIT = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/openclaw-gateway.service\n"
SYSTEM = "0::/system.slice/openclaw-gateway-work.service\n"
CONTAINER = f"0::/system.slice/docker-{'ab' * 32}.scope\n"
PODMAN = f"0::/machine.slice/libpod-{'cd' * 32}.scope/container\n"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "lockdeck.backend.actions.cancel.process.restart.shutil.which", lambda name: f"/bin/{name}"
    )


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("text", "command"),
    [
        (UNIT, "/bin/systemctl --user restart openclaw-gateway.service"),
        (SYSTEM, "/bin/systemctl restart openclaw-gateway-work.service"),
        (CONTAINER, f"/bin/docker restart {'ab' * 32}"),
        (PODMAN, f"/bin/podman restart {'cd' * 32}"),
        (
            f"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{'cd' * 32}.scope",
            f"/bin/podman restart {'cd' * 32}",
        ),
    ],
)
def test_the_supervisor_is_read_off_the_control_group(text: str, command: str) -> None:
    found = supervisor_in(text, 1000)
    assert found is not None
    assert found.command == command


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "0::/\n",
        "0::/user.slice/user-1000.slice/session-3.scope\n",
        "0::/system.slice/ssh.service\n",
        UNIT.replace("1000", "1001"),
        f"0::/user.slice/user-4242.slice/user@4242.service/app.slice/docker-{'ab' * 32}.scope",
        f"0::/user.slice/user-4242.slice/user@4242.service/app.slice/libpod-{'ab' * 32}.scope",
        f"0::/user.slice/user-4242.slice/user@4242.service/user@1000.service/docker-{'ab' * 32}.scope",
        "0::/system.slice/openclaw-x; rm -rf.service\n",
    ],
)
def test_nobody_else_is_taken_for_a_supervisor(text: str) -> None:
    assert supervisor_in(text, 1000) is None


def test_a_supervisor_without_its_command_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lockdeck.backend.actions.cancel.process.restart.shutil.which", lambda _name: None)
    assert supervisor_in(UNIT, 1000) is None
