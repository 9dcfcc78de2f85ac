"""Signed questions to the primary of a zone, and their answers (RFC 2136, RFC 8945)."""

import base64
import binascii
from collections.abc import Mapping

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig

from collector.actions.actor import Result
from collector.actions.dns_answers import NOT_AS_EXPECTED, by_rcode, by_tsig
from parallax.dialling.route import NotAllowed, Routes
from parallax.plan.failover_types import Action
from parallax.secret import SecretError, read_secret

SHORTEST_SECRET = 16
"""Octets."""
_IN = dns.rdataclass.IN


class Unusable(Exception):
    """The update cannot be made or its answer cannot be used; `result` says why."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.text)
        self.result = result


class Primary:
    """The server that takes updates of a zone, asked with the action's key."""

    def __init__(self, action: Action, secrets: Mapping[str, str], routes: Routes) -> None:
        assert action.server is not None  # the plan's loader has seen to these
        assert action.key_name is not None
        self.address, self.key_name = action.server, dns.name.from_text(action.key_name)
        self._action, self._secrets, self._routes = action, secrets, routes
        self._key: dns.tsig.Key | None = None

    async def read(self, name: dns.name.Name, kind: str) -> dns.rrset.RRset | None:
        """The records at a name, None without any. Raises Unusable."""
        query = dns.message.make_query(name, kind)
        query.flags &= ~dns.flags.RD
        reply = await self.exchange(query)
        if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise Unusable(by_rcode(reply.rcode(), self.address, self.key_name))
        if not reply.flags & dns.flags.AA:
            raise Unusable(
                Result(outcome="refused", then="next", text=f"{self.address} does not serve the zone itself")
            )
        alias = reply.get_rrset(reply.answer, name, _IN, dns.rdatatype.CNAME)
        if alias is not None and kind == "TXT":  # what is added beside an alias is ignored (RFC 2136 section 3.4.2.2)
            text = f"{name} is an alias, where no epoch can be kept; delete it"
            raise Unusable(Result(outcome="refused", then="next", text=text))
        return reply.get_rrset(reply.answer, name, _IN, dns.rdatatype.from_text(kind))

    async def exchange(self, message: dns.message.Message) -> dns.message.Message:
        """The reply, signed with our key. Raises Unusable."""
        if self._key is None and (problem := self.read_key()):
            raise Unusable(Result(outcome="failed", then="next", text=problem, sent=False))
        assert self._key is not None
        message.use_tsig(self._key)
        sent = False
        try:
            real = self._routes.dial_address(self.address, "tcp")
            sent = True
            reply = await dns.asyncquery.tcp(message, real.ip, port=real.port)
        except NotAllowed as refused:
            text = (
                f'{refused.address.ip} is not a public address; add its network to "allow" in the collector\'s config'
            )
            raise Unusable(Result(outcome="failed", then="next", text=text, sent=False)) from None
        except ConnectionRefusedError:
            raise Unusable(
                Result(outcome="failed", then="again", text=f"{self.address} refuses the connection", sent=False)
            ) from None
        except dns.tsig.PeerError as error:
            self._key = None  # it may have been mended by the next try
            raise Unusable(by_tsig(error, self.key_name)) from None
        except (dns.exception.DNSException, OSError, EOFError) as error:
            text = f"{self.address} gives no answer that can be used: {type(error).__name__}"
            raise Unusable(Result(outcome="failed", then="again", text=text, sent=sent)) from None
        # Not every version of the library refuses what should be signed and is not.
        if not reply.had_tsig and reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN, *NOT_AS_EXPECTED):
            raise Unusable(Result(outcome="failed", then="again", text=f"the answer of {self.address} is not signed"))
        return reply

    def read_key(self) -> str:
        """Reads the key anew; what is wrong with it, or ""."""
        name = self._action.key.removeprefix("secret:")
        reference = self._secrets.get(name)
        if reference is None:
            return f'the collector\'s config has no {name} under [secrets]; add {name} = "file:PATH"'
        try:
            secret = base64.b64decode(read_secret(reference).reveal(), validate=True)
        except SecretError as error:
            return f"{name}: {error}"
        except (binascii.Error, ValueError):
            secret = b""
        if len(secret) < SHORTEST_SECRET:
            return f"{name} is no TSIG secret; one is Base64 of 16 octets or more, as tsig-keygen prints it"
        self._key = dns.tsig.Key(self.key_name, secret, f"{self._action.algorithm}.")
        return ""
