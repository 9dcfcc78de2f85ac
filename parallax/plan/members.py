"""What tells which member of a failover group serves. Pure; the rules of plans and detection share it."""

from parallax.plan.failover_types import Failover, Member

TOLD_BY = {"region": "region", "address": "address", "dns-operator": "operator"}
"""What tells by default, by kind of group."""


def told_by(group: Failover) -> str:
    """What tells who serves: region, address, certificate, nsid, marker, operator."""
    return group.told_by or TOLD_BY[group.kind]


def operator_name(member: Member) -> str:
    """The [[operator]] that a member of a dns-operator group is."""
    return member.operator or member.name


def shown_by(group: Failover, member: Member) -> list[str]:
    """What `told_by` shows while this member serves. Empty where nothing but `values` could say, and it does not."""
    if member.values:
        return list(member.values)
    match told_by(group):
        case "region":
            return [member.name]
        case "address":
            return [member.connect_to.ip] if member.connect_to is not None else []
        case "operator":
            return [operator_name(member)]
    return []
