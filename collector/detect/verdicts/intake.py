"""A batch into votes: the newest word of each probe on each subject.

One (check, target) comes as an observation for each address of its name, or as one for the name where the lookup gave
none. So whatever a probe says of a target is its newest word on the whole of it: an answer from an address says that
the lookup passed, and a failed lookup says nothing more of the addresses.
"""

from collections.abc import Iterator
from typing import Any

from collector.detect.dns.zones import left_at, whose, zone_at
from collector.detect.numbers import LAST_NS, instant
from collector.detect.places import RESOLVERS, VIEWS, is_standby
from collector.detect.risks.expiry import SHORT_NS, warns_ns
from collector.detect.state import MAX_KEYS, MAX_PLACES, MAX_SUBJECTS, Ends, Key, State, Vote
from collector.detect.verdicts.charts import carry, note_pending
from collector.detect.verdicts.flows import note_step, turn_ns
from collector.detect.verdicts.pace import is_paced, note_pace
from collector.detect.verdicts.trouble import hear
from collector.detect.verdicts.votes import ends_id, key_id
from collector.detect.view import HANDSHAKES, OVER_TCP, CheckView, View, ip_of
from parallax.observation import Observation
from parallax.reasons import REASONS

MAX_OWN = 64
"""Subjects of one (check, target) that one probe alone speaks of: a probe that makes them up must not crowd out those
that the others see."""
MAX_TEXT = 300
"""Characters of a subject; a longer one is none of ours."""
MAX_LABEL = 100
MAX_NAMES = 12
OWN_TROUBLE = ("probe", "config")
SLOW = ("http_slow", "http_too_slow")
SIGNATURES_END = "dnssec_expires_soon"
ASIDE = ("dns_stale",)
"""A name that is answered all the same: caches carry it, and users are not hurt."""
NO_WORD = ("parity_unknown",)
"""What cannot be told now: what was said before stands."""
PENDING = "pending"
"""What a probe abstains with while a run waits for longer than its passes take: its word comes later."""


def take(state: State, view: View, probe: str, observation: Observation, at: int, skewed: bool) -> list[str]:
    """Puts one observation into the state; returns the ids of the subjects whose verdict it may change. `at` is its
    launch by the collector's clock, ns."""
    check = view.checks.get(observation.check)
    if check is None or check.kind != observation.kind or (check.probes and probe not in check.probes):
        return []
    target = check.targets.get(observation.target)
    subject = observation.subject
    if target is None or len(subject) > MAX_TEXT or "\x1f" in subject:
        return []
    if observation.attempt > 1:
        return []  # what users meet is the first attempt
    name = ends_id(check.name, observation.target)
    ends = state.ends.get(name)
    if ends is None:
        ends = state.ends[name] = Ends(born_at=state.now)
    ends.spoke_at = max(ends.spoke_at, at)
    lookup = not target.ip and subject == target.endpoint
    key_name = key_id(check.name, observation.target, subject)
    key = state.keys.get(key_name)
    if key is None:
        if observation.abstain == PENDING or (lookup and observation.reason is None):
            return []
        if not _may_open(state, ends, probe) or _is_gone(state, check, observation):
            return []
        key = _open_key(state, ends, key_name, check, observation.target, subject, lookup=lookup)
        if key is None:
            return []
    vote = key.votes.get(probe)
    if observation.abstain == PENDING:
        return _pend(key_name, vote, at, skewed)
    if vote is not None and not _is_news(vote, at, observation):
        return []
    key.votes[probe] = new = _vote(observation, check, key, vote, at, skewed)
    if check.of_dns and new.counts and (new.reason is not None or check.kind != "dns.chain"):
        _name(state, view, key, probe, check, observation)
    key.spoke_at = max(key.spoke_at, at)
    if subject.endswith(OVER_TCP) and new.reason is None:
        _vouch(state, key_name)
    slow = new.counts and new.reason is None and is_paced(check) and _is_slow(key, new)
    touched = [] if new.reason is None and new.counts and key.state == "up" and not slow else [key_name]
    if check.of_steps:
        touched += note_step(state, ends, probe, key, new, observation)
    if new.counts:
        _note(state, key, new, observation)
        touched += _elsewhere(state, ends, probe, key, new)
    return touched


def forget(state: State, key_name: str) -> None:
    """Drops a subject."""
    key = state.keys.pop(key_name)
    name = ends_id(key.check, key.target)
    ends = state.ends.get(name)
    if ends is not None:
        ends.keys.remove(key_name)
        ends.lookup = None if ends.lookup == key_name else ends.lookup
        if not ends.keys:
            del state.ends[name]


def _may_open(state: State, ends: Ends, probe: str) -> bool:
    """Whether the probe may bring up another subject; one that it alone spoke of makes room for it."""
    own = [name for name in ends.keys if state.keys[name].votes.keys() <= {probe}]
    return len(own) < MAX_OWN or _make_room(state, own, 1)


def _is_gone(state: State, check: CheckView, observation: Observation) -> bool:
    """Whether its zone has left the server so long ago that only who saw nothing of it asks there."""
    if check.kind != "dns.zone":
        return False
    since = left_at(state.zones, observation.target, _name_in(observation.dims.get("server", "")), state.now)
    return 0 < since < state.now - check.fresh_ns


def _open_key(
    state: State, ends: Ends, name: str, check: CheckView, target: str, subject: str, *, lookup: bool
) -> Key | None:
    """A new subject; None where there is no room for it."""
    if len(ends.keys) >= MAX_SUBJECTS and not _make_room(state, ends.keys, 1):
        return None
    if len(state.keys) >= MAX_KEYS and not _make_room(state, list(state.keys), MAX_KEYS // 20):
        return None
    state.ends[ends_id(check.name, target)] = ends
    key = state.keys[name] = Key(
        check=check.name, target=target, subject=subject, born_at=state.now, since=state.now, lookup=lookup
    )
    ends.keys.append(name)
    if lookup:  # who has had an answer from an address has passed it
        ends.lookup = name
        for other in ends.keys:
            for probe, vote in state.keys[other].votes.items() if other != name else ():
                known = key.votes.get(probe)
                if vote.counts and (known is None or known.at < vote.at):
                    key.votes[probe] = Vote(at=vote.at, passed_at=vote.at)
    return key


def _make_room(state: State, names: list[str], number: int) -> bool:
    """Drops those that nobody spoke of for longest. One of which something was told stays: that must come to its end.
    False if there is none to drop."""
    idle = [name for name in names if state.keys[name].told == "up" and state.keys[name].incident is None]
    idle.sort(key=lambda name: state.keys[name].spoke_at)
    for name in idle[:number]:
        forget(state, name)
    return bool(idle)


def _pend(key_name: str, vote: Vote | None, at: int, skewed: bool) -> list[str]:
    """A run that waits is no word: it says how sure one may be of those that were."""
    if vote is None or skewed:
        return []
    note_pending(vote, at=at)
    return [key_name]


def _is_slow(key: Key, vote: Vote) -> bool:
    return note_pace(vote, duration_ns=vote.duration_ns, up=key.state == "up")


def _is_news(vote: Vote, at: int, observation: Observation) -> bool:
    """Whether it is another run than the one that is known. Of two words on the same one the failure stands, whichever
    came first."""
    if at != vote.at:
        return at > vote.at
    return vote.counts and vote.reason is None and observation.reason is not None


def _vote(observation: Observation, check: CheckView, key: Key, before: Vote | None, at: int, skewed: bool) -> Vote:
    reason = observation.reason[:64] if observation.reason is not None else None
    aside = reason if reason in ASIDE else None
    reason = None if aside else reason
    abstain = observation.abstain[:64] if observation.abstain is not None else None
    if skewed and abstain is None:
        abstain = "clock_skewed"
    known = REASONS.get(reason) if reason is not None else None
    vote = Vote(
        at=at,
        duration_ns=observation.duration_ns,
        reason=reason,
        fault=(observation.fault if not aside else None)
        or (known.fault if known else "target" if reason is not None else None),
        abstain=abstain,
        soft=known.soft if known else False,
        site=_label(observation.site) if _of_one(check, observation) else None,
        region=_label(observation.dims.get("region")),
        looking=reason in SLOW and _lookup_ns(observation) * 2 > observation.duration_ns,
    )
    vote.aside = aside
    vote.address = (observation.dims.get("address") or "")[:MAX_LABEL] if check.of_steps else ""
    vote.every_ns = turn_ns(check, observation)
    vote.counts = abstain is None and vote.fault not in OWN_TROUBLE and reason not in NO_WORD
    if before is not None:
        carry(vote, before)
        vote.site = vote.site or before.site
        vote.region = vote.region or before.region
    if vote.counts:
        hear(key, vote, failed=reason is not None, at=at)
    if vote.counts and (reason is None or reason == SIGNATURES_END or vote.soft):
        vote.until, vote.warn_at = _ends(observation, check, at)
    return vote


def _vouch(state: State, over_tcp: str) -> None:
    """An address that fails over UDP is not dark, as it answers over TCP: what fails has another name."""
    twin = state.keys.get(over_tcp.removesuffix(OVER_TCP))
    if twin is not None and twin.incident in state.open:
        state.open[twin.incident].grown = True


def _name(state: State, view: View, key: Key, probe: str, check: CheckView, observation: Observation) -> None:
    """Whom a subject of DNS belongs to. The plan's own words go before the probe's, and what is known holds until two
    probes say otherwise, where two speak of it: all that follows from a subject hangs on whose it is."""
    labels = _labels(state, view, key, check, observation)
    known = (key.server, key.resolver, key.address, key.operator, key.zone)
    if labels == known:
        key.renamed.pop(probe, None)
    else:
        key.renamed[probe] = labels
        agreeing = sum(each == labels for name, each in key.renamed.items() if name in key.votes)
        if any(known) and agreeing < min(2, len(key.votes)):
            return
        key.renamed = {name: each for name, each in key.renamed.items() if each != labels and name in key.votes}
        key.server, key.resolver, key.address, key.operator, key.zone = labels
    at_operator = check.kind in VIEWS and bool(key.operator) and not key.resolver
    key.apart = at_operator or (check.kind == "dns.zone" and is_standby(view, state.zones.serving, key, check))


def _labels(
    state: State, view: View, key: Key, check: CheckView, observation: Observation
) -> tuple[str, str, str, str, str]:
    """Server, resolver, address, operator and zone, as one probe has them."""
    dims, target = observation.dims, check.targets[key.target]
    server = _name_in(dims.get("server", target.host if check.role == "authoritative" else ""))
    return (
        server,
        (dims.get("resolver") or (target.host if check.role == "resolver" else ""))[:MAX_LABEL],
        (dims.get("address") or "")[:MAX_LABEL],
        whose(view, server, observation) if server else (dims.get("operator") or "")[:MAX_LABEL],
        _name_in(dims.get("zone") or "") or zone_at(state.zones, check.query),
    )


def _of_one(check: CheckView, observation: Observation) -> bool:
    """Whether one server answered it: of several, the site of one explains nobody's failures."""
    return check.kind not in ("dns.chain", "dns.parity") and observation.subject != "delegation"


def _lookup_ns(observation: Observation) -> int:
    return sum(phase.duration_ns for phase in observation.phases if phase.name == "lookup")


def _note(state: State, key: Key, vote: Vote, observation: Observation) -> None:
    """What a subject is known by."""
    if vote.reason is not None:
        key.failed_at = max(key.failed_at, vote.at)
    elif vote.region and key.region != vote.region:
        key.region = vote.region
        ip = ip_of(observation.subject)
        if ip in state.regions or len(state.regions) < MAX_PLACES:
            state.regions[ip] = vote.region
    if vote.reason is None and (observation.kind in RESOLVERS or not key.names) and _has_names(observation.findings):
        names = tuple(dict.fromkeys(_names(observation.findings)))[:MAX_NAMES]
        if names and names != key.names:
            key.names = names


def _elsewhere(state: State, ends: Ends, probe: str, key: Key, vote: Vote) -> list[str]:
    """What the word on one subject means for the target's others."""
    if ends.lookup is None:
        return []
    if not key.lookup:
        return _passed(state, ends.lookup, probe, vote.at)
    touched = []
    for name in ends.keys if vote.reason is not None else ():
        other = state.keys[name]
        said = other.votes.get(probe)
        if other is not key and said is not None and said.at <= vote.at:
            del other.votes[probe]
            touched.append(name)
    return touched


def _passed(state: State, lookup: str, probe: str, at: int) -> list[str]:
    """An address was found, whatever came of it."""
    key = state.keys[lookup]
    said = key.votes.get(probe)
    if said is not None and said.at > at:
        return []
    key.votes[probe] = vote = Vote(at=at)
    if said is not None:
        carry(vote, said)
    if said is None or said.at < at or said.reason is not None:
        hear(key, vote, failed=False, at=at)
    key.spoke_at = max(key.spoke_at, at)
    return [lookup] if key.state != "up" else []


def _ends(observation: Observation, check: CheckView, at: int) -> tuple[int, int]:
    """When what was seen ends, and from when on that is a risk; zeros where nothing does."""
    findings = observation.findings
    if observation.kind in HANDSHAKES:
        chain = findings.get("chain")
        leaf = chain[0] if isinstance(chain, list) and chain else None
        if isinstance(leaf, dict):
            begins, end = instant(leaf.get("not_before")), instant(leaf.get("not_after"))
            if end:
                return end, end - warns_ns(end - begins if begins else SHORT_NS)
    if observation.kind == "dns.dnssec":
        expires_at = findings.get("expires_at")
        if isinstance(expires_at, int) and at < expires_at <= LAST_NS:
            return expires_at, at
    return 0, 0


def _has_names(findings: dict[str, Any]) -> bool:
    return "answers" in findings or "lookup" in findings


def _names(findings: dict[str, Any]) -> Iterator[str]:
    """The names in an answer, and those that a lookup led to."""
    answers = findings.get("answers")
    for answer in answers[:MAX_NAMES] if isinstance(answers, list) else ():
        if isinstance(answer, dict) and isinstance(answer.get("owner"), str):
            yield _name_in(answer["owner"])
            if answer.get("type") == "CNAME" and isinstance(answer.get("text"), str):
                yield _name_in(answer["text"])
    asked = findings.get("lookup")
    for question in asked[:MAX_NAMES] if isinstance(asked, list) else ():
        if isinstance(question, dict) and isinstance(question.get("final_name"), str):
            yield _name_in(question["final_name"])


def _name_in(text: str) -> str:
    return text[:255].lower().rstrip(".")


def _label(text: str | None) -> str | None:
    return text[:MAX_LABEL] if text else None
