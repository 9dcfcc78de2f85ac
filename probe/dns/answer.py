"""What an answer section says about a name: aliases followed within the section, nothing asked. Pure."""

from collections.abc import Sequence

from probe.dns.message import Record

MAX_ALIASES = 16


def final_name(answers: Sequence[Record], name: str) -> str:
    """Where the CNAMEs of the section lead from this name; the name itself without any."""
    aliases = {record.owner: _name(record.text) for record in answers if record.type == "CNAME"}
    for _ in range(MAX_ALIASES):
        if name not in aliases:
            break
        name = aliases[name]
    return name


def values_at(answers: Sequence[Record], name: str, rdtype: str) -> list[str]:
    """The data of this type that the section has for the name or what it is an alias of, in presentation form."""
    owner = name if rdtype == "CNAME" else final_name(answers, name)
    return [record.text for record in answers if record.type == rdtype and record.owner == owner]


def is_alias(answers: Sequence[Record], name: str) -> bool:
    """Whether the section says that the name is an alias: a CNAME at it (a DNAME above brings one, RFC 6672)."""
    return any(record.type == "CNAME" and record.owner == name for record in answers)


def _name(text: str) -> str:
    return text.lower().removesuffix(".") or "."
