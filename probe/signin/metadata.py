"""The steps that sign nobody in: the issuer's discovery document and its keys, fetched and read.

Each ends its step where the document does not do, and remarks on what is odd about one that does.
"""

from parallax.redaction import redact_url
from probe.fault import Fault, worst
from probe.oidc.discovery import SIGN_IN, Discovery, read_discovery, well_known_urls
from probe.oidc.jwks import Jwks, read_jwks
from probe.oidc.tokens import agreement
from probe.signin.browser import Browser
from probe.signin.reply import end, remark
from probe.signin.responses import unless_ok
from probe.tape import Tape

_JSON = {"Accept": "application/json"}


async def discover(issuer: str, back: Browser, tape: Tape, needs: tuple[str, ...] = SIGN_IN) -> Discovery:
    """The issuer's document, from where OpenID Connect has it. Only an authorization server that knows no OpenID
    Connect may have it where RFC 8414 says: an OpenID provider whose own address answers 404 is broken, whatever else
    it serves. No redirect is followed. Raises Ended, and what a connection raises."""
    first, *others = well_known_urls(issuer)
    reply = await back.request("GET", first, tape=tape, headers=_JSON, follow=False)
    refused = unless_ok(reply, "discovery_http")
    for url in others if reply.status == 404 else ():
        elsewhere = await back.request("GET", url, tape=tape, headers=_JSON, follow=False)
        if elsewhere.status != 200:
            continue
        found = read_discovery(elsewhere.body, issuer, needs)
        if isinstance(found, Discovery) and "id_token_signing_alg_values_supported" not in found.metadata:
            return _taken(found, tape)
    if refused is not None:
        tape.note(status=reply.status, url=redact_url(first)[:300])
        raise end(tape, refused)
    read = read_discovery(reply.body, issuer, needs)
    if isinstance(read, Fault):
        raise end(tape, read)
    return _taken(read, tape)


def _taken(found: Discovery, tape: Tape) -> Discovery:
    tape.note(**found.as_findings())
    return found


async def fetch_jwks(discovery: Discovery, back: Browser, tape: Tape) -> Jwks:
    """The issuer's keys, and whether they go with its document. Raises Ended, and what a connection raises."""
    reply = await back.request("GET", discovery.endpoints["jwks_uri"], tape=tape, headers=_JSON, follow=False)
    refused = unless_ok(reply, "jwks_http")
    if refused is not None:
        raise end(tape, refused)
    read = read_jwks(reply.body, {name.lower(): value for name, value in reply.headers.items()})
    if isinstance(read, Fault):
        raise end(tape, read)
    tape.note(**read.as_findings())
    broken, findings = agreement(discovery, read)
    tape.note(**findings)
    problem = worst([*([broken] if broken else []), *read.problems])
    if problem is not None and not problem.soft:
        raise end(tape, problem)
    if problem is not None:
        remark(tape, problem)
    return read
