"""What a name server's answer to a dynamic update means for the command (RFC 2136 section 3, RFC 8945 section 5)."""

import dns.name
import dns.rcode
import dns.tsig

from collector.actions.actor import Result
from parallax.values import Address

NOT_AS_EXPECTED = (dns.rcode.NXRRSET, dns.rcode.YXRRSET, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN)
"""A prerequisite does not hold (RFC 2136 section 3.2)."""
_FOR_A_PERSON = {
    dns.rcode.REFUSED: "{server} refuses: the key {key} has no grant for these names and types",
    dns.rcode.NOTAUTH: "{server} is not the primary of the zone, or does not take the key {key} for these names",
    dns.rcode.NOTZONE: "{server} says that a record is not in the zone",
    dns.rcode.NOTIMP: "{server} takes no dynamic updates",
    dns.rcode.FORMERR: "{server} does not understand the update",
}
_SIGNATURES: dict[type[dns.tsig.PeerError], str] = {
    dns.tsig.PeerBadKey: "the server does not know the key {key}, or not here; key_name is to be as it is there",
    dns.tsig.PeerBadSignature: "the key {key} has another secret at the server",
    dns.tsig.PeerBadTime: "the clocks of server and collector are more than five minutes apart",
    dns.tsig.PeerBadTruncation: "the server does not take signatures of this length; use another algorithm",
}


def by_rcode(rcode: dns.rcode.Rcode, server: Address, key: dns.name.Name) -> Result:
    """What a code means that is no success, and not about a prerequisite."""
    text = _FOR_A_PERSON.get(rcode)
    if text is None:
        return Result(outcome="failed", then="again", text=f"{server} answers {dns.rcode.to_text(rcode)}")
    return Result(outcome="refused", then="next", text=text.format(server=server, key=key))


def by_tsig(error: dns.tsig.PeerError, key: dns.name.Name) -> Result:
    """What it means that the server does not take the signature."""
    text = _SIGNATURES.get(type(error), f"the server does not take the signature: {type(error).__name__}")
    return Result(outcome="refused", then="next", text=text.format(key=key))
