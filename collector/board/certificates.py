"""Certificates as people see them.

Times are wall clock, ns since the Unix epoch, UTC.
"""

import msgspec


class LeafBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate, and where it is shown now. `ends_at` is 0 where that could not be read."""

    sha256: str
    issuer: str
    ends_at: int
    addresses: tuple[str, ...]
    probes: tuple[str, ...]


class CertificateBoard(msgspec.Struct, frozen=True, kw_only=True):
    """The certificates of a name (with its port, where that is not 443): several are a renewal under way, or one a site
    or a kind of key. The one that ends last comes first."""

    name: str
    check: str
    leaves: tuple[LeafBoard, ...]
