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
    return f"{told.name}: {known.meaning if known else told.verdict}"


def _parts(told: Explanation) -> Iterator[RenderableType]:
    yield Text(clean(headline(told)), "bold green" if told.verdict is None else "bold red")
    if told.flags:
        yield Text(f"  {', '.join(flag.replace('_', ' ') for flag in told.flags)}", "yellow")
    yield Text()
    yield _tree(told)
    for title, table in (("name servers", _servers(told)), ("caches", _caches(told)), ("safety", _safety(told))):
        if table.row_count:
            yield Text(f"\n{title}", "bold")
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


def _servers(told: Explanation) -> Table:
    table = _table("zone", "server", "address", "operator", "site", "rtt", "says")
    for server in told.servers:
        table.add_row(*_server(server), style="red" if server.reason else "")
    return table


def _server(server: Server) -> list[str]:
    rtt = measured(server.rtt_ns) if server.rtt_ns is not None else "–"
    says = server.says if server.reason is None else f"{server.says} ({server.reason})"
    row = [server.zone, server.server, server.address, server.operator, server.site or "–", rtt, says]
    return [clean(cell) for cell in row]


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
    for view, word in told.mail.items():
        table.add_row("mail", clean(f"{told.mail_domain} at {view}"), _word(word))
    return table


def _word(word: str) -> Text:
    known = REASONS.get(word)
    return Text(clean(known.meaning if known else word), "" if word in ("ok", "signed", "insecure") else "yellow")


def _dark(dark: Dark) -> Text:
    text = Text(clean(dark.operator), "bold")
    text.append(clean(f" ({', '.join(dark.zones)})" if dark.zones else ""), "dim")
    text.append(clean(f": {dark.why}"), "red" if dark.breaks else "green")
    if dark.first_s is not None:
        text.append(f"; the first resolver asked fails in {lasting_exactly(dark.first_s * _NS)}")
    if dark.last_s is not None:
        text.append(f", all by {lasting_exactly(dark.last_s * _NS)}, without stale answers")
    return text


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column in ("rtt", "runs out in") else "left", overflow="fold")
    return table
