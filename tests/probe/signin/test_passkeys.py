"""The step `webauthn`: a flow that makes a passkey known and signs in with it, at a page of Yubico's relying party."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fido2.server import Fido2Server
from fido2.webauthn import (
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
)

from parallax.config import BoundSecret
from parallax.observation import as_dict
from parallax.state import write_private
from probe.tools import Tools
from probe.vault import Vault
from probe.webauthn import new_passkey
from tests.fakes.signin_server import Asked, Said, SigninServer, as_json, page
from tests.parts.certificates import Authority
from tests.probe.signin.flows import told, tools_at
from tests.probe.signin.test_steps import go

pytestmark = pytest.mark.slow

FLOW = """
[[step]]
name = "options"
request = { get = "HERE/options/WHAT" }
capture.challenge = { json = "$.publicKey.challenge" }
[[step]]
name = "passkey"
webauthn = { passkey = "secret:PASSKEY", challenge = "{challenge}", register = REGISTER }
[[step]]
name = "send"
request = { post = "HERE/WHAT", form = { answer = "{passkey}" } }
"""
REGISTER = FLOW.replace("WHAT", "register").replace("REGISTER", "true")
SIGN_IN = FLOW.replace("WHAT", "sign-in").replace("REGISTER", "false")
BY_PARTS = SIGN_IN.replace(
    '{ answer = "{passkey}" }',
    '{ id = "{passkey.id}", c = "{passkey.client_data}", a = "{passkey.authenticator_data}", '
    's = "{passkey.signature}" }',
)


class Party:
    """A relying party behind the server's paths."""

    def __init__(self, server: SigninServer) -> None:
        self.server = Fido2Server(PublicKeyCredentialRpEntity(id="localhost", name="Here"))
        self.state: Any = None
        self.known: list[Any] = []
        server.answers |= {
            "/options/register": lambda asked: self.ask(self.server.register_begin(self.user)),
            "/options/sign-in": lambda asked: self.ask(self.server.authenticate_begin(self.known)),
            "/register": self.register,
            "/sign-in": self.sign_in,
        }

    user = PublicKeyCredentialUserEntity(id=b"user-1", name="synthetic")

    def ask(self, begun: tuple[Any, Any]) -> Said:
        options, self.state = begun
        return as_json(dict(options))

    def register(self, asked: Asked) -> Said:
        answer = RegistrationResponse.from_dict(json.loads(asked.form["answer"]))
        self.known = [self.server.register_complete(self.state, answer).credential_data]
        return Said(204)

    def sign_in(self, asked: Asked) -> Said:
        said = asked.form
        whole = json.loads(said["answer"]) if "answer" in said else {
            "id": said["id"], "rawId": said["id"], "type": "public-key",
            "response": {"clientDataJSON": said["c"], "authenticatorData": said["a"], "signature": said["s"]},
        }  # fmt: skip
        self.server.authenticate_complete(self.state, self.known, AuthenticationResponse.from_dict(whole))
        return page("<title>Welcome</title>")


def tools_with(ca: Authority, tmp: Path, passkey: str, hosts: list[str]) -> Tools:
    tools = tools_at(ca, tmp)
    write_private(tmp / "passkey", passkey.encode())
    vault = Vault({"PASSKEY": BoundSecret(source=f"file:{tmp / 'passkey'}", hosts=hosts)})
    return msgspec.structs.replace(tools, vault=vault)


async def test_a_flow_registers_a_passkey_and_later_ones_sign_in(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    party, text = Party(server), new_passkey().reveal()
    tools = tools_with(ca, tmp_path, text, ["localhost"])
    steps = [("options", None), ("passkey", None), ("send", None)]
    assert told(await go(server, tools, REGISTER)) == steps
    assert len(party.known) == 1
    found = await go(server, tools, SIGN_IN)
    assert told(found) == steps
    assert found[1].findings["webauthn"] == {
        "rp": "localhost", "origin": server.issuer, "register": False, "verified": True
    }  # fmt: skip
    assert told(await go(server, tools, BY_PARTS)) == steps
    whole = str([as_dict(each) for each in found])
    assert not any(part in whole for part in [*text.split(".")[2:], server.asked[-1].form["s"]])


async def test_a_passkey_is_used_at_no_page_that_its_owner_did_not_name(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    Party(server)
    tools = tools_with(ca, tmp_path, new_passkey().reveal(), ["sso.example.com"])
    found = await go(server, tools, REGISTER)
    assert told(found) == [("options", None), ("passkey", "secret_withheld")]
    assert "[secrets.PASSKEY] hosts" in found[-1].findings["detail"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (', rp = "example.com"', "secret_withheld"),
        (', rp = "host"', "secret_withheld"),
    ],
)
async def test_a_page_of_another_party_gets_no_answer(
    server: SigninServer, ca: Authority, tmp_path: Path, more: str, reason: str
) -> None:
    Party(server)
    tools = tools_with(ca, tmp_path, new_passkey().reveal(), ["localhost"])
    found = await go(server, tools, REGISTER.replace("register = true", f"register = true{more}"))
    assert told(found)[-1] == ("passkey", reason)


async def test_what_is_no_passkey_is_the_owners_to_mend(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    Party(server)
    tools = tools_with(ca, tmp_path, "hunter2-and-more", ["localhost"])
    found = await go(server, tools, REGISTER)
    assert told(found)[-1] == ("passkey", "secret_missing")
    assert found[-1].fault == "config"
    assert "hunter2" not in str([as_dict(each) for each in found])
