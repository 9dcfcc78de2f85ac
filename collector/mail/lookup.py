"""Records that prove a mail, asked for at the resolvers of the config; by dnspython. Blocking, for a worker thread."""

import time
from collections.abc import Sequence
from typing import Any

import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver

from collector.mail.dkim import LookupFailed
from parallax.values import Address

MAX_ASKED = 60
"""Questions about one mail: ten lookups of SPF, each with up to ten hosts, do not get that far in a mail that is
meant well."""
ASK_S = 3.0
MAX_RECORDS = 50
MAX_TEXT = 10_000


class Lookup:
    """The lookups for one mail: bounded in number and time, and each name asked for once."""

    def __init__(self, resolvers: Sequence[Address], within_s: float) -> None:
        self._resolver = dns.resolver.Resolver(configure=False)
        self._resolver.nameservers = [dns.nameserver.Do53Nameserver(each.ip, each.port) for each in resolvers]
        self._resolver.timeout = 1.0
        self._ends = time.monotonic() + within_s
        self._known: dict[tuple[str, str], Sequence[Any] | None] = {}

    def texts(self, name: str) -> Sequence[str]:
        """The TXT records of a name, their strings joined. Raises LookupFailed."""
        return self.records(name, "TXT")

    def records(self, name: str, rdtype: str) -> Sequence[Any]:
        """As collector.mail.spf.Ask. Raises LookupFailed."""
        key = (name.lower(), rdtype)
        if key not in self._known:
            if len(self._known) >= MAX_ASKED:
                raise LookupFailed("too many lookups")
            self._known[key] = self._ask(name, rdtype)
        found = self._known[key]
        if found is None:
            raise LookupFailed(f"{rdtype} of {name[:100]}")
        return found

    def _ask(self, name: str, rdtype: str) -> Sequence[Any] | None:
        left_s = min(ASK_S, self._ends - time.monotonic())
        if left_s <= 0:
            return None
        try:
            answer = self._resolver.resolve(f"{name}.", rdtype, lifetime=left_s, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, OSError, UnicodeError):
            return None
        return [_plain(record, rdtype) for record in list(answer)[:MAX_RECORDS]]


def _plain(record: Any, rdtype: str) -> Any:
    if rdtype == "TXT":
        return b"".join(record.strings)[:MAX_TEXT].decode("latin-1")
    if rdtype == "MX":
        return (record.preference, record.exchange.to_text(omit_final_dot=True))
    return record.address if rdtype in ("A", "AAAA") else record.target.to_text(omit_final_dot=True)
