"""DKIM signatures of a mail (RFC 6376, RFC 8463, RFC 8301): which are right. Pure, but for the lookups it is given.

Of our own, on `cryptography`: a stranger sends these mails, and names the key. Each step goes over the mail once, and
no key beyond 4096 bits is computed with.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from parallax.letters import Proof

LookUp = Callable[[str], Sequence[str]]
"""The TXT records of a name; none where there is none. Raises LookupFailed."""
MAX_SIGNATURES = 5
MAX_FIELD = 8_192
"""Octets of a signature's field, and of a key's record."""
MAX_TAGS = 50
MIN_BITS, MAX_BITS = 1024, 4096
"""RFC 8301 section 3.2."""
_BLANKS = re.compile(rb"[ \t]+")
_B_VALUE = re.compile(rb"(^|;)([ \t\r\n]*b[ \t\r\n]*=)[^;]*")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,20}")
_ALGORITHMS = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}

Field = tuple[bytes, bytes]
"""A header field: its name in lower case, and all of it as it came, without the last line end."""


class LookupFailed(Exception):
    """A record could not be asked for."""


class _Bad(Exception):
    """The signature does not hold; with the word for it."""

    def __init__(self, result: str, why: str) -> None:
        super().__init__(why)
        self.result, self.why = result, why


def split_mail(content: bytes) -> tuple[list[Field], bytes]:
    """The header's fields, in order, and the body; every line ends in CRLF."""
    content = re.sub(rb"\r?\n", b"\r\n", content)
    head, _, body = content.partition(b"\r\n\r\n") if not content.startswith(b"\r\n") else (b"", b"", content[2:])
    fields: list[list[bytes]] = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1].append(line)
        elif b":" in line:
            fields.append([line])
    return [(lines[0].partition(b":")[0].strip().lower(), b"\r\n".join(lines)) for lines in fields], body


def verify(fields: Sequence[Field], body: bytes, look_up: LookUp, now_s: float) -> list[Proof]:
    """What each signature of a mail comes to; one `none` without any. `now_s` is wall time, seconds."""
    signatures = [field for name, field in fields if name == b"dkim-signature"]
    if not signatures:
        return [Proof(by="dkim", result="none", why="the mail has no signature")]
    return [_verify(field, fields, body, look_up, now_s) for field in signatures[:MAX_SIGNATURES]]


def parse_tags(text: str) -> dict[str, str]:
    """`v=1; a=...` (RFC 6376 section 3.2). Raises ValueError."""
    tags: dict[str, str] = {}
    parts = text.split(";")
    if len(parts) > MAX_TAGS:
        raise ValueError("too many tags")
    for part in parts:
        name, equals, value = part.partition("=")
        if not part.strip():
            continue
        if not equals or name.strip() in tags:
            raise ValueError("a tag without a value, or one that is there twice")
        tags[name.strip()] = value.strip()
    return tags


def _verify(field: bytes, fields: Sequence[Field], body: bytes, look_up: LookUp, now_s: float) -> Proof:
    domain = selector = ""
    try:
        tags = _tags_of(field)
        domain, selector = tags["d"].lower(), tags["s"].lower()
        if not (_NAME.fullmatch(domain) and _NAME.fullmatch(selector)):
            domain = selector = ""
            raise _Bad("permerror", "d= or s= is no name")
        _check_tags(tags, now_s)
        header, canonical = (*tags.get("c", "simple/simple").lower().split("/"), "simple")[:2]
        if {header, canonical} - {"simple", "relaxed"}:
            raise _Bad("permerror", "c= has a canonicalization that is not known")
        octets = _body(body, relaxed=canonical == "relaxed")
        if hashlib.sha256(octets).digest() != _octets(tags["bh"]):
            raise _Bad("fail", "the body is not the one that was signed")
        key = _key(tags, look_up)
        signed = _signed(field, fields, tags["h"], relaxed=header == "relaxed")
        if not _fits(key, _octets(tags["b"]), signed):
            raise _Bad("fail", "the signature does not fit the header and the key")
    except _Bad as bad:
        return Proof(by="dkim", result=bad.result, domain=domain, selector=selector, why=bad.why)
    except LookupFailed:
        return Proof(
            by="dkim", result="temperror", domain=domain, selector=selector, why="the key could not be asked for"
        )
    return Proof(by="dkim", result="pass", domain=domain, selector=selector)


def _tags_of(field: bytes) -> dict[str, str]:
    """Raises _Bad."""
    if len(field) > MAX_FIELD:
        raise _Bad("permerror", "the signature is too long")
    try:
        text = field.partition(b":")[2].decode("ascii").replace("\r\n", "")
        tags = parse_tags(text)
    except ValueError as error:
        raise _Bad("permerror", f"the signature cannot be read: {error}"[:100]) from None
    missing = [name for name in ("v", "a", "b", "bh", "d", "h", "s") if name not in tags]
    if missing:
        raise _Bad("permerror", f"the signature lacks {missing[0]}=")
    return tags


def _check_tags(tags: dict[str, str], now_s: float) -> None:
    """Raises _Bad."""
    if tags["v"] != "1":
        raise _Bad("permerror", "v= is not 1")
    if tags["a"].lower() not in _ALGORITHMS:
        raise _Bad("permerror", f"a={tags['a'][:30]} is not accepted: rsa-sha256 or ed25519-sha256")
    if "from" not in _signed_names(tags["h"]):
        raise _Bad("permerror", "h= lacks From")
    if tags.get("q", "dns/txt").partition(":")[0].strip().lower() != "dns/txt":
        raise _Bad("permerror", "q= is not dns/txt")
    identity = tags.get("i", "@" + tags["d"]).rpartition("@")[2].lower()
    if identity != tags["d"].lower() and not identity.endswith("." + tags["d"].lower()):
        raise _Bad("permerror", "i= is not of the domain d=")
    expires = tags.get("x", "")
    if expires and not (expires.isascii() and expires.isdigit() and len(expires) < 16):
        raise _Bad("permerror", "x= is no time")
    if expires and int(expires) < now_s:
        raise _Bad("fail", "the signature has expired (x=)")
    if "l" in tags:  # section 8.2: what is behind it is anybody's
        raise _Bad("policy", "only a part of the body is signed (l=)")


def _signed_names(text: str) -> list[str]:
    return [name.strip().lower() for name in text.split(":")]


def _octets(text: str) -> bytes:
    """Raises _Bad."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _Bad("permerror", "a value is no base64") from None


def _body(body: bytes, *, relaxed: bool) -> bytes:
    """Sections 3.4.3 and 3.4.4."""
    lines = body.split(b"\r\n")
    if relaxed:
        lines = [_BLANKS.sub(b" ", line).rstrip(b" ") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return b"" if relaxed else b"\r\n"
    return b"\r\n".join(lines) + b"\r\n"


def _signed(signature: bytes, fields: Sequence[Field], names: str, *, relaxed: bool) -> bytes:
    """What was signed of the header: the named fields, of several the last first (section 5.4.2), and the signature's
    own without its value."""
    left: dict[bytes, list[bytes]] = {}
    for name, field in fields:
        left.setdefault(name, []).append(field)
    chosen = [
        found.pop()
        for name in _signed_names(names)
        if (found := left.get(name.encode("ascii", "replace"))) is not None and found
    ]
    name, colon, value = signature.partition(b":")
    chosen.append(name + colon + _B_VALUE.sub(rb"\1\2", value))
    return b"\r\n".join(_field(field) if relaxed else field for field in chosen)


def _field(field: bytes) -> bytes:
    """Section 3.4.2."""
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")


_Key = rsa.RSAPublicKey | ed25519.Ed25519PublicKey


def _key(tags: dict[str, str], look_up: LookUp) -> _Key:
    """The key that the signature names (section 3.6). Raises _Bad, LookupFailed."""
    texts = look_up(f"{tags['s']}._domainkey.{tags['d']}".lower())
    if not texts:
        raise _Bad("permerror", "there is no key at the selector")
    try:
        if len(texts[0]) > MAX_FIELD:
            raise ValueError("it is too long")
        record = parse_tags(texts[0])
    except ValueError as error:
        raise _Bad("permerror", f"the key's record cannot be read: {error}") from None
    kind = _ALGORITHMS[tags["a"].lower()]
    if record.get("v", "DKIM1") != "DKIM1" or "p" not in record:
        raise _Bad("permerror", "the selector's record is no key")
    if not record["p"]:
        raise _Bad("permerror", "the key is revoked")
    if record.get("k", "rsa").lower() != kind:
        raise _Bad("permerror", "the key is of another algorithm")
    if "sha256" not in [each.strip().lower() for each in record.get("h", "sha256").split(":")]:
        raise _Bad("permerror", "the key is not for sha256")
    if not {"*", "email"} & {each.strip().lower() for each in record.get("s", "*").split(":")}:
        raise _Bad("permerror", "the key is not for mail")
    strict = "s" in [each.strip().lower() for each in record.get("t", "").split(":")]
    if strict and tags.get("i", "@" + tags["d"]).rpartition("@")[2].lower() != tags["d"].lower():
        raise _Bad("permerror", "the key is for its own domain only (t=s)")
    return _read_key(_octets(record["p"]), kind)


def _read_key(octets: bytes, kind: str) -> _Key:
    """Raises _Bad."""
    try:
        if kind == "ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(octets)
        key = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        raise _Bad("permerror", "the key cannot be read") from None
    if not isinstance(key, rsa.RSAPublicKey) or not MIN_BITS <= key.key_size <= MAX_BITS:
        raise _Bad("permerror", f"the key is no RSA key of {MIN_BITS} to {MAX_BITS} bits")
    return key


def _fits(key: _Key, signature: bytes, signed: bytes) -> bool:
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, hashlib.sha256(signed).digest())
        else:
            key.verify(signature, signed, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
