"""What a DKIM selector's key record comes to (RFC 6376 section 3.6, RFC 8301, RFC 8463). Pure."""

import base64
import binascii
import re

from probe.mail.keys import rsa_bits
from probe.mail.record import Asking, Question, State, elsewhere, tempfail
from probe.mail.tags import parse_tags

MIN_BITS = 1024
"""RFC 8301 section 3.2: verifiers must not take shorter RSA keys."""
GOOD_BITS = 2048
_ED25519_OCTETS = 32
_BLANKS = re.compile(r"\s+")


def dkim_name(selector: str, domain: str) -> str:
    """Where the key record is."""
    return f"{selector.lower()}._domainkey.{domain}"


def check_dkim(selector: str, domain: str) -> Asking:
    """The key record of one selector."""
    name = dkim_name(selector, domain)
    found = yield Question(name, "TXT")
    aliases = {"aliases": list(found.aliases)} if found.aliases else {}
    if found.status == "failed":
        return tempfail(found, name, "TXT")
    if found.status == "elsewhere":
        return elsewhere(found)
    if found.absent or not found.values:
        at = f"{found.aliases[-1]}, which {name} is an alias for," if found.aliases else name
        what = "does not exist" if found.status == "no_such_name" else "has no TXT record"
        return State(word="missing", problem=found.status, why=f"{at} {what}", facts=aliases)
    if len(found.values) > 1:
        why = f"{len(found.values)} TXT records at {name}; what verifiers make of that is undefined"
        return State(word="invalid", problem="multiple", why=why, facts=aliases)
    state = read_key(found.values[0])
    return State(word=state.word, problem=state.problem, why=state.why, facts=aliases | state.facts)


def read_key(text: str) -> State:
    """One key record's text."""
    try:
        tags = parse_tags(text)
    except ValueError as error:
        return _invalid("syntax", str(error))
    if "v" in tags and (tags["v"] != "DKIM1" or next(iter(tags)) != "v"):
        return _invalid("version", "v= is not DKIM1, or not the first tag")
    key_type, flags = tags.get("k", "rsa").lower(), [flag.strip() for flag in tags.get("t", "").split(":")]
    facts: dict[str, object] = {"key": key_type[:20]}
    if "y" in flags:
        facts["testing"] = True
    if "p" not in tags:
        return _invalid("no_key", "there is no p= tag")
    if not tags["p"]:
        return State(word="revoked", why="p= is empty: the key is revoked", facts=facts)
    if "h" in tags and "sha256" not in [word.strip().lower() for word in tags["h"].split(":")]:
        return _invalid("hash", "h= leaves sha256 out, and nothing else is allowed any more")
    if "s" in tags and not {"*", "email"} & {word.strip().lower() for word in tags["s"].split(":")}:
        return _invalid("service", "s= is not for e-mail")
    try:
        octets = base64.b64decode(_BLANKS.sub("", tags["p"]), validate=True)
    except (binascii.Error, ValueError):
        return _invalid("key", "p= is no base64")
    if key_type == "ed25519":
        if len(octets) != _ED25519_OCTETS:
            return _invalid("key", f"an Ed25519 key has {_ED25519_OCTETS} octets, this one {len(octets)}")
        return _tested(facts)
    if key_type != "rsa":
        return _invalid("key_type", f"no verifier knows k={key_type[:20]}")
    bits = rsa_bits(octets)
    if bits is None:
        return _invalid("key", "p= is no RSA key")
    facts["bits"] = bits
    if bits < MIN_BITS:
        return State(
            word="invalid", problem="short", why=f"an RSA key of {bits} bits; {MIN_BITS} are the least", facts=facts
        )
    if bits < GOOD_BITS:
        return State(word="weak", problem="short", why=f"an RSA key of {bits} bits; {GOOD_BITS} are good", facts=facts)
    return _tested(facts)


def _tested(facts: dict[str, object]) -> State:
    if facts.get("testing"):
        why = "t=y: verifiers treat the mail as if it were not signed"
        return State(word="weak", problem="testing", why=why, facts=facts)
    return State(word="ok", facts=facts)


def _invalid(problem: str, why: str) -> State:
    return State(word="invalid", problem=problem, why=why)
