"""Which hosts a command line means: addresses among its words, files of hosts, and those of the configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence

import click

from lockdeck.backend.hosts.address import HostAddress, by_hand, ssh_address
from lockdeck.backend.hosts.asks import Role
from lockdeck.backend.hosts.nats.address import FleetAddress, FleetHostAddress
from lockdeck.backend.hosts.words import is_address
from lockdeck.backend.openclaw.log.inputs.words import is_stdin
from lockdeck.backend.settings.load import load_hosts
from lockdeck.backend.settings.records import HostSettings
from lockdeck.backend.system.host import host_name
from lockdeck.tui.cli.hosts.fleets import fleet_host_meant, fleet_meant
from lockdeck.tui.cli.options import Common, NamedHost, OtherHosts
from lockdeck.tui.cli.startup import settings_faults_are_wrong_use, settings_of

SERVE = ("-c", "from lockdeck.tui.entry import main; main()", "serve", "--stdio")
"""Words that let our Python serve this machine on a pipe."""


def hosts_meant(
    words: Sequence[str], hosts: OtherHosts, common: Common
) -> tuple[HostAddress | FleetAddress, ...]:
    """Return the hosts or the fleet that are meant, where any is (`startup.hosts_for`).

    Roots among the words, and without any word or file those of the configuration, are of this machine, which then is
    one host among the others.
    """
    files, fleet = hosts.files, fleet_meant(hosts.nats, hosts.fleet)
    if fleet:
        if words or files:
            raise click.UsageError("--nats shows the hosts of a fleet: leave roots and other hosts out")
        return (fleet,)
    named = [word for word in words if is_address(word)]
    roots = [word for word in words if not is_address(word)]
    configured = () if named or files or roots else settings_of(common).hosts
    addresses = [*_typed(named), *_of_files(files), *_configured(configured, common)]
    if roots or not (named or files):
        addresses.insert(0, _this_machine(roots, common))
    _refuse_doubles(addresses)
    return tuple(addresses)


def host_meant(named: NamedHost, common: Common, role: Role) -> HostAddress | FleetHostAddress:
    """Return the host that is to be asked for something: an address, or a name of a fleet, the files or the configuration.

    `role`: what it takes to ask that in a fleet; elsewhere the command that leads there says it.
    """
    word, files, fleet = named.word, named.files, fleet_meant(named.nats, named.fleet)
    if fleet:
        if files or is_address(word):
            raise click.UsageError("--nats with --host names a host of a fleet: leave other hosts out")
        return fleet_host_meant(fleet, word, role)
    if is_address(word):
        return next(_typed([word]))
    hosts: list[HostAddress] = [
        *_of_files(files),
        *(() if files else _configured(settings_of(common).hosts, common)),
    ]
    of_name = [address for address in hosts if address.name == word]
    if not of_name:
        names = ", ".join(address.name for address in hosts) or "none"
        raise click.UsageError(
            f"--host: {word} is neither ssh://HOST nor the name of a [[hosts]] table ({names})"
        )
    _refuse_doubles(of_name)
    return of_name[0]


def _typed(words: Sequence[str]) -> Iterator[HostAddress]:
    for word in dict.fromkeys(words):
        try:
            yield ssh_address(word)
        except ValueError as error:
            raise click.UsageError(str(error)) from None


def _of_files(files: Sequence[str]) -> Iterator[HostAddress]:
    for file in files:
        with settings_faults_are_wrong_use():
            of = ("--hosts", os.path.abspath(file))
            yield from (_address(settings, of) for settings in load_hosts(file))


def _configured(hosts: Iterable[HostSettings], common: Common) -> Iterator[HostAddress]:
    of = ("--config", os.path.abspath(common.config)) if common.config else ()
    return (_address(settings, of) for settings in hosts)


def _address(settings: HostSettings, of: tuple[str, ...]) -> HostAddress:
    host_options = ("--host", settings.name, *of)
    there = by_hand(settings.command)
    return HostAddress(settings.name, settings.command, settings.group, host_options, there)


def _this_machine(roots: Sequence[str], common: Common) -> HostAddress:
    """Return this machine as a host among others: served by a lockdeck of its own."""
    if any(map(is_stdin, common.logs)):
        raise click.UsageError("--log - is of this machine alone: leave the other hosts out, or name a file")
    options = [word for log in common.logs for word in ("--log", os.path.abspath(log))]
    options += ["--config", os.path.abspath(common.config)] if common.config else []
    options += [word for uid in common.trusted_uids for word in ("--trust-owner", str(uid))]
    here = tuple(map(os.path.abspath, roots))
    serve, words = (sys.executable, *SERVE), (*options, *here)
    # Whose machine this is may do there what a command of his own may.
    acting = (*serve, "--role", Role.ADMIN.value, *words)
    return HostAddress(host_name(), (*serve, *words), by_hand=("lockdeck", *here), acting=acting)


def _refuse_doubles(addresses: Sequence[HostAddress]) -> None:
    names = [address.name for address in addresses]
    for name in names:
        if names.count(name) > 1:
            raise click.UsageError(f"two hosts are named {name}: give each [[hosts]] table a name of its own")
