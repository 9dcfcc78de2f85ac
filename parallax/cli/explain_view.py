"""An explanation on one screen: the chain as a tree, the servers, the caches, and what each operator's darkness would
do. Pure: rich renderables out; what came over the network is cleaned of control characters."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from parallax.cli.explained import Dark, Explanation, Hop, Server
from parallax.cli.text import clean
from parallax.reasons import REASONS
from parallax.spans import lasting_exactly, measured

_NS = 1_000_000_000


def render_explanation(told: Explanation) -> RenderableType:
    """The whole screen."""
    return Group(*_parts(told))


def headline(told: Explanation) -> str:
    """The name and whether it resolves, in a line."""
    if told.verdict is None:
        return f"{told.name} resolves: {', '.join(told.end) or 'no address'}"
    known = REASONS.get(told.verdict)
    held = sum(each.left is not None for each in told.cached)
    caches = f"; {held} of {len(told.cached)} resolvers answer from their caches" if held else ""
    return f"{told.name}: {known.meaning if known else told.verdict}{caches}"


def _parts(told: Explanation) -> Iterator[RenderableType]:
    yield Text(clean(headline(told)), "bold green" if told.verdict is None else "bold red")
    if told.flags:
        yield Text(f"  {', '.join(flag.replace('_', ' ') for flag in told.flags)}", "yellow")
    yield Text()
    yield _tree(told)
    for title, table in (*_servers(told), ("caches", _caches(told)), ("safety", _safety(told))):
        if table.row_count:
            yield Text(f"\n{clean(title)}", "bold")
            yield Padding(table, (0, 0, 0, 2), expand=False)
    if told.dark:
        yield Text("\nif it went dark", "bold")
        for each in told.dark:
            yield Padding(_dark(each), (0, 0, 0, 2), expand=False)


def _tree(told: Explanation) -> RenderableType:
    tree = branch = Tree(Text(clean(told.name), "bold"), guide_style="dim")
    for hop in told.hops:
        branch = branch.add(_hop(hop))
    if told.hops and told.end:
        branch.add(Text(clean(", ".join(told.end))))
    return tree


def _hop(hop: Hop) -> Text:
    answering = sum(said.startswith("auth_") for said in hop.servers.values())
    text = Text(clean(f"{hop.owner} {hop.type}"))
    if hop.target:
        text.append(clean(f" → {hop.target}"))
    facts = [f"TTL {hop.ttl} s"] if hop.ttl is not None else []
    facts += [f"zone {hop.zone}", f"operator {hop.operator or 'not known'}"]
    text.append(clean(f"  {', '.join(facts)}"), "dim")
    if hop.servers:
        style = "dim" if answering == len(hop.servers) else "red"
        text.append(f", {answering} of {len(hop.servers)} servers answer", style)
    return text


def _servers(told: Explanation) -> Iterator[tuple[str, Table]]:
    """A table for each zone and operator: a line an address, both transports on it."""
    groups: dict[tuple[str, str], dict[tuple[str, str], list[Server]]] = {}
    for server in told.servers:
        lines = groups.setdefault((server.zone, server.operator), {})
        lines.setdefault((server.server, _bare(server.address)), []).append(server)
    for (zone, operator), lines in groups.items():
        table = _table("server", "address", "site", "udp", "tcp", "says")
        for (name, address), both in lines.items():
            site = next((each.site for each in both if each.site), "–")
            says = list(dict.fromkeys(_says(each) for each in both))
            row = [name, address, site, _rtt(both, "udp"), _rtt(both, "tcp"), "; ".join(says)]
            failing = any(each.reason for each in both)
            table.add_row(*(clean(cell) for cell in row), style="red" if failing else "")
        yield f"name servers of {zone}, operator {operator or 'not known'}", table


def _bare(address: str) -> str:
    """Without the transport, and without the port that every name server has."""
    bare = address.removesuffix("/tcp")
    return bare.removesuffix(":53").strip("[]") if bare.endswith(":53") else bare


def _says(server: Server) -> str:
    """What a server says over one transport, in words where it is no plain answer."""
    if server.reason is None:
        return "answers" if server.says == "auth_answer" else server.says
    known = REASONS.get(server.reason)
    return f"{'over TCP: ' if server.transport == 'tcp' else ''}{known.meaning if known else server.reason}"


def _rtt(both: list[Server], transport: str) -> str:
    times = [each.rtt_ns for each in both if each.transport == transport and each.rtt_ns is not None]
    return measured(times[0]) if times else "–"


def _caches(told: Explanation) -> Table:
    table = _table("resolver", "says", "site", "runs out in")
    for each in told.cached:
        left = "–" if each.left is None else lasting_exactly(each.left * _NS)
        says = each.says if each.reason is None else f"{each.says} ({each.reason})"
        table.add_row(*(clean(cell) for cell in (each.resolver, says, each.site or "–", left)))
    return table


def _safety(told: Explanation) -> Table:
    table = _table("what", "of", "how it stands")
    for zone, word in told.delegations.items():
        table.add_row("delegation", clean(zone), _word(word))
    for zone, word in told.dnssec.items():
        table.add_row("DNSSEC", clean(zone), _word(word))
    said: dict[str, list[str]] = {}
    for view, word in told.mail.items():
        said.setdefault(word, []).append(view)
    for word, views in said.items():
        table.add_row("mail", clean(f"{told.mail_domain} at {', '.join(views)}"), _word(word))
    return table


def _word(word: str) -> Text:
    known = REASONS.get(word)
    return Text(clean(known.meaning if known else word), "" if word in ("ok", "signed", "insecure") else "yellow")


def _dark(dark: Dark) -> Text:
    text = Text(clean(dark.operator), "bold")
    text.append(clean(f" ({', '.join(dark.zones)})" if dark.zones else ""), "dim")
    text.append(" is dark now" if dark.is_dark else "", "red")
    text.append(clean(f": {dark.why}"), "red" if dark.breaks else "green")
    if dark.first_s is not None:
        text.append(f"; the first resolver asked fails in {lasting_exactly(dark.first_s * _NS)}")
    if dark.last_s is not None:
        text.append(f", all by {lasting_exactly(dark.last_s * _NS)}, without stale answers")
    return text


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(
            column, justify="right" if column in ("udp", "tcp", "runs out in") else "left", overflow="fold"
        )
    return table
