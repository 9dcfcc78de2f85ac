"""How long this probe's client certificates hold, said a month before they end.

A collector shuts a probe out once its certificate has expired: that probe measures on, and nobody hears it. So what
ends soon stands among what the probe lacks, in its report, while enrolling anew still leaves no gap.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from cryptography import x509

from parallax.clock import NS
from parallax.config import CollectorAddress
from parallax.secret import SecretError, secret_file

LACK = "certificate"
"""The word beside those of probe.capabilities; no check needs it."""
DAY_S = 86_400
NOTICE_S = 30 * DAY_S
RENEW = "enrol this probe again and start it anew: parallax probe enroll URL --token JOIN --certificate"


class OwnCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """The client certificate for one collector. `expires_at` is in ns since the Unix epoch."""

    url: str
    expires_at: int


def read_own(addresses: Iterable[CollectorAddress]) -> tuple[OwnCertificate, ...]:
    """Those that can be read; the start refuses others in words of its own. Connections keep what was read at the
    start, so that is when to ask."""
    return tuple(
        OwnCertificate(url=str(each.url), expires_at=ends)
        for each in addresses
        if each.certificate is not None and (ends := _read(each.certificate)) is not None
    )


def certificate_lacks(own: Iterable[OwnCertificate], now: int) -> dict[str, str]:
    """The one that ends first, where it does within a month of `now` (ns since the Unix epoch) or has ended."""
    first = min(own, key=lambda each: each.expires_at, default=None)
    if first is None or first.expires_at - now > NOTICE_S * NS:
        return {}
    verb = "expires" if first.expires_at > now else "expired"
    return {LACK: f"the client certificate for {first.url} {verb} at {_shown(first.expires_at)}; {RENEW}"}


def _shown(at: int) -> str:
    return f"{datetime.fromtimestamp(at // NS, UTC):%Y-%m-%d %H:%M} UTC"


def _read(reference: str) -> int | None:
    try:
        found = x509.load_pem_x509_certificate(secret_file(reference).read_bytes())
    except (SecretError, OSError, ValueError):
        return None
    return int(found.not_valid_after_utc.timestamp()) * NS
