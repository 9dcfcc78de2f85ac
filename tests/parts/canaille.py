"""canaille, another real OpenID provider (PyPI), on loopback over HTTPS. It asks for the name first, the password on a
second page, and then for whatever other factors it is set up with.

async with mail_sink() as sink, canaille(ca, factors=("password", "email"), mail=sink.address) as provider: ...
async with canaille(ca, factors=("password", "otp")) as provider: pyotp.TOTP(provider.totp_base32).now()
async with canaille(ca, lockout=True, captcha_after=3) as provider: ...     # after wrong passwords
"""

import base64
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from parallax.dialling.route import Routes
from parallax.values import Address, Cidr, Redirect
from tests.parts.certificates import Authority
from tests.parts.daemon import Daemon, daemon
from tests.parts.installed import find_part
from tests.parts.oidc_provider import Client, signing_keys
from tests.parts.ports import free_port

PUBLIC = Address("192.0.2.81:443")
"""Where the issuer's name points, as far as the tests go."""
_NAME = "id.example"
_SERVER = Path(__file__).parent / "canaille" / "serve.py"


class Canaille:
    """The provider, running. `user`, the first of its users, may sign in with `password`."""

    def __init__(
        self, process: Daemon, user: str, password: str, totp_raw: str, clients: tuple[Client, Client]
    ) -> None:
        self._process, self.password = process, password
        self.issuer, self.ca_file = f"https://{_NAME}", str(process.folder / "ca.pem")
        self.user = user
        self.totp_raw = totp_raw
        """The octets of the TOTP secret, as text."""
        self.totp_base32 = base64.b32encode(totp_raw.encode()).decode()
        """The same secret, as most programs want it."""
        self.web, self.machine = clients

    @property
    def email(self) -> str:
        """Where the user's codes go."""
        return f"{self.user}@example.com"

    @property
    def address(self) -> Address:
        return self._process.address

    @property
    def routes(self) -> Routes:
        """These lead `PUBLIC` to it, and allow nothing but loopback."""
        return Routes.of([(Redirect(f"{PUBLIC}/tcp"), self.address)], (Cidr("127.0.0.0/8"),))

    @property
    def log(self) -> str:
        return self._process.log

    def kill(self) -> None:
        self._process.kill()

    def pause(self) -> None:
        self._process.pause()

    def resume(self) -> None:
        self._process.resume()


@asynccontextmanager
async def canaille(
    ca: Authority,
    *,
    factors: Sequence[Literal["password", "email", "otp"]] = ("password",),
    mail: Address | None = None,
    lockout: bool = False,
    captcha_after: int | None = None,
    users: Sequence[str] = ("synthetic-one",),
) -> AsyncIterator[Canaille]:
    """Runs until the end of the block; takes some two seconds to start. `lockout`: after a wrong password the next try
    is refused for 2 s, then 4, 8, ... `captcha_after`: from so many wrong passwords on, the form wants a captcha too.
    Both say so with status 200. `users` all have the same password and TOTP secret. Skips the test where it is not
    installed."""
    folder = find_part("canaille")
    port, password, totp_raw = free_port(), secrets.token_urlsafe(12), secrets.token_hex(8)
    web = Client(
        id="web", redirect_uri="https://probe.invalid/cb", logout_uri="https://probe.invalid/bye",
        scope="openid email profile",
    )  # fmt: skip
    machine = Client(id="machine", secret=secrets.token_urlsafe(24), scope="openid")
    leaf = ca.leaf(_NAME)
    core = {
        "DATABASE": "sql", "JAVASCRIPT": False, "HTMX": False, "AUTHENTICATION_FACTORS": list(factors),
        "ENABLE_INTRUDER_LOCKOUT": lockout, "CAPTCHA_ENABLED": captcha_after is not None,
        "CAPTCHA_FAILURE_THRESHOLD": captcha_after or 3,
    }  # fmt: skip
    if mail:
        core["SMTP"] = {"HOST": mail.ip, "PORT": mail.port, "FROM_ADDR": f"sign-in@{_NAME}"}

    def settings(home: Path) -> str:
        return json.dumps(
            {
                "bind": f"127.0.0.1:{port}",
                "certificate": str(home / "server.crt"),
                "key": str(home / "server.key"),
                "settings": {
                    "SECRET_KEY": secrets.token_hex(16),
                    "SERVER_NAME": _NAME,
                    "PREFERRED_URL_SCHEME": "https",
                    "CANAILLE": core,
                    "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{home}/canaille.sqlite"},
                    "CANAILLE_OIDC": {"ACTIVE_JWKS": json.loads(signing_keys())["keys"]},
                },
                "users": [_user(name, password, totp_raw if "otp" in factors else None) for name in users],
                "clients": [_web(web), _machine(machine)],
            }
        )

    files = {
        "settings.json": settings,
        "server.crt": lambda _: leaf.chain,
        "server.key": lambda _: leaf.key,
        "ca.pem": lambda _: ca.pem,
    }
    command = lambda home: [str(folder / "bin" / "python"), str(_SERVER), str(home / "settings.json")]  # noqa: E731
    async with daemon(command, "127.0.0.1", port, "Running on", files) as running:
        yield Canaille(running, users[0], password, totp_raw, (web, machine))


def _user(name: str, password: str, totp: str | None) -> dict[str, object]:
    names = {"user_name": name, "family_name": "Synthetic", "formatted_name": f"Synthetic {name}"}
    user = {**names, "emails": [f"{name}@example.com"], "password": password}
    return user | ({"secret_token": totp} if totp else {})


def _web(client: Client) -> dict[str, object]:
    return {
        "client_id": client.id,
        "client_name": "Synthetic sign-in",
        "client_uri": "https://probe.invalid",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "redirect_uris": [client.redirect_uri],
        "post_logout_redirect_uris": [client.logout_uri],
        "scope": client.scope.split(),
    }


def _machine(client: Client) -> dict[str, object]:
    return {
        "client_id": client.id,
        "client_name": "Machine",
        "client_secret": client.secret,
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["client_credentials"],
        "scope": client.scope.split(),
    }
