"""An OpenID provider that lies on demand: its document, its keys and its tokens are what a test makes of them."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import trio

from parallax.values import Address
from tests.fakes.http_server import Peer, http_server, response
from tests.parts.certificates import Leaf
from tests.probe.oidc.keys import P256_JWK, RSA_JWK, signed

Answer = tuple[int, bytes, tuple[str, ...]]
"""Status, body, header lines."""
DISCOVERY = "/.well-known/openid-configuration"


def as_json(said: Any, status: int = 200, *headers: str) -> Answer:
    return status, json.dumps(said).encode(), ("Content-Type: application/json", *headers)


class LyingProvider:
    """What it answers by path; `answers[path] = ...` changes one, for a test. `asked` are the requests' methods and
    paths, `forms` what was posted, `heads` the requests' heads."""

    def __init__(self, address: Address) -> None:
        self.address, self.issuer = address, f"https://localhost:{address.port}"
        self.raw: dict[str, bytes] = {}
        """By path: these octets as they are, then the end of the connection; or, if there are none, silence."""
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.heads: list[str] = []
        self.document: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        self.keys: list[Any] = [RSA_JWK, P256_JWK]
        self.token: Callable[[], str] = lambda: signed(self.claims())
        self.answers: dict[str, Callable[[], Answer]] = {
            DISCOVERY: lambda: as_json(self.document),
            "/jwks": lambda: as_json({"keys": self.keys}, 200, "Cache-Control: max-age=300"),
            "/token": lambda: as_json(
                {"access_token": self.token(), "token_type": "Bearer", "expires_in": 600},
                200,
                "Cache-Control: no-store",
            ),
        }

    def claims(self, **more: Any) -> dict[str, Any]:
        """Those of an access token that was made just now."""
        now = int(time.time())
        return {"iss": self.issuer, "sub": "machine", "aud": "api", "iat": now, "exp": now + 600, **more}

    async def behave(self, peer: Peer) -> None:
        while head := await peer.request():
            first, _, rest = head.partition(b"\r\n")
            method, path = first.decode("latin-1").split(" ")[:2]
            self.asked.append(f"{method} {path}")
            headers, _, body = rest.partition(b"\r\n\r\n")
            self.heads.append(headers.decode("latin-1"))
            if method == "POST":
                length = next(
                    int(line.partition(b":")[2]) for line in headers.lower().split(b"\r\n") if b"length" in line
                )
                while len(body) < length:
                    body += bytes(await peer.stream.receive_some(65536))
                self.forms.append({name: values[0] for name, values in parse_qs(body.decode()).items()})
            if path in self.raw:
                await peer.send(self.raw[path])
                if not self.raw[path]:
                    await peer.until_gone()
                return
            make = self.answers.get(path, lambda: (404, b"nothing here", ()))
            status, said, lines = make()
            await peer.send(response(status, said, *lines))
            await trio.lowlevel.checkpoint()


@asynccontextmanager
async def lying_provider(certificate: Leaf) -> AsyncIterator[LyingProvider]:
    """Over TLS as localhost; honest until a test changes it."""
    async with http_server(_nothing, certificate=certificate) as server:
        provider = LyingProvider(server.address)
        server.behaviour = provider.behave
        yield provider


async def _nothing(peer: Peer) -> None:
    """Until the provider knows its port."""
