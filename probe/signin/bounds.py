"""Where a secret may go that no entry of the probe's config binds: what a run captured, a code that came by mail.

A plan is not the probe's owner, and a page may lead anywhere. So such a secret goes over TLS, to the hosts that the
config binds this check's secrets to, and to the issuer's own hosts: its own and those of the endpoints that it
publishes.
"""

from urllib.parse import urlsplit

from parallax.plan.templates import secrets_of
from probe.oidc.discovery import Discovery
from probe.signin.flow import Flow


def host_of(url: str) -> str:
    """The host of a URL, in small letters; empty where it has none."""
    return urlsplit(url).hostname or ""


def is_bound(flow: Flow, url: str) -> bool:
    """Whether a secret of this check may be sent to this URL."""
    return any(flow.tools.vault.allows(name, url) for name in set(secrets_of(flow.spec)))


def is_issuers(found: Discovery, url: str) -> bool:
    """Whether the URL is at one of the issuer's own hosts, over TLS."""
    own = {host_of(each) for each in (found.issuer, *found.endpoints.values())}
    return url.startswith("https:") and host_of(url) in own
