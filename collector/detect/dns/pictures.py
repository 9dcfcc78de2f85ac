"""What one observation says of where a zone is delegated to, or where a name leads. Pure.

A picture is what is compared: of a delegation the parent's NS set and DS set, of a chain the names it leads through.
What an observation lacks, or has in a shape that is not known here, is left out: a fleet upgrades one at a time.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any, Literal

import msgspec

from parallax.observation import Observation

Kind = Literal["delegation", "chain"]

MAX_SET = 32
"""Name servers of a zone, DS records, hops: more are cut off."""
MAX_TEXT = 255
MAX_PARENTS = 32
MAX_RESOLVERS = 32
FAILURES = frozenset({"SERVFAIL", "REFUSED"})
OURS = frozenset({"over_budget", "local_error", "not_allowed", "unreachable", "no_address"})
"""Outcomes that say nothing of the other side."""
MAX_TTL_S = 7 * 86400
"""No longer does a cache keep anything (RFC 8767 section 4)."""


class Picture(msgspec.Struct, frozen=True, array_like=True):
    """Names in lower case without the last dot. A delegation's sets are sorted; a chain's names come in their order."""

    names: tuple[str, ...]
    ds: tuple[str, ...] = ()

    @property
    def sign(self) -> str:
        """The same for the same picture."""
        return sign_of((*self.names, "", *self.ds))

    @property
    def words(self) -> tuple[str, ...]:
        """For people."""
        return (*self.names, *(f"DS {each}" for each in self.ds))


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """What one server of the parent says. `ds` is None where it was not asked, or nothing came."""

    names: tuple[str, ...]
    ds: tuple[str, ...] | None
    ttl_s: int


class Word(msgspec.Struct, frozen=True, array_like=True):
    """What a resolver's answers show of the operator behind them; empty where they do not say it."""

    marker: str = ""
    mname: str = ""
    names: tuple[str, ...] = ()

    @property
    def says(self) -> bool:
        return bool(self.marker or self.mname or self.names)


class Delegated(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a delegation, by what each server of the parent said."""

    parents: dict[str, Parent]
    ds: tuple[str, ...] | None
    """As the parents have it together, where they were not said apart."""
    ttl_s: int
    """The longest of those that the parents and the zone itself give the NS set."""
    resolvers: dict[str, Word]
    failing: tuple[str, ...] = ()
    """Resolvers that give no answer."""
    former: dict[str, bool] = {}
    """By address: whether a server of the set before, which nothing names any more, still serves the zone."""

    def pictures(self) -> dict[str, Picture]:
        """By the parent's server."""
        return {
            address: Picture(parent.names, parent.ds if parent.ds is not None else self.ds or ())
            for address, parent in self.parents.items()
        }


class Led(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a chain: the names it leads through, and the longest TTL on the way."""

    names: tuple[str, ...]
    ttls: dict[str, int]
    """By the name that a hop leads to, seconds."""
    whole: bool
    """It was followed to addresses."""


def sign_of(texts: Iterable[str]) -> str:
    """A short sign that two sets share only if they are the same."""
    return blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def delegated(observation: Observation) -> Delegated | None:
    """What a look at the delegation found; None where it says nothing of it."""
    findings = observation.findings
    parents = dict(_parents(findings.get("parents")))
    whole = name_set(findings.get("ns"))
    if not parents and whole:
        parents = {"": Parent(names=whole, ds=None, ttl_s=_ttl(findings.get("ttl")))}
    if not parents:
        return None
    own = [_ttl(findings.get(key)) for key in ("ttl", "child_ttl")]
    return Delegated(
        parents=parents,
        ds=_texts(findings.get("ds")),
        ttl_s=max([*own, *(parent.ttl_s for parent in parents.values()), *_child_ttls(findings.get("child_ns"))]),
        resolvers=dict(_resolvers(findings.get("resolvers"))),
        failing=tuple(_failing(findings.get("resolvers"))),
        former=dict(_former(findings.get("former"))),
    )


def led(observation: Observation) -> Led | None:
    """What a walk along a chain found; None where it did not get to know the way."""
    hops = observation.findings.get("hops")
    if not observation.findings.get("signature") or not isinstance(hops, list):
        return None
    ttls: dict[str, int] = {}
    for hop in hops[:MAX_SET]:
        if isinstance(hop, dict) and isinstance(hop.get("target"), str):
            ttls[name_of(hop["target"])] = _ttl(hop.get("ttl"))
    ended = observation.findings.get("ended", "end" if observation.reason is None else "")
    return Led(names=tuple(ttls), ttls=ttls, whole=ended == "end")


def answered(observation: Observation) -> tuple[str, ...] | None:
    """The names that a resolver's answer leads through; None where it gives no addresses."""
    answers = observation.findings.get("answers")
    if not isinstance(answers, list):
        return None
    found, ends = [], False
    for answer in answers[: 2 * MAX_SET]:
        if isinstance(answer, dict) and isinstance(answer.get("text"), str):
            if answer.get("type") == "CNAME":
                found.append(name_of(answer["text"]))
            else:
                ends = True
    return tuple(found[:MAX_SET]) if ends else None


def name_of(text: str) -> str:
    """A name as it is compared."""
    return text[:MAX_TEXT].lower().rstrip(".")


def name_set(value: Any) -> tuple[str, ...]:
    """A set of names from a list of them; empty for anything else."""
    return (
        tuple(sorted({name_of(each) for each in value[:MAX_SET] if isinstance(each, str) and each}))
        if (isinstance(value, list | tuple))
        else ()
    )


def _parents(value: Any) -> Iterator[tuple[str, Parent]]:
    """A server that failed says nothing of the set; one that serves the zone too gives the zone's own."""
    all_said = list(value.items())[:MAX_PARENTS] if isinstance(value, dict) else []
    above = [
        each for each in all_said if isinstance(each[1], dict) and each[1].get("ns") and not _serves_child(each[1])
    ]
    for address, said in above or all_said:
        if isinstance(said, list):
            said = {"ns": said}
        if isinstance(said, dict) and (names := name_set(said.get("ns"))):
            yield str(address)[:MAX_TEXT], Parent(names=names, ds=_texts(said.get("ds")), ttl_s=_ttl(said.get("ttl")))


def _serves_child(said: dict[str, Any]) -> bool:
    return bool(said.get("answers_for_child"))


def _resolvers(value: Any) -> Iterator[tuple[str, Word]]:
    for name, said in list(value.items())[:MAX_RESOLVERS] if isinstance(value, dict) else ():
        if isinstance(said, dict):
            word = Word(_text(said.get("marker")), name_of(_text(said.get("mname"))), name_set(said.get("ns")))
            if word.says:
                yield str(name)[:MAX_TEXT], word


def _failing(value: Any) -> Iterator[str]:
    for name, said in list(value.items())[:MAX_RESOLVERS] if isinstance(value, dict) else ():
        if isinstance(said, dict):
            failure = _text(said.get("failure"))
            if _text(said.get("rcode")) in FAILURES or (failure and failure not in OURS):
                yield str(name)[:MAX_TEXT]


def _former(value: Any) -> Iterator[tuple[str, bool]]:
    for address, word in list(value.items())[:MAX_PARENTS] if isinstance(value, dict) else ():
        if isinstance(word, str) and word not in OURS:
            yield str(address)[:MAX_TEXT], word.startswith("auth_")


def _child_ttls(value: Any) -> list[int]:
    said = list(value.values())[:MAX_PARENTS] if isinstance(value, dict) else []
    return [_ttl(each.get("ttl")) for each in said if isinstance(each, dict)]


def _texts(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple):
        return None
    return tuple(sorted({each[:MAX_TEXT] for each in value[:MAX_SET] if isinstance(each, str)}))


def _text(value: Any) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def _ttl(value: Any) -> int:
    return min(value, MAX_TTL_S) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
