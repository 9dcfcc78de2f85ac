"""What the keys of a dns.parity check must keep among each other. Pure."""

from collections.abc import Iterator, Sequence

from parallax.loading.convert import Fault, good
from parallax.loading.lines import Path
from parallax.loading.problems import quoted, shown
from parallax.plan.dns_rules import LONGEST_NAME
from parallax.plan.dns_specs import ParitySpec
from parallax.plan.inventory import APEX, MAX_NAMES, PURPOSES
from parallax.values import DnsName


def parity_faults(spec: ParitySpec) -> Iterator[Fault]:
    """Faults of a draft: what did not convert is passed over."""
    if good(spec.primary, spec.fallback) and spec.primary == spec.fallback:
        yield Fault(("fallback",), f"{shown(spec.fallback)} is the primary; name the operator that stands by")
    lists: list[tuple[Path, Sequence[str]]] = [(("names",), spec.names), (("differing",), spec.differing)]
    if good(spec.purposes):
        strange = [purpose for purpose in spec.purposes if purpose not in PURPOSES]
        for purpose in strange:
            yield Fault(("purposes", purpose), f"{shown(purpose)} is no purpose; the purposes are {quoted(PURPOSES)}")
        lists += [(("purposes", purpose), labels) for purpose, labels in spec.purposes.items()]
    listed = {label for path, labels in lists if path != ("differing",) and good(labels) for label in labels}
    if good(spec.selectors):
        listed |= {f"{selector}._domainkey" for selector in spec.selectors if good(selector)}
    if len(listed) > MAX_NAMES:
        whole = (
            f"the check lists {len(listed)} names; one compares at most {MAX_NAMES}: spread them over several checks"
        )
        longest = max(lists, key=lambda each: len(each[1]) if good(each[1]) else 0)
        yield Fault(longest[0], whole)
        return
    for path, labels in lists:
        for place, label in enumerate(labels if good(labels, spec.zone) else ()):
            if good(label) and (complaint := _label_complaint(label, spec.zone)):
                yield Fault((*path, place), complaint)


def _label_complaint(label: str, zone: DnsName) -> str | None:
    if zone != "." and label == zone:
        return f"{shown(label)} is the zone itself, which is written {shown(APEX)}"
    if zone != "." and label.endswith(f".{zone}"):
        return f"{shown(label)} has the zone in it; write {shown(label.removesuffix(f'.{zone}'))}"
    if len(label) + 1 + len(zone) > LONGEST_NAME:
        return f"{shown(label[:40])}... with the zone is longer than DNS allows ({LONGEST_NAME})"
    return None
