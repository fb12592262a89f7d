"""The address of a fleet, and what is none."""

from __future__ import annotations

import pytest

from lockdeck.backend.hosts.nats.address import check_host_name, fleet_address


def test_an_address_names_its_servers_its_user_and_its_bucket():
    address = fleet_address("nats://deck@a,nats://deck@[::1]:4333,deck@b:1", "prod")
    assert address.servers == ("nats://a:4222", "nats://[::1]:4333", "nats://b:1")
    assert (address.user, address.tls) == ("deck", False)
    assert (address.bucket, address.stream) == ("lockdeck-prod", "KV_lockdeck-prod")
    assert address.name == "nats://a:4222,nats://[::1]:4333,nats://b:1/prod"


def test_tls_alone_is_said_by_the_scheme():
    assert fleet_address("tls://a", "main").tls
    assert fleet_address("tls://a", "main").servers == ("tls://a:4222",)


@pytest.mark.parametrize(
    ("words", "fleet", "fault"),
    [
        ("nats://a", "two words", "no name of a fleet"),
        ("nats://a", "a.b", "no name of a fleet"),
        ("nats://a", "", "no name of a fleet"),
        ("nats://deck:secret@a", "main", "NATS_PASSWORD"),
        ("http://a", "main", "no address"),
        ("nats://", "main", "no address"),
        ("", "main", "no address"),
        ("nats://a/prod", "main", "no address"),
        ("nats://a:99999", "main", "between 0 and 65535"),
        ("nats://a,tls://b", "main", "one scheme and one user"),
        ("nats://x@a,nats://y@b", "main", "one scheme and one user"),
    ],
)
def test_what_is_no_address_is_said(words, fleet, fault):
    with pytest.raises(ValueError, match=fault) as raised:
        fleet_address(words, fleet)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("name", ["", "a b", "a*", ">", "a..b", ".a", "a.", "ä", "a\n", "x" * 129])
def test_a_host_is_named_by_what_can_be_a_key(name):
    with pytest.raises(ValueError, match="--as"):
        check_host_name(name)
    assert check_host_name("alpha-1.example_x") == "alpha-1.example_x"
