"""An incident script: what there was, what broke when, what people know of it, and what is expected.

A script is a TOML file, read strictly: an unknown key names itself, its place and the known ones. Its types are the
schema; docs/replay.md shows them with examples. Times are instants with their offset from UTC.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from lab.replay.expectations import Expect
from parallax.clock import NS
from parallax.loading.convert import Fault as Complaint
from parallax.loading.convert import convert_table, key_text
from parallax.loading.document import Document, parse_document, read_text
from parallax.loading.problems import LoadErrors, Problem, quoted, shown
from parallax.plan.load import load_plan_source
from parallax.plan.source import PlanErrors, PlanSource, read_plan_source
from parallax.plan.types import Plan
from parallax.values import Duration

MAX_SPAN_S = 7 * 86400.0
"""How long what is played may be."""
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Text = Annotated[str, msgspec.Meta(max_length=1000)]
Mode = Literal["dark", "refused", "errors", "throttled", "slow", "lame", "empty", "silent"]
Place = Literal["operator", "server", "region", "service", "resolver", "probe"]
MODES: dict[Place, tuple[Mode, ...]] = {
    "operator": ("dark", "lame", "empty"),
    "server": ("dark", "lame", "empty"),
    "region": ("dark", "refused", "errors", "throttled", "slow"),
    "service": ("dark", "refused", "errors", "throttled", "slow"),
    "resolver": ("dark",),
    "probe": ("dark", "silent"),
}
"""What can be broken, and how."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The outage, as its owner dated it."""

    start: datetime = msgspec.field(name="from")
    """When it began."""
    end: datetime = msgspec.field(name="to")
    """When it was over."""


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """A DNS operator of the plan, and its name servers."""

    name: str
    """What the plan calls it."""
    servers: dict[str, list[str]]
    """Name of a server to its addresses."""
    lacks_mail: bool = False
    """Its copy of the zones has no mail records, until a [[change]] says `mail = true`."""


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """A zone, and who serves it."""

    name: str
    """The zone's name."""
    operator: str
    """Whom its delegation names at the start."""
    ttl: Duration = Duration(3600)
    """How long resolvers keep to a delegation that has changed."""


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """A name that probes ask for: with an address for each region, an alias, or a text."""

    name: str
    """The name. It is in the longest of the zones that it ends with; in none of them it can always be had."""
    ttl: Duration = Duration(300)
    """How long caches hold it."""
    alias: str = ""
    """Another of the names, to which it leads."""
    regions: list[str] = []
    """The regions whose addresses it has."""
    fronts: list[str] = []
    """The fronts whose addresses it has."""


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """Where requests are answered."""

    name: str
    """What answers call it."""
    address: str
    """The address of its own."""
    latency: Duration = Duration(0.12)
    """How long an answer takes, on the whole."""


class Front(msgspec.Struct, frozen=True, kw_only=True):
    """An address that leads to one of two regions: health checks behind it move traffic out and back."""

    name: str
    """What scripts call it."""
    address: str
    """The address."""
    regions: Annotated[list[str], msgspec.Meta(min_length=2, max_length=2)]
    """The one that serves while it is well, and the one that stands by."""
    out: Duration = Duration(30)
    """How long the first fails until traffic leaves it."""
    back: Duration = Duration(60)
    """How long it is well again until traffic comes back."""


class Cache(msgspec.Struct, frozen=True, kw_only=True):
    """What is special about the caches of a resolver; `system` is the one that a probe's own checks use."""

    resolver: str
    """A resolver of the plan, or "system"."""
    stale: bool = False
    """It goes on with what ran out while nobody answers (RFC 8767)."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was broken, for a while."""

    start: datetime = msgspec.field(name="from")
    """From when."""
    end: datetime = msgspec.field(name="to")
    """Until when."""
    where: str
    """What, and its name: "operator dns-a", "region us-east", "service"."""
    mode: Mode
    """How."""
    severity: Share = 1.0
    """The share of requests or queries that meet it."""


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """An outage of a random row whose start is known."""

    at: datetime
    """When it began."""
    mode: Mode | None = None
    """How, if not as the others."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of outages of which not all times are public: the rest is drawn, by the seed."""

    where: str
    """As for a fault."""
    mode: Mode
    """As for a fault."""
    severity: Share = 1.0
    """As for a fault."""
    lengths: tuple[Duration, Duration]
    """How long one lasts: between these, each length as likely as any other."""
    gaps: tuple[Duration, Duration]
    """How long all is well between two, likewise."""
    until: datetime
    """None lasts beyond."""
    anchors: Annotated[list[Anchor], msgspec.Meta(min_length=1, description="at least one outage whose start is known")]
    """Outages whose start is known; the first begins the row."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people did."""

    at: datetime
    """When."""
    zone: str = ""
    """This zone was delegated to `operator`."""
    operator: str
    """Whom it is about."""
    mail: bool | None = None
    """Whether the operator's copy has the mail records from now on."""


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong without a cause, drawn by the seed."""

    failures: Share = 0.0
    """The share of queries and requests that get no answer."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the real timeline."""

    at: datetime
    """When."""
    what: Text
    """What happened, in our words."""


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """The top of the file."""

    title: Text
    """What it was."""
    source: list[Text] = []
    """Where the facts are from."""
    window: Window
    """The outage."""
    before: Duration = Duration(180)
    """How long all is well before it."""
    after: Duration = Duration(60)
    """How long what is played goes on after it."""
    plan: str = ""
    """What is checked: a file or folder beside the script, or the plan itself, as text of several lines."""
    journal: str = ""
    """Instead of a world: a recording beside the script, made by `parallax journal export`."""
    operator: list[Operator] = []
    zone: list[Zone] = []
    name: list[Name] = []
    region: list[Region] = []
    front: list[Front] = []
    cache: list[Cache] = []
    fault: list[Fault] = []
    random: list[Row] = []
    change: list[Change] = []
    noise: Noise = Noise()
    fact: list[Fact] = []
    expect: Expect = Expect()


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A script with its plan. `plan` and `source` are None where a recording is played."""

    script: Script
    file: Path
    plan: Plan | None = None
    source: PlanSource | None = None
    journal: Path | None = None


class ScriptErrors(LoadErrors):
    """A script was refused; `problems` holds everything that is wrong with it."""


def ns_of(at: datetime) -> int:
    """An instant of the script, ns since the Unix epoch."""
    return round(at.timestamp() * 1000) * (NS // 1000)


def place_of(where: str) -> tuple[Place, str]:
    """What a fault is about, and its name. Raises ValueError with a sentence."""
    word, _, name = where.partition(" ")
    if word not in MODES:
        raise ValueError(f"{shown(where)} is nothing that can be broken; write one of {quoted(MODES)}, and its name")
    if (word == "service") == bool(name):
        raise ValueError(f"{shown(where)} wants " + ("no name" if name else f'a name, like "{word} NAME"'))
    return word, name


def load_script(path: Path) -> Loaded:
    """Raises ScriptErrors, with the plan's own problems among them."""
    text = read_text(path)
    document = text if isinstance(text, Problem) else parse_document(text, str(path))
    if isinstance(document, Problem):
        raise ScriptErrors([document])
    faults: list[Complaint] = []
    script: Any = convert_table(document.table, Script, faults)
    if faults:
        raise ScriptErrors(_problems(document, faults))
    plan, source = _plan(document, path, script)
    faults.extend(_complaints(script, plan))
    journal = path.parent / script.journal if script.journal else None
    if journal is not None and not journal.is_file():
        faults.append(Complaint(("journal",), f"{journal} is no file; make it by: parallax journal export"))
    if faults:
        raise ScriptErrors(_problems(document, faults))
    return Loaded(script=script, file=path, plan=plan, source=source, journal=journal)


def _plan(document: Document, path: Path, script: Script) -> tuple[Plan | None, PlanSource | None]:
    if not script.plan:
        return None, None
    try:
        if "\n" in script.plan:
            source = PlanSource({f"{path.name}, plan": script.plan})
        else:
            source = read_plan_source(path.parent / script.plan)
        return load_plan_source(source), source
    except PlanErrors as error:
        raise ScriptErrors(error.problems) from None


def _complaints(script: Script, plan: Plan | None) -> list[Complaint]:
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
    from lab.replay.observe import KINDS

    for check in plan.check:
        if check.kind not in KINDS:
            known = quoted(sorted(KINDS))
            found.append(
                Complaint(("plan",), f"check {shown(check.name)}: no script plays a {check.kind}; it plays {known}")
            )
    if not plan.probe:
        found.append(Complaint(("plan",), "has no [[probe]]: nobody would measure"))
    found += _unknown_names(script, plan)
    for number, fault in enumerate(script.fault):
        found += _place(("fault", number), fault.where, fault.mode, script, plan)
        if not fault.start < fault.end:
            found.append(Complaint(("fault", number, "to"), "is not after `from`"))
    for number, row in enumerate(script.random):
        for mode in (row.mode, *(anchor.mode for anchor in row.anchors if anchor.mode is not None)):
            found += _place(("random", number), row.where, mode, script, plan)
        for key, (low, high) in (("lengths", row.lengths), ("gaps", row.gaps)):
            if low > high:
                found.append(Complaint(("random", number, key), "the first is to be the shorter one"))
        starts = [anchor.at for anchor in row.anchors]
        if sorted(starts) != starts or starts[-1] >= row.until:
            found.append(Complaint(("random", number, "anchors"), "are not in order, or not before `until`"))
    return list({(each.path, each.message): each for each in found}.values())


def _only_recorded(script: Script) -> list[Complaint]:
    world = ("plan", "operator", "zone", "name", "region", "front", "cache", "fault", "random", "change")
    return [
        Complaint((key,), "has no meaning beside `journal`: what is recorded is played as it is; take one of them out")
        for key in world
        if getattr(script, key)
    ]


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
        return [
            Complaint(
                (*path, "mode"), f"{shown(mode)} is nothing that a {place} does; write one of {quoted(MODES[place])}"
            )
        ]
    return []


def _problems(document: Document, faults: list[Complaint]) -> list[Problem]:
    """The faults with their places, in the file's order."""
    found = []
    for fault in faults:
        section, path = "", fault.path
        inner = document.table.get(str(path[0])) if len(path) > 1 else None
        if isinstance(inner, dict):
            section, path = f"[{path[0]}]", path[1:]
        elif isinstance(inner, list) and len(path) > 2 and isinstance(path[1], int):
            section, path = f"[[{path[0]}]] number {path[1] + 1}", path[2:]
        line = document.lines.of(fault.path)
        found.append(Problem(file=document.file, line=line, section=section, key=key_text(path), message=fault.message))
    return sorted(found, key=lambda problem: problem.line or 0)
