"""`lockdeck serve`: what this host's roots are doing, told to the decks that follow it."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import click

from lockdeck.backend.actions.journal import default_journal
from lockdeck.backend.hosts.asks import Role
from lockdeck.tui.cli.hosts.fleets import fleet_meant
from lockdeck.tui.cli.options import Common, PathName, common_options, fleet_option, roots_argument
from lockdeck.tui.cli.output import narrate
from lockdeck.tui.cli.startup import collector_for
from lockdeck.tui.exits import Exit

if TYPE_CHECKING:
    from lockdeck.backend.hosts.agent import HostAgent
    from lockdeck.backend.hosts.nats.address import FleetAddress

ROLES = tuple(role.value for role in Role)


@click.command("serve")
@roots_argument
@click.option("--stdio", is_flag=True, help="Serve the one deck on stdin and stdout, and end with it.")
@click.option(
    "--socket", type=PathName(), metavar="PATH", help="Serve every deck of this account on a socket."
)
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default=ROLES[0],
    help="What decks may do here at most: look (viewer, the default), also cancel and release (operator), also end processes (admin).",
)
@click.option(
    "--nats",
    metavar="URL",
    help="Tell a fleet, by its server nats://[user@]HOST[:PORT] or tls://... (commas: several).",
)
@fleet_option
@click.option("--as", "name", metavar="NAME", help="The name of this host in the fleet: else its host name.")
@common_options
def command(
    common: Common,
    roots: tuple[str, ...],
    *,
    stdio: bool,
    socket: str | None,
    role: str,
    nats: str | None,
    fleet: str,
    name: str | None,
) -> int:
    """Tell decks on other machines what the roots of this host are doing.

    Nothing listens on the network: `lockdeck ssh://HOST` starts this over ssh, and it ends with that connection. With
    --nats it writes into the bucket of a fleet until it is ended, and connects again whenever the server was away.
    """
    if [stdio, socket is not None, nats is not None].count(True) != 1:
        raise click.UsageError("name one way to serve: --stdio, --socket PATH or --nats URL")
    address = fleet_meant(nats, fleet)
    stop = threading.Event()
    agent = _agent(common, roots, role, stop)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if address is not None:
        return _serve_fleet(agent, address, name, stop)
    return _serve_here(agent, socket, stop)


def _agent(common: Common, roots: tuple[str, ...], role: str, stop: threading.Event) -> HostAgent:
    from lockdeck.backend.hosts.agent import HostAgent

    collector = collector_for(roots, common)
    changes_nothing = common.read_only or collector.settings.read_only
    came_from = os.environ.get("SSH_CONNECTION", "").partition(" ")[0] or "this machine"
    role_here = Role.VIEWER if changes_nothing else Role(role)
    return HostAgent(collector, stop, role_here, default_journal(), came_from)


def _serve_here(agent: HostAgent, socket: str | None, stop: threading.Event) -> Exit:
    from lockdeck.backend.hosts.carriers import serve_pipe, serve_socket

    if socket is None:
        serve_pipe(agent, stop)
        return Exit.OK
    try:
        serve_socket(agent, socket, stop)
    except OSError as error:
        narrate(f"{socket}: can't serve there: {error.strerror or error}")
        return Exit.USAGE
    return Exit.OK


def _serve_fleet(agent: HostAgent, address: FleetAddress, name: str | None, stop: threading.Event) -> Exit:
    from lockdeck.backend.hosts.nats.address import check_host_name
    from lockdeck.backend.hosts.nats.publisher import serve_fleet
    from lockdeck.backend.system.host import host_name

    try:
        host = check_host_name(name or host_name())
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    problem = serve_fleet(agent, address, host, stop, narrate)
    if problem is None:
        return Exit.OK
    narrate(problem)
    return Exit.USAGE
