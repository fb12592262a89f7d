"""Addresses of hosts, as they are typed."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.hosts.address import ssh_address
from lockdeck.backend.hosts.words import is_address


@pytest.mark.parametrize(
    ("word", "name", "destination", "tail"),
    [
        ("ssh://alpha", "alpha", "ssh://alpha", ()),
        ("ssh://claw@alpha:2222", "claw@alpha:2222", "ssh://claw@alpha:2222", ()),
        ("ssh://[fe80::1]:22/", "[fe80::1]:22", "ssh://[fe80::1]:22", ()),
        ("ssh://alpha/srv/a%20b", "alpha/srv/a b", "ssh://alpha", ("'/srv/a b'",)),
        ("ssh://alpha/~/.openclaw", "alpha/~/.openclaw", "ssh://alpha", ("~/.openclaw",)),
    ],
)
def test_an_address_is_a_host_for_ssh_and_a_root_for_its_shell(word, name, destination, tail):
    address = ssh_address(word)
    assert address.name == name
    where = address.command.index(destination)
    assert address.command[where + 1 :] == ("lockdeck", "serve", "--stdio", *tail)


@pytest.mark.parametrize("word", ["ssh://", "ssh:///root", "ssh://a:b@c", "ssh://a:99999", "ssh://a?x=1"])
def test_what_is_no_address_says_so(word):
    with pytest.raises(ValueError, match="ssh://"):
        ssh_address(word)


@given(st.text(min_size=1))
def test_a_root_of_an_address_is_one_word_to_the_shell(root):
    assert is_address("ssh://alpha")
    try:
        address = ssh_address(f"ssh://alpha/{root}")
    except ValueError:
        return
    words = shlex.split(" ".join(address.command[address.command.index("ssh://alpha") + 1 :]))
    assert words[:3] == ["lockdeck", "serve", "--stdio"]
    assert len(words) <= 4


def test_a_host_that_looks_like_an_option_stays_a_host():
    assert ssh_address("ssh://-oProxyCommand=x").command[-4].startswith("ssh://")
