"""oidc-provider, a certified OpenID provider (npm), on loopback over HTTPS, with sign-in pages of our own.

async with oidc_provider(ca) as provider:
    provider.routes                 # lead PUBLIC, where the issuer's name "points", to the loopback port
    provider.break_path("/token", status=503, times=1)      # until mend()
    provider.kill(); await provider.restart()               # new signing keys, no sessions
"""

import base64
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from parallax.dialling.route import Routes
from parallax.values import Address, Cidr, Redirect
from tests.parts.certificates import Authority, Leaf
from tests.parts.daemon import Daemon, daemon
from tests.parts.installed import find_node, find_part
from tests.parts.ports import free_port

PUBLIC = Address("192.0.2.80:443")
"""Where the issuer's name points, as far as the tests go."""
_SERVER = Path(__file__).parent / "oidc_provider" / "server.mjs"


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A client that is registered with the provider. Without a secret it is public, and must use PKCE."""

    id: str
    secret: str | None = None
    redirect_uri: str | None = None
    """Nobody listens there."""
    logout_uri: str | None = None
    scope: str


class Pages(msgspec.Struct, frozen=True, kw_only=True):
    """What the sign-in pages do. Counts are of wrong passwords in a row for a user; None is never."""

    identifier_first: bool = False
    captcha_after: int | None = None
    """The login form gains a captcha, and even the right password is refused."""
    locked_after: int | None = None
    """The page says so, with status 200, and has no login form any more."""


class OidcProvider:
    """The provider, running. Any user `synthetic-...` may sign in, with `password`."""

    def __init__(
        self, process: Daemon, issuer: str, ca_file: str, password: str, clients: tuple[Client, Client]
    ) -> None:
        self._process, self.issuer, self.ca_file, self.password = process, issuer, ca_file, password
        self.web, self.machine = clients
        self.user = "synthetic-one"
        self._rules: list[dict[str, Any]] = []

    @property
    def address(self) -> Address:
        """Where it listens."""
        return self._process.address

    @property
    def routes(self) -> Routes:
        """These lead `PUBLIC` to it, and allow nothing but loopback."""
        return Routes.of([(Redirect(f"{PUBLIC}/tcp"), self.address)], (Cidr("127.0.0.0/8"),))

    @property
    def log(self) -> str:
        return self._process.log

    def break_path(
        self,
        path: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: str = "",
        delay_s: float = 0.0,
        drop: bool = False,
        times: int | None = None,
    ) -> None:
        """From now on (for `times` requests, if given) requests for this path, or for those that begin so where it ends
        with "*", are answered with this status, or not at all (`drop`: the connection ends). `delay_s` comes before;
        alone, it makes the right answer late. Paths: /auth, /interaction/*, /token, /me, /jwks, /session/end,
        /token/revocation."""
        rule = {
            "id": secrets.token_hex(4), "path": path, "status": status, "headers": headers or {}, "body": body,
            "delay_s": delay_s, "drop": drop, "times": times,
        }  # fmt: skip
        self._rules.append(rule)
        _replace(self._process.folder / "config.json.broken", json.dumps(self._rules))

    def mend(self) -> None:
        """It answers everything itself again."""
        self._rules.clear()
        _replace(self._process.folder / "config.json.broken", json.dumps(self._rules))

    def kill(self) -> None:
        self._process.kill()

    async def restart(self) -> None:
        """With new signing keys; sessions, grants and counts of wrong passwords are gone."""
        _replace(self._process.folder / "config.json.keys", signing_keys())
        await self._process.restart()

    def pause(self) -> None:
        """Dark: takes connections, answers nothing, until `resume`."""
        self._process.pause()

    def resume(self) -> None:
        self._process.resume()


@asynccontextmanager
async def oidc_provider(
    ca: Authority,
    *,
    issuer: str | None = "https://sso.example",
    pages: Pages | None = None,
    certificate: Leaf | None = None,
    access_token_ttl_s: int = 600,
) -> AsyncIterator[OidcProvider]:
    """Runs until the end of the block; takes about a second to start. `issuer` None: https://localhost with its port,
    for who needs no redirect. Skips the test where Node.js or the package is missing."""
    node, folder = find_node(), find_part("oidc_provider")
    port = free_port()
    issuer = issuer or f"https://localhost:{port}"
    leaf = certificate or ca.leaf("sso.example", "localhost", "127.0.0.1")
    password = secrets.token_urlsafe(12)
    web = Client(
        id="web", redirect_uri="https://probe.invalid/cb", logout_uri="https://probe.invalid/bye",
        scope="openid email profile offline_access",
    )  # fmt: skip
    machine = Client(id="machine", secret=secrets.token_urlsafe(24), scope="read")
    config = {
        "issuer": issuer, "ip": "127.0.0.1", "port": port, "certificate": leaf.chain, "key": leaf.key,
        "password": password, "access_token_ttl_s": access_token_ttl_s, "clients": [_web(web), _machine(machine)],
        **msgspec.to_builtins(pages or Pages()),
    }  # fmt: skip

    files = {
        "config.json": lambda _: json.dumps(config),
        "config.json.broken": lambda _: "[]",
        "config.json.keys": lambda _: signing_keys(),
        "ca.pem": lambda _: ca.pem,
    }
    command = lambda home: [node, str(_SERVER), str(folder / "node_modules"), str(home / "config.json")]  # noqa: E731
    async with daemon(command, "127.0.0.1", port, "the provider is ready", files) as running:
        yield OidcProvider(running, issuer, str(running.folder / "ca.pem"), password, (web, machine))


def _replace(path: Path, content: str) -> None:
    """In one step, as the server may read the file at any moment."""
    new = path.with_suffix(".new")
    new.write_text(content)
    new.replace(path)


def signing_keys() -> str:
    """A new JWK set (RFC 7517) with private keys for RS256 and ES256."""
    rsa_key = rsa.generate_private_key(65537, 2048).private_numbers()
    public = rsa_key.public_numbers
    rsa_parts = {
        "n": public.n, "e": public.e, "d": rsa_key.d, "p": rsa_key.p, "q": rsa_key.q,
        "dp": rsa_key.dmp1, "dq": rsa_key.dmq1, "qi": rsa_key.iqmp,
    }  # fmt: skip
    point = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    ec_parts = {"x": point.public_numbers.x, "y": point.public_numbers.y, "d": point.private_value}
    keys = [
        {"kty": "RSA", "alg": "RS256"} | {name: _base64(number) for name, number in rsa_parts.items()},
        {"kty": "EC", "alg": "ES256", "crv": "P-256"}
        | {name: _base64(number, 32) for name, number in ec_parts.items()},
    ]
    return json.dumps({"keys": [{"use": "sig", "kid": secrets.token_hex(6), **key} for key in keys]})


def _base64(number: int, octets: int = 0) -> str:
    """Base64urlUInt, or of a fixed length where given (RFC 7518 sections 2 and 6.2.1.2)."""
    raw = number.to_bytes(octets or (number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _web(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "redirect_uris": [client.redirect_uri],
        "post_logout_redirect_uris": [client.logout_uri],
    }


def _machine(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "client_secret": client.secret,
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["client_credentials"],
        "response_types": [],
        "redirect_uris": [],
        "scope": client.scope,
    }
