"""Ways to be let in besides keys in the configuration: `.creds` of an operator, and client certificates."""

from __future__ import annotations

import pytest

from lockdeck.backend.hosts.nats.address import fleet_address
from lockdeck.backend.hosts.nats.link import INBOX
from lockdeck.backend.hosts.nats.server import NatsError, connected
from tests.hosts.nats.credentials import Authority, Operator
from tests.hosts.nats.server import NatsServer, serving


def configured(tmp_path, text, scheme):
    config = tmp_path / "nats-server.conf"
    config.write_text(text)
    return NatsServer(tmp_path / "nats", "-c", config, scheme=scheme)


async def is_let_in(server, env):
    async with connected(fleet_address(server.url, "main"), INBOX, env) as connection:
        await connection.client.flush(30)
        return not connection.over.done()


async def test_the_creds_of_an_operator_let_a_user_in_and_those_of_another_do_not(tmp_path):
    operator = Operator()
    server = configured(tmp_path, operator.config, "nats")
    ours, others = operator.creds(tmp_path / "ours.creds"), Operator().creds(tmp_path / "others.creds")
    with serving([server]):
        assert await is_let_in(server, {"NATS_CREDS": str(ours)})
        with pytest.raises(NatsError, match="does not let us in"):
            await is_let_in(server, {"NATS_CREDS": str(others)})


async def test_a_client_certificate_lets_its_user_in_and_no_certificate_or_another_user_does_not(tmp_path):
    authority = Authority(tmp_path)
    server = configured(
        tmp_path,
        f"tls {{ cert_file: '{tmp_path}/server.pem', key_file: '{tmp_path}/server.key', "
        f"ca_file: '{tmp_path}/server.pem', verify_and_map: true }}\n"
        "authorization { users: [ { user: 'CN=deck' } ] }\n",
        "tls",
    )
    deck, stranger = authority.client("deck"), authority.client("stranger")
    with serving([server]):
        assert await is_let_in(server, deck)
        with pytest.raises(NatsError):
            await is_let_in(server, {"NATS_CA": deck["NATS_CA"]})
        with pytest.raises(NatsError, match="does not let us in"):
            await is_let_in(server, stranger)
