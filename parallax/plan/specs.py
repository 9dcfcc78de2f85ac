"""What each check kind's entry in a plan may say, beside the keys that every check has; dns_specs has the kinds of DNS
in depth. The list of kinds is parallax.plan.kinds."""

from typing import Annotated, Literal

import msgspec

from parallax.json_paths import MAX_PATH
from parallax.plan.assertion_specs import Assertion as Assertion
from parallax.plan.assertion_specs import HeaderName, HeaderValue
from parallax.plan.dns_specs import ChainSpec, DnssecSpec, MailSpec, ParitySpec, ResolveSpec, ZoneSpec
from parallax.plan.signin_specs import OidcSpec, SigninSpec
from parallax.values import DnsName, Size

RecordType = Literal[
    "A", "AAAA", "CAA", "CDS", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NS", "PTR", "SOA", "SRV", "SVCB", "TLSA", "TXT"
]

Protocol = Annotated[
    str, msgspec.Meta(pattern=r"[!-~]{1,50}", description="a protocol's name, as registered for ALPN (RFC 7301)")
]
_PROTOCOLS = "one protocol to ten"


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a DNS answer should be. `values` is the whole set of the record data, in presentation form, in any order."""

    rcode: Literal["NOERROR", "NXDOMAIN"] = "NOERROR"
    """The response code."""
    values: Annotated[list[str], msgspec.Meta(max_length=100)] = []
    """The whole set of the record data, in presentation form, in any order; any set if left out."""


class DnsSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One query to one server or resolver (RFC 1035). Targets are host:port, the port 53 if left out."""

    query: DnsName
    """The name asked for."""
    type: RecordType = "A"
    """The record type asked for."""
    role: Literal["authoritative", "resolver"] = "authoritative"
    """What the target is. An authoritative server is asked without recursion and must answer with authority."""
    transport: Literal["udp", "tcp"] = "udp"
    """UDP falls back to TCP once when the answer is truncated, and the observation says so."""
    expect: Answer | None = None
    """What the answer should be; without it, any NOERROR answer that has the record."""


class TlsSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One TLS handshake with one address (RFC 8446). Targets are host:port, the port 443 if left out."""

    server_name: DnsName | None = None
    """The name sent (SNI) and looked for in the certificate; the target's host if left out."""
    min_version: Literal["1.2", "1.3"] = "1.2"
    """The oldest TLS version that passes."""
    alpn: Annotated[list[Protocol], msgspec.Meta(min_length=1, max_length=10, description=_PROTOCOLS)] | None = None
    """The protocols to offer (ALPN, RFC 7301), one of which the server must choose; h2 and http/1.1 if left out, and
    then any choice passes."""
    caa: Annotated[list[DnsName], msgspec.Meta(max_length=20)] | None = None
    """The names by which CAA records know the CA of the certificate (RFC 8659); those of public CAs are known. An empty
    list: CAA is not looked at."""


class Serving(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a response says who served it: in a header or in its JSON."""

    header: HeaderName | None = None
    """The response header whose value is recorded as the region."""
    json: Annotated[str, msgspec.Meta(max_length=MAX_PATH)] | None = None
    """A JSONPath (RFC 9535); the first value that it finds is recorded as the region."""


class HttpSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One HTTP request to one address (RFC 9110), and redirects as far as told. Targets are URLs."""

    method: Literal["GET", "HEAD", "POST", "PUT", "OPTIONS"] = "GET"
    """The request method; GET and HEAD have no body."""
    headers: dict[str, HeaderValue] = {}
    """Request headers beside the usual. A plan holds no secrets."""
    body: Annotated[str, msgspec.Meta(max_length=65536)] = ""
    """The request body, sent as UTF-8."""
    assertions: list[Assertion] = msgspec.field(default_factory=list, name="assert")
    """What must hold; without a status among them, the status must be below 400."""
    serving: Serving | None = None
    """How a response says who served it."""
    max_body: Size = Size(1_000_000)
    """How much of a response body is read, compressed or not, up to 16MB; a larger one is a failure."""
    version: Literal["1.1", "2", "auto"] = "1.1"
    """What is spoken: HTTP/1.1; HTTP/2 (RFC 9113), and a server that does not is a failure; or what the server likes
    best, which is recorded."""
    redirects: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0
    """How many redirects are followed, never from https to http; at 0 the redirect itself is the response."""
    redirect_hosts: Annotated[list[DnsName], msgspec.Meta(max_length=50)] = []
    """The hosts beside the target's own that a redirect may lead to."""
    reuse: bool = False
    """Whether the connection is kept for the next run. Then only the first of many runs sees TCP and TLS."""


Spec = (
    DnsSpec
    | ZoneSpec
    | ResolveSpec
    | ChainSpec
    | ParitySpec
    | MailSpec
    | DnssecSpec
    | TlsSpec
    | HttpSpec
    | OidcSpec
    | SigninSpec
)
