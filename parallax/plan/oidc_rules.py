"""What the keys of an `oidc` check must keep among each other. Pure; the spec may be a draft."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from parallax.loading.convert import Fault, good
from parallax.loading.problems import shown
from parallax.plan.signin_specs import Client, Expect, OidcSpec
from parallax.values import Duration

_OURS = ("client_assertion", "client_id", "client_secret", "code", "grant_type", "scope")
"""Parameters of a token request that have keys of their own, or are the protocol's."""


def oidc_faults(spec: OidcSpec, timeout: Duration) -> Iterator[Fault]:
    """Every fault between the keys of an oidc check."""
    if good(spec.issuer):
        yield from issuer_faults(spec.issuer)
    if good(spec.client) and spec.client is not None:
        yield from _client_faults(spec.client)
        if good(spec.issuer) and not spec.issuer.https:
            yield Fault(("issuer",), "is http, and the client's secret is sent over TLS only; write https://")
    elif good(spec.client):
        for key, value in (("scope", spec.scope), ("parameters", spec.parameters), ("expect", spec.expect)):
            if good(value) and value not in ([], {}, Expect()):
                yield Fault((key,), "is of a token, and without a client none is asked for; add client")
    for name in spec.parameters if good(spec.parameters) else ():
        if name in _OURS:
            yield Fault(("parameters", name), "is set by Parallax, from client and scope; take it out")
    if isinstance(spec.expect, Expect):
        yield from expect_faults(spec.expect)


def issuer_faults(issuer: str) -> Iterator[Fault]:
    """What makes a URL no issuer (OpenID Connect Discovery 1.0, sections 2 and 4)."""
    if urlsplit(issuer).query:
        yield Fault(("issuer",), "has a query (?...), and no issuer has one (OpenID Connect Discovery, section 2)")
    elif "/.well-known/" in issuer:
        what = 'is the address of a discovery document; write the issuer, as that document has it under "issuer"'
        yield Fault(("issuer",), what)


def _client_faults(client: Client) -> Iterator[Fault]:
    if not good(client.auth, client.secret):
        return
    if client.auth == "none":
        what = 'a public client gets no token for itself; write auth = "basic" or "post"'
        yield Fault(("client", "auth"), what)
    elif client.secret is None:
        yield Fault(("client", "secret"), f'is missing, and auth = "{client.auth}" sends it; write "secret:NAME"')


def expect_faults(expect: Expect) -> Iterator[Fault]:
    """Faults of what a token is expected to be."""
    for place, name in enumerate(expect.alg if good(expect.alg) else ()):
        if isinstance(name, str) and (name.lower() == "none" or name.startswith("HS")):
            yield Fault(
                ("expect", "alg", place),
                f"{shown(name)} proves nothing of an issuer; write asymmetric ones, like RS256",
            )
