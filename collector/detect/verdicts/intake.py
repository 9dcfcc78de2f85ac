"""A batch into votes: the newest word of each probe on each subject.

One (check, target) comes as an observation for each address of its name, or as one for the name where the lookup gave
none. So whatever a probe says of a target is its newest word on the whole of it: an answer from an address says that
the lookup passed, and a failed lookup says nothing more of the addresses.
"""

from collector.detect.dns.zones import left_at
from collector.detect.numbers import LAST_NS, instant
from collector.detect.places import RESOLVERS
from collector.detect.risks.expiry import SHORT_NS, warns_ns
from collector.detect.state import MAX_PLACES, Ends, Key, State, Vote
from collector.detect.verdicts.charts import carry, note_pending
from collector.detect.verdicts.flows import note_step, turn_ns
from collector.detect.verdicts.labels import MAX_NAMES, has_names, label, names_in, plain_label, plain_name
from collector.detect.verdicts.pace import note_pace
from collector.detect.verdicts.subjects import may_open, open_key
from collector.detect.verdicts.trouble import hear, is_no_news
from collector.detect.verdicts.votes import ends_id, key_id
from collector.detect.view import HANDSHAKES, OVER_TCP, CheckView, View, ip_of
from parallax.observation import PENDING, Observation
from parallax.reasons import REASONS

MAX_TEXT = 300
"""Characters of a subject; a longer one is none of ours."""
OWN_TROUBLE = ("probe", "config")
SLOW = ("http_slow", "http_too_slow")
SIGNATURES_END = "dnssec_expires_soon"
ASIDE = ("dns_stale",)
"""A name that is answered all the same: caches carry it, and users are not hurt."""
NO_WORD = ("parity_unknown",)
"""What cannot be told now: what was said before stands."""


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
        if not may_open(state, ends, probe) or _is_gone(state, check, observation):
            return []
        key = open_key(state, ends, key_name, check, observation.target, subject, lookup=lookup)
        if key is None:
            return []
    vote = key.votes.get(probe)
    if observation.abstain == PENDING:
        return _pend(key_name, vote, at, skewed)
    if vote is not None and not _is_news(vote, at, observation):
        return []
    key.votes[probe] = new = _vote(observation, check, key, vote, at, skewed)
    if check.of_dns and new.counts and (new.reason is not None or check.kind != "dns.chain"):
        label(state, view, key, probe, check, observation)
    key.spoke_at = max(key.spoke_at, at)
    if subject.endswith(OVER_TCP) and new.reason is None:
        _vouch(state, key_name)
    slow = new.counts and new.reason is None and check.paced and _is_slow(key, new)
    passes = new.reason is None and key.state == "up" and not slow
    touched = [] if new.counts and (passes or is_no_news(key, new, state.now)) else [key_name]
    if check.of_steps:
        touched += note_step(state, ends, probe, key, new, observation)
    if new.counts:
        _note(state, key, new, observation)
        touched += _elsewhere(state, ends, probe, key, new)
    return touched


def _is_gone(state: State, check: CheckView, observation: Observation) -> bool:
    """Whether its zone has left the server so long ago that only who saw nothing of it asks there."""
    if check.kind != "dns.zone":
        return False
    since = left_at(state.zones, observation.target, plain_name(observation.dims.get("server", "")), state.now)
    return 0 < since < state.now - check.fresh_ns


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
        site=plain_label(observation.site) if _of_one(check, observation) else None,
        region=plain_label(observation.dims.get("region")),
        looking=reason in SLOW and _lookup_ns(observation) * 2 > observation.duration_ns,
    )
    vote.aside = aside
    vote.certificate = _certificate(observation) if observation.kind in HANDSHAKES else ""
    vote.address = plain_label(observation.dims.get("address")) or "" if check.of_steps else ""
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
        if vote.until and vote.warn_at < key.warns_at:
            key.warns_at = vote.warn_at
    return vote


def _vouch(state: State, over_tcp: str) -> None:
    """An address that fails over UDP is not dark, as it answers over TCP: what fails has another name."""
    twin = state.keys.get(over_tcp.removesuffix(OVER_TCP))
    if twin is not None and twin.incident in state.open:
        state.open[twin.incident].grown = True


def _of_one(check: CheckView, observation: Observation) -> bool:
    """Whether one server answered it: of several, the site of one explains nobody's failures."""
    return check.kind not in ("dns.chain", "dns.parity") and observation.subject != "delegation"


def _certificate(observation: Observation) -> str:
    chain = observation.findings.get("chain")
    leaf = chain[0] if isinstance(chain, list) and chain else None
    print_ = leaf.get("sha256") if isinstance(leaf, dict) else None
    return print_[:16] if isinstance(print_, str) else ""


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
    if vote.reason is None and (observation.kind in RESOLVERS or not key.names) and has_names(observation.findings):
        names = tuple(dict.fromkeys(names_in(observation.findings)))[:MAX_NAMES]
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
