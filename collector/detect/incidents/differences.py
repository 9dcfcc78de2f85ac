"""What an update of an incident says, in one line."""

from collector.detect.verdicts.components import RANK
from collector.events import FaultDomain, Incident


def difference(before: Incident, after: Incident) -> str:
    """What an update says, in one line."""
    parts = [after.title] if after.title != before.title else []
    if after.seen_title and after.seen_title != before.seen_title:
        parts.append(f"probes see: {after.seen_title}")
    if RANK[after.impact] > RANK[before.impact]:
        parts.append(f"impact: {after.impact.replace('_', ' ')}")
    new = [name for name in after.components if name not in before.components]
    if new:
        parts.append(f"hurts {', '.join(new)}")
    if after.domain != before.domain and after.domain is not None and not (parts and after.domain.name in parts[0]):
        parts.append(_domain_words(before.domain, after.domain))
    if after.parent and after.parent != before.parent:
        parts.append(f"part of incident {after.parent}")
    if not parts and after.severity != before.severity:
        parts.append(f"severity: {after.severity}")
    return "; ".join(parts) or after.stage


def _domain_words(before: FaultDomain | None, after: FaultDomain) -> str:
    sure = "" if after.certain else ", though another place would explain it too"
    return f"at {after}{sure}" if before is None or str(before) == str(after) else f"not {before} but {after}{sure}"
