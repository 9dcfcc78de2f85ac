"""One SPF record, text to terms (RFC 7208 sections 4.5, 4.6, 12). Pure."""

import ipaddress
import re

import msgspec

from parallax.values import dns_name


class Malformed(ValueError):
    """The text is no SPF record that a receiver may use; the message says where."""


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One mechanism or modifier, lower case. `qualifier` is empty for a modifier."""

    name: str
    qualifier: str = ""
    domain: str | None = None
    """The name after the colon or equals sign, canonical; None where there is none or it has macros."""
    macros: bool = False
    everybody: bool = False
    """It matches any sender."""


class SpfRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The terms that count: what stands after `all` is never reached (section 5.1), and `all` beats `redirect`."""

    terms: tuple[Term, ...]
    """Mechanisms in order."""
    redirect: Term | None = None

    @property
    def end(self) -> str | None:
        """The qualifier of `all`; None without one."""
        return next((term.qualifier for term in self.terms if term.name == "all"), None)


_QUALIFIED = re.compile(r"([+?~-])?([A-Za-z][A-Za-z0-9_.-]*)(?::([^\s]*?))?((?:/\d{1,3})?(?://\d{1,3})?)$")
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)$")
_MACRO = re.compile(r"%(?:\{[slodiphcrtv]\d*r?[.+,/_=-]*\}|[%_-])", re.IGNORECASE)
_WITH_DOMAIN = {"include": True, "exists": True, "a": False, "mx": False, "ptr": False}
"""Mechanisms that name a domain, and whether they must."""
LOOKUP_MECHANISMS = frozenset(_WITH_DOMAIN)
MAX_TERMS = 200


def is_spf(text: str) -> bool:
    """Whether a TXT record is an SPF record at all: the version, then a blank or the end."""
    return text[:6].lower() == "v=spf1" and (len(text) == 6 or text[6] == " ")


def parse_spf(text: str) -> SpfRecord:
    """Raises Malformed."""
    words = text[6:].split(" ")
    if len(words) > MAX_TERMS:
        raise Malformed(f"{len(words)} terms")
    terms: list[Term] = []
    modifiers: dict[str, Term] = {}
    for word in filter(None, words):
        modifier = _MODIFIER.match(word)
        if modifier:
            name = modifier[1].lower()
            if name in ("redirect", "exp"):
                if name in modifiers:
                    raise Malformed(f"{name}= is there twice")
                modifiers[name] = _with_domain(Term(name=name), modifier[2], word)
        else:
            terms.append(_mechanism(word))
    place = next((index for index, term in enumerate(terms) if term.name == "all"), None)
    if place is not None:
        return SpfRecord(terms=tuple(terms[: place + 1]))
    return SpfRecord(terms=tuple(terms), redirect=modifiers.get("redirect"))


def _mechanism(word: str) -> Term:
    head = word.lower()
    if head.lstrip("+?~-").startswith(("ip4:", "ip6:")):
        return _network(word)
    match = _QUALIFIED.match(word)
    if match is None:
        raise Malformed(f"{word[:60]!r} is no mechanism")
    name, qualifier = match[2].lower(), match[1] or "+"
    if name == "all":
        if match[3] is not None or match[4]:
            raise Malformed(f"{word[:60]!r}: all takes nothing")
        return Term(name=name, qualifier=qualifier, everybody=True)
    if name not in _WITH_DOMAIN:
        raise Malformed(f"{word[:60]!r}: no mechanism is called {name[:20]!r}")
    if match[4] and name not in ("a", "mx"):
        raise Malformed(f"{word[:60]!r}: {name} takes no prefix length")
    if match[4]:
        _prefixes(word, match[4])
    term = Term(name=name, qualifier=qualifier)
    if match[3] is None:
        if _WITH_DOMAIN[name]:
            raise Malformed(f"{word[:60]!r}: {name} needs a domain")
        return term
    return _with_domain(term, match[3], word)


def _prefixes(word: str, text: str) -> None:
    four, _, six = text.partition("//")
    if (four and int(four[1:]) > 32) or (six and int(six) > 128):
        raise Malformed(f"{word[:60]!r}: a prefix length is out of range")


def _network(word: str) -> Term:
    qualifier = word[0] if word[0] in "+?~-" else ""
    name, _, text = word[len(qualifier) :].partition(":")
    try:
        read = ipaddress.IPv4Network if name.lower() == "ip4" else ipaddress.IPv6Network
        network = read(text, strict=False)
    except ValueError:
        raise Malformed(f"{word[:60]!r}: no such network") from None
    return Term(name=name.lower(), qualifier=qualifier or "+", everybody=network.prefixlen == 0)


def _with_domain(term: Term, text: str, word: str) -> Term:
    if "%" in text:
        if "%" in _MACRO.sub("", text):
            raise Malformed(f"{word[:60]!r}: a macro that is none")
        return msgspec.structs.replace(term, macros=True)
    try:
        name = dns_name(text)
    except ValueError:
        raise Malformed(f"{word[:60]!r}: no name of a domain") from None
    if name == "." or not text.isascii():
        raise Malformed(f"{word[:60]!r}: no name of a domain")
    return msgspec.structs.replace(term, domain=name)
