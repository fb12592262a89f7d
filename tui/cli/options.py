"""Arguments and options that several commands have, and the kinds of paths they take."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click
from msgspec import Struct

from lockdeck.backend.hosts.words import USUAL_FLEET
from lockdeck.backend.system.accounts import uid_of
from lockdeck.backend.system.clocks import wall_time

F = TypeVar("F", bound=Callable[..., Any])
_COMMON = "lockdeck.common"
"""The key of the common options read so far, in click's context."""


class PathName(click.Path):
    """The name of a path: an empty word (a variable that is not set) never means the current directory.

    Whether it can be read is told by who reads it.
    """

    def __init__(self, *, file: bool = False) -> None:
        """`file`: a directory is wrong use."""
        super().__init__(dir_okay=not file, readable=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path as it was written."""
        if not str(value).strip():
            self.fail("the name is empty; name a path, or leave it out", param, ctx)
        return super().convert(value, param, ctx)


class LockPath(PathName):
    """The path of a lock. What only stands where a lock would stand is a matter of evidence."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path as it was written."""
        path = super().convert(value, param, ctx)
        if os.path.isdir(path) and not path.endswith(".lock"):
            self.fail(f"{path} is a directory; name a lock file (`lockdeck status` lists them)", param, ctx)
        return path


class TimeWord(click.ParamType[float]):
    """A time as people write it; becomes epoch seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return epoch seconds."""
        if isinstance(value, float):
            return value
        from lockdeck.backend.model.timespan import FORMS, read_time

        moment = read_time(value, wall_time())
        if moment is None:
            self.fail(f"{value!r} is no time: write {FORMS}", param, ctx)
        return moment


class AccountName(click.ParamType[int]):
    """The name of an account of this machine, or its uid; becomes the uid."""

    name = "account"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the uid."""
        uid = uid_of(str(value))
        if uid is None:
            self.fail(f"{value} is no account of this machine; name one, or write its uid", param, ctx)
        return uid


class Common(Struct, frozen=True):
    """The common options of one invocation; those before and after the command are merged."""

    logs: tuple[str, ...] = ()
    config: str | None = None
    read_only: bool = False
    no_color: bool = False
    no_mouse: bool = False
    trusted_uids: tuple[int, ...] = ()

    def merge(self, later: Common) -> Common:
        """Return both together; a later `--config` wins."""
        return Common(
            self.logs + later.logs,
            later.config or self.config,
            self.read_only or later.read_only,
            self.no_color or later.no_color,
            self.no_mouse or later.no_mouse,
            self.trusted_uids + later.trusted_uids,
        )


class OtherHosts(Struct, frozen=True):
    """The hosts that the options of one invocation name: files of them, or the fleet of a NATS server."""

    files: tuple[str, ...] = ()
    nats: str | None = None
    fleet: str = USUAL_FLEET

    @property
    def named(self) -> bool:
        """Whether any host is named."""
        return bool(self.files) or self.nats is not None

    def merge(self, later: OtherHosts) -> OtherHosts:
        """Return both together; a later fleet wins."""
        fleet = later.fleet if later.nats is not None or later.fleet != USUAL_FLEET else self.fleet
        return OtherHosts(self.files + later.files, later.nats or self.nats, fleet)


roots_argument = click.argument("roots", nargs=-1, type=PathName(), metavar="[ROOT]...")
files_option = click.option(
    "--hosts",
    type=PathName(file=True),
    multiple=True,
    metavar="FILE",
    help="Hosts to look at: a file with [[hosts]] tables (repeatable).",
)
fleet_option = click.option(
    "--fleet", default=USUAL_FLEET, show_default=True, metavar="NAME", help="The fleet of --nats."
)
nats_option = click.option(
    "--nats",
    metavar="URL",
    help="Hosts to look at: a fleet, by its server nats://[user@]HOST[:PORT] or tls://... (commas: several).",
)
root_option = click.option(
    "--root", type=PathName(), metavar="ROOT", help="The root of the session, where several have the key."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
for_option = click.option(
    "--for", "seconds", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop after so long."
)


def hosts_option(function: F) -> F:
    """Add the options that name other hosts, handed over as one `hosts` argument."""

    def with_hosts(**values: Any) -> Any:
        hosts = OtherHosts(*(values.pop(name) for name in ("hosts", "nats", "fleet")))
        return function(hosts=hosts, **values)

    return _with_options(
        with_hosts,
        function,
        fleet_option,
        nats_option,
        files_option,
    )


class NamedHost(Struct, frozen=True):
    """The host that a command names, and the files of hosts or the fleet in which it may be."""

    word: str
    files: tuple[str, ...] = ()
    nats: str | None = None
    fleet: str = USUAL_FLEET


def host_option(function: F) -> F:
    """Add `--host` and where it may be, handed over as one `host` argument; None: this machine."""

    def with_host(
        *, host: str | None, hosts: tuple[str, ...], nats: str | None, fleet: str, **values: Any
    ) -> Any:
        if host is None and (hosts or nats):
            raise click.UsageError("--hosts and --nats name many hosts: which of them is meant says --host")
        named = None if host is None else NamedHost(host, hosts, nats, fleet)
        return click.get_current_context().invoke(function, host=named, **values)

    return _with_options(
        with_host,
        function,
        fleet_option,
        nats_option,
        files_option,
        click.option(
            "--host", metavar="NAME|ssh://HOST", help="On this other host: it is asked, proves and decides."
        ),
    )


def common_options(function: F) -> F:
    """Add the common options, handed over as one `common` argument."""

    def with_common(**values: Any) -> Any:
        options = Common(
            tuple(values.pop("log")),
            *(values.pop(name) for name in ("config", "read_only", "no_color", "no_mouse", "trust_owner")),
        )
        context = click.get_current_context()
        common = context.meta.get(_COMMON, Common()).merge(options)
        context.meta[_COMMON] = common
        return context.invoke(function, common=common, **values)

    file = PathName(file=True)
    return _with_options(
        with_common,
        function,
        click.option(
            "--trust-owner",
            type=AccountName(),
            multiple=True,
            metavar="NAME|UID",
            help="What this account owns counts as yours (repeatable).",
        ),
        click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal."),
        click.option("--no-color", is_flag=True, help="No colours."),
        click.option("--read-only", is_flag=True, help="Nothing that changes the world."),
        click.option(
            "--config", type=file, metavar="FILE", help="Configuration file instead of the usual one."
        ),
        click.option(
            "--log",
            type=file,
            multiple=True,
            metavar="FILE",
            help="A log to read: a file, a named pipe, or - for stdin (repeatable); packed ones are read by replay only.",
        ),
    )


def _with_options(wrapped: Callable[..., Any], function: F, *options: Callable[[Any], Any]) -> F:
    """Return the command with further options, the last of which is shown first."""
    wrapped.__name__, wrapped.__doc__ = function.__name__, function.__doc__
    wrapped.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    for option in options:
        wrapped = option(wrapped)
    return wrapped  # type: ignore[return-value]
