"""What must hold between the keys of a script, and between it and its plan. Pure."""

from datetime import datetime

from lab.replay.observe import KINDS
from lab.replay.script import MODES, Fault, Script, place_of
from parallax.loading.convert import Fault as Complaint
from parallax.loading.problems import quoted, shown
from parallax.plan.dns_specs import ChainSpec, MailSpec, ParitySpec, ResolveSpec, ZoneSpec
from parallax.plan.kinds import SPECS
from parallax.plan.types import Plan
from parallax.values import Url, is_ip

MAX_SPAN_S = 7 * 86400.0
"""How long what is played may be."""


def complaints_of(script: Script, plan: Plan | None) -> list[Complaint]:
    """What is wrong between the keys."""
    found: list[Complaint] = []
    if not script.window.start < script.window.end:
        found.append(Complaint(("window", "to"), "is not after `from`"))
    elif (script.window.end - script.window.start).total_seconds() + script.before + script.after > MAX_SPAN_S:
        found.append(Complaint(("window",), "is longer than 7 days with what is around it; cut it"))
    if script.journal:
        found += _only_recorded(script)
        return found
    if plan is None:
        found.append(Complaint(("plan",), "is missing: write the plan's file, or `journal` and a recording"))
        return found
    unknown = [check for check in plan.check if check.kind not in KINDS]
    for check in unknown:
        known = quoted(sorted(KINDS))
        found.append(
            Complaint(("plan",), f"check {shown(check.name)}: no script plays a {check.kind}; it plays {known}")
        )
    if not unknown:
        found += _unplayable(script, plan)
    if not plan.probe:
        found.append(Complaint(("plan",), "has no [[probe]]: nobody would measure"))
    found += _unknown_names(script, plan)
    found += _told_twice(script)
    found += _addresses(script)
    found += _expected_in_vain(script, plan)
    for number, fault in enumerate(script.fault):
        found += _place(("fault", number), fault.where, fault.mode, script, plan)
        if not fault.start < fault.end:
            found.append(Complaint(("fault", number, "to"), "is not after `from`"))
        elif not _is_played(fault, script):
            found.append(Complaint(("fault", number, "from"), "is not in the window, nor in `before` and `after` it"))
    for number, row in enumerate(script.random):
        for mode in (row.mode, *(anchor.mode for anchor in row.anchors if anchor.mode is not None)):
            found += _place(("random", number), row.where, mode, script, plan)
        for key, (low, high) in (("lengths", row.lengths), ("gaps", row.gaps)):
            if low > high:
                found.append(Complaint(("random", number, key), "the first is to be the shorter one"))
        starts = [anchor.at for anchor in row.anchors]
        if sorted(starts) != starts or starts[-1] >= row.until:
            found.append(Complaint(("random", number, "anchors"), "are not in order, or not before `until`"))
        elif not _is_within(script, starts[0], row.until):
            message = "the row is to begin and end in the window, or in `before` and `after` it"
            found.append(Complaint(("random", number, "until"), message))
    return list({(each.path, each.message): each for each in found}.values())


def _is_within(script: Script, start: datetime, end: datetime) -> bool:
    """Whether all of it is in the window, with what is around it: what is drawn beyond is for nothing."""
    before = (script.window.start - start).total_seconds()
    after = (end - script.window.end).total_seconds()
    return before <= script.before and after <= script.after


def _only_recorded(script: Script) -> list[Complaint]:
    world = ("plan", "operator", "zone", "name", "region", "front", "cache", "fault", "random", "change")
    return [
        Complaint((key,), "has no meaning beside `journal`: what is recorded is played as it is; take one of them out")
        for key in world
        if getattr(script, key)
    ]


def _is_played(fault: Fault, script: Script) -> bool:
    """Whether any of it is in the window, with what is around it."""
    ends = (fault.end - script.window.start).total_seconds()
    starts = (fault.start - script.window.end).total_seconds()
    return ends > -script.before and starts < script.after


def _told_twice(script: Script) -> list[Complaint]:
    """Names and addresses that two of a kind bear: what is said of one would be said of both."""
    found = []
    for section in ("operator", "zone", "name", "region", "front"):
        names: list[str] = [each.name for each in getattr(script, section)]
        for number, name in enumerate(names):
            if name in names[:number]:
                found.append(Complaint((section, number, "name"), f"{shown(name)} is there twice"))
    return found


def _addresses(script: Script) -> list[Complaint]:
    """Addresses that are none, or that two have."""
    written: list[tuple[tuple[str | int, ...], str]] = []
    for number, operator in enumerate(script.operator):
        written += [
            (("operator", number, "servers", server), each)
            for server, all_ in operator.servers.items()
            for each in all_
        ]
    written += [(("region", number, "address"), region.address) for number, region in enumerate(script.region)]
    written += [(("front", number, "address"), front.address) for number, front in enumerate(script.front)]
    found, seen = [], set()
    for path, address in written:
        if not is_ip(address):
            found.append(Complaint(path, f"{shown(address)} is no IP address"))
        elif address in seen:
            found.append(Complaint(path, f"{shown(address)} is there twice; each has an address of its own"))
        seen.add(address)
    return found


def _expected_in_vain(script: Script, plan: Plan) -> list[Complaint]:
    """What no play could bring about."""
    checks = {check.name for check in plan.check}
    found = [
        Complaint(
            ("expect", "corroborated_by", place),
            f"the plan has no check {shown(name)}; it has {quoted(sorted(checks))}",
        )
        for place, name in enumerate(script.expect.corroborated_by)
        if name not in checks
    ]
    wants = ("failover", "region_failover", "switchovers_max", "back_on_primary_within_minutes")
    for name in wants if not plan.failover else ():
        if getattr(script.expect, name) is not None:
            found.append(Complaint(("expect", name), "nothing is switched over: the plan has no [[failover]]"))
    if script.expect.user_bad_minutes_max is not None and not any(front.group for front in script.front):
        message = "nobody knows whom traffic reaches: no [[front]] has a `group`"
        found.append(Complaint(("expect", "user_bad_minutes_max"), message))
    if script.expect.pages and not plan.receiver:
        found.append(Complaint(("expect", "pages"), "nobody is told: the plan has no [[receiver]]"))
    return found


def _unknown_names(script: Script, plan: Plan) -> list[Complaint]:
    """Names that nothing bears."""
    operators, zones = {each.name for each in script.operator}, {each.name for each in script.zone}
    regions, fronts = {each.name for each in script.region}, {each.name for each in script.front}
    names = {each.name for each in script.name}
    resolvers = {each.name for each in plan.resolver} | {"system"}
    asked: list[tuple[tuple[str | int, ...], str, set[str]]] = []
    for number, zone in enumerate(script.zone):
        asked.append((("zone", number, "operator"), zone.operator, operators))
    for number, name in enumerate(script.name):
        asked += [(("name", number, "regions", place), each, regions) for place, each in enumerate(name.regions)]
        asked += [(("name", number, "fronts", place), each, fronts) for place, each in enumerate(name.fronts)]
        if name.alias:
            asked.append((("name", number, "alias"), name.alias, names))
    for number, front in enumerate(script.front):
        asked += [(("front", number, "regions", place), each, regions) for place, each in enumerate(front.regions)]
        if front.group:
            asked.append((("front", number, "group"), front.group, {group.name for group in plan.failover}))
    for number, cache in enumerate(script.cache):
        asked.append((("cache", number, "resolver"), cache.resolver, resolvers))
    for number, change in enumerate(script.change):
        asked.append((("change", number, "operator"), change.operator, operators))
        if change.zone:
            asked.append((("change", number, "zone"), change.zone, zones))
    return [
        Complaint(path, f"{shown(word)} is not known; known are {quoted(sorted(known)) or 'none'}")
        for path, word, known in asked
        if word not in known
    ]


def _place(path: tuple[str | int, ...], where: str, mode: str, script: Script, plan: Plan) -> list[Complaint]:
    try:
        place, name = place_of(where)
    except ValueError as error:
        return [Complaint((*path, "where"), str(error))]
    known = {
        "operator": {each.name for each in script.operator},
        "server": {server for each in script.operator for server in each.servers},
        "region": {each.name for each in script.region},
        "service": {""},
        "resolver": {each.name for each in plan.resolver},
        "probe": {each.id for each in plan.probe},
    }[place]
    if name not in known:
        return [
            Complaint((*path, "where"), f"{shown(where)}: there is none; known are {quoted(sorted(known)) or 'none'}")
        ]
    if mode not in MODES[place]:
        article = "an" if place == "operator" else "a"
        return [
            Complaint(
                (*path, "mode"),
                f"{shown(mode)} is nothing that {article} {place} does; write one of {quoted(MODES[place])}",
            )
        ]
    return []


def _unplayable(script: Script, plan: Plan) -> list[Complaint]:
    """What checks are about and the script does not have."""
    zones, operators = {each.name for each in script.zone}, {each.name for each in script.operator}
    names = {each.name for each in script.name}
    addresses = {each.address for each in script.region} | {each.address for each in script.front}
    found = []
    for check in plan.check:
        lacks: list[tuple[str, str]] = []
        if isinstance(check.spec, ZoneSpec):
            lacks = [("zone", str(check.spec.zone))] if check.spec.zone not in zones else []
        elif isinstance(check.spec, ParitySpec):
            lacks = [("operator", each) for each in (check.spec.primary, check.spec.fallback) if each not in operators]
        elif isinstance(check.spec, ResolveSpec | ChainSpec):
            lacks = [("name", str(each)) for each in check.targets if each not in names]
        elif not isinstance(check.spec, MailSpec):
            pinned = [check.pinned.ip] if check.pinned is not None else []
            hosts = pinned or [_host(check.kind, str(target)) for target in check.targets]
            lacks = [("region" if is_ip(host) else "name", host) for host in hosts if host not in names | addresses]
        for section, name in lacks:
            complaint = f"check {shown(check.name)} is about {shown(name)}, of which the script has no [[{section}]]"
            found.append(Complaint(("plan",), complaint))
    return found


def _host(kind: str, target: str) -> str:
    read = SPECS[kind].endpoint
    return read(target).host if read is not None else Url(target).endpoint.host
