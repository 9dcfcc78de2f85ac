"""Moves: what starts one, how it goes on, and what is said of it."""

from collections.abc import Iterable
from typing import Any

import pytest

from collector.board import MoveBoard
from collector.detect import decode_state, encode_state, initial, step
from collector.events import Noticed
from collector.inputs import CommandInput
from parallax.clock import NS
from parallax.observation import Observation
from tests.collector.detect.scenes import EIGHT, Scene, fleet

ZONE, NAME = "auth.example", "clerk.acme.example"
OLD = ("ns1.dns-a.example", "ns2.dns-a.example")
NEW = ("ns1.dns-b.example", "ns2.dns-b.example")
PARENTS = ("192.0.2.1:53", "192.0.2.2:53")
CHAIN_OLD = ("frontend-api.auth.example", "edge.cdn.example")
CHAIN_NEW = ("workaround.auth.example", "edge.cdn.example")
REST = f"""
[defaults]
period = "5s"
timeout = "2s"
[[check]]
name = "zone"
kind = "dns.zone"
external = false
zone = "{ZONE}"
[[check]]
name = "chain"
kind = "dns.chain"
external = false
names = ["{NAME}"]
expect = ["{CHAIN_OLD[0]}", "{CHAIN_OLD[1]}"]
workaround = ["{CHAIN_NEW[0]}"]
[[check]]
name = "resolve"
kind = "dns.resolve"
external = false
names = ["{NAME}"]
[[resolver]]
name = "public-1"
address = "192.0.2.53"
control = "control.example"
[[component]]
name = "Sign-in"
checks = ["chain"]
risks = ["zone"]
"""
FRESH_S = 5 * 2.5 + 2


class World(Scene):
    """Eight probes; what each sees of parents, resolvers, chain and servers is given and changed by hand."""

    def __init__(self, probes: int = 8, plan: str = REST) -> None:
        super().__init__(fleet(EIGHT[:probes]) + plan)
        self.names = [probe.id for probe in self.plan.probe]
        self.parents: dict[str, tuple[str, ...]] = dict.fromkeys(PARENTS, OLD)
        self.ds: tuple[str, ...] = ()
        self.ttl = 60
        self.resolvers: dict[str, dict[str, dict[str, Any]]] = {
            probe: {name: {"ns": list(OLD), "mname": OLD[0], "rcode": "NOERROR"} for name in ("public-1", "public-2")}
            for probe in self.names
        }
        self.chain: dict[str, tuple[str, ...]] = dict.fromkeys(self.names, CHAIN_OLD)
        self.cached: dict[str, tuple[str, ...] | None] = dict.fromkeys(self.names, CHAIN_OLD)
        self.dark: set[str] = set()
        """Name servers that do not answer."""
        self.views: dict[str, dict[str, tuple[str, ...]]] = {}
        """Parents as single probes see them."""
        self.silent: set[str] = set()
        self.asked: tuple[str, ...] = (*OLD, *NEW)
        """Name servers that are asked on their own."""
        self.former: dict[str, str] = {}
        self.ended = "end"

    def round(self, times: int = 1) -> None:
        """Every probe measures everything once, over 5 s."""
        for _ in range(times):
            for probe in self.names:
                self.t += 5 / len(self.names)
                if probe not in self.silent:
                    self.say(probe, self.look(probe))

    def look(self, probe: str) -> list[Observation]:
        parents = self.views.get(probe, self.parents)
        findings = {
            "parent": "example",
            "parents": {address: {"ns": list(ns), "ttl": self.ttl} for address, ns in parents.items()},
            "ns": sorted({name for ns in parents.values() for name in ns}),
            "ds": list(self.ds),
            "ttl": self.ttl,
            "resolvers": self.resolvers[probe],
            "former": self.former,
        }
        found = [self.observe(probe, "zone", ZONE, "delegation", findings=findings, dims={"zone": ZONE})]
        for number, server in enumerate((*OLD, *NEW), 1):
            if server not in self.asked:
                continue
            address = f"192.0.2.{10 + number}"
            failed = {"reason": "dns_refused"} if server in self.dark else {}
            dims = {"server": server, "zone": ZONE, "address": address, "transport": "udp"}
            found.append(self.observe(probe, "zone", ZONE, f"{address}:53", dims=dims, **failed))
        names = self.chain[probe]
        hops = [{"owner": o, "target": t, "ttl": 30} for o, t in zip((NAME, *names), names, strict=False)]
        findings = {"hops": [*hops, {"owner": names[-1] if names else NAME}], "signature": "x", "ended": self.ended}
        found.append(self.observe(probe, "chain", NAME, NAME, findings=findings))
        cached = self.cached[probe]
        if cached is not None:
            answers = [
                {"owner": o, "type": "CNAME", "ttl": 9, "text": t + "."}
                for o, t in zip((NAME, *cached), cached, strict=False)
            ]
            answers.append({"owner": cached[-1] if cached else NAME, "type": "A", "ttl": 9, "text": "203.0.113.7"})
            dims = {"resolver": "public-1"}
            found.append(self.observe(probe, "resolve", NAME, "public-1", dims=dims, findings={"answers": answers}))
        return found

    def switch(self, probes: Iterable[str], to: tuple[str, ...] = NEW) -> None:
        """These probes' resolvers have the set."""
        for probe in probes:
            for name in self.resolvers[probe]:
                self.resolvers[probe][name] = {"ns": list(to), "mname": to[0], "rcode": "NOERROR"}

    def command(self, word: str, **arguments: list[str]) -> None:
        self.put(CommandInput(at=self.now, word=word, actor="ann", arguments=arguments))

    def notices(self, *words: str) -> list[Noticed]:
        found = [event.data for event in self.events if isinstance(event.data, Noticed)]
        return [notice for notice in found if not words or notice.word in words]

    def words(self) -> list[str]:
        return [
            notice.word
            for notice in self.notices()
            if notice.word.split("_")[0] not in ("site", "catchment", "anycast")
        ]

    def move(self) -> MoveBoard:
        return self.board.moves[0]


def test_first_sight_is_no_change() -> None:
    world = World()
    world.round(4)
    assert world.words() == []
    assert world.board.moves == ()


def test_a_delegation_moves_from_start_to_end() -> None:
    world = World()
    world.round(6)
    world.parents = {PARENTS[0]: NEW, PARENTS[1]: OLD}
    world.round()
    assert world.words() == ["delegation_changed", "move_started"]
    changed = world.notices("delegation_changed")[0]
    assert (changed.severity, changed.before, changed.after) == ("warning", OLD, NEW)
    assert changed.components == ("Sign-in",)
    world.round(3)
    move = world.move()
    assert (move.kind, move.name, move.state, move.by) == ("delegation", ZONE, "moving", "check zone")
    assert (move.old, move.new) == (OLD, NEW)
    assert (move.parents, move.resolvers, move.bound_at) == ((1, 2), (0, 16), None)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.round(3)
    move = world.move()
    assert move.parents == (2, 2)
    assert move.bound_at is not None
    assert 45 * NS < move.bound_at - world.now < 61 * NS
    world.switch(world.names[:4])
    world.round()
    half = world.move()
    assert half.resolvers == (8, 16)
    assert half.t50_at is not None
    assert half.t90_at is None
    world.switch(world.names)
    world.round(3)
    move = world.move()
    assert (move.state, move.parents, move.resolvers) == ("done", (2, 2), (16, 16))
    assert move.t50_at == half.t50_at
    assert move.t100_at is not None
    assert move.t90_at is not None
    assert half.t50_at < move.t90_at <= move.t100_at < world.now
    assert world.words() == ["delegation_changed", "move_started", "move_done"]
    assert [p[1:] for p in move.points[:1]] == [(500, 0)]
    assert all(b[0] - a[0] >= 15 * NS for a, b in zip(move.points, move.points[1:], strict=False))
    world.round(6)
    assert world.words() == ["delegation_changed", "move_started", "move_done"]


def test_stuck_past_the_bound_and_through_after_all() -> None:
    world = World()
    world.round(6)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.switch(world.names[1:])
    world.round(12)
    assert world.move().state == "moving"
    world.round(10)
    assert world.move().state == "stuck"
    stuck = world.notices("move_stuck")[0]
    assert stuck.severity == "warning"
    assert stuck.why == (
        "14 of 16 sampled resolvers and 2 of 2 servers of the parent are on the new set; "
        "still on the old one: public-1 at fra1, public-2 at fra1"
    )
    world.switch(world.names)
    world.round(4)
    assert world.move().state == "done"
    assert world.words() == ["delegation_changed", "move_started", "move_stuck", "move_done"]


def test_what_falls_back_is_regressed() -> None:
    world = World()
    world.round(6)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.switch(world.names[:6])
    world.round(4)
    world.switch(world.names[:3], OLD)
    world.round(4)
    assert "regressed" in world.move().words
    regressed = world.notices("move_regressed")[0]
    assert (regressed.severity, regressed.why) == ("warning", "6 of 16 sampled resolvers went back to the old set")


def test_parents_that_go_back_end_it() -> None:
    world = World()
    world.round(6)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.round(4)
    assert world.move().bound_at is not None
    world.parents = dict.fromkeys(PARENTS, OLD)
    world.round(6)
    assert world.words() == ["delegation_changed", "move_started", "move_regressed"]
    assert (world.move().state, world.move().words) == ("given_up", ("regressed",))
    world.round(5)
    assert world.words() == ["delegation_changed", "move_started", "move_regressed"]
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.round(2)
    assert world.words()[3:] == ["delegation_changed", "move_started"]


def test_old_servers_that_stop_while_resolvers_use_them() -> None:
    world = World()
    world.round(6)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.switch(world.names[:4])
    world.round(3)
    assert "old_set_withdrawn_early" not in world.words()
    world.dark = set(OLD)
    world.round(2)
    early = world.notices("old_set_withdrawn_early")[0]
    assert early.severity == "critical"
    assert early.why == (
        "2 of 2 name-server addresses of the old set no longer serve it, and 8 of 16 sampled resolvers still use it"
    )


def test_old_servers_that_were_dark_before_were_not_withdrawn() -> None:
    """The outage that the move is the answer to."""
    world = World()
    world.round(6)
    world.dark = set(OLD)
    world.round(6)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.round(10)
    assert "old_set_withdrawn_early" not in world.words()
    assert "move_started" in world.words()


def test_withdrawn_is_seen_by_the_resolvers_that_get_no_answer() -> None:
    """Where nobody asks the old servers any more."""
    world = World()
    world.round(6)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.switch(world.names[:4])
    world.round(3)
    for probe in world.names[4:]:
        world.resolvers[probe] = {name: {"rcode": "SERVFAIL"} for name in world.resolvers[probe]}
    world.round(3)
    assert world.notices("old_set_withdrawn_early")[0].why == (
        "8 of 8 sampled resolvers that still use it get no answer any more, the others do"
    )


def test_resolvers_that_fail_since_before_the_move_say_nothing_of_a_withdrawal() -> None:
    """As on 10 Feb 2026: the operator is dark, caches run out, the delegation moves, and they go on running out."""
    world = World()
    world.round(6)
    world.dark = set(OLD)
    world.round(3)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.switch(world.names[:4])
    world.round(3)
    for probe in world.names[4:]:
        world.resolvers[probe] = {name: {"failure": "timeout"} for name in world.resolvers[probe]}
    world.round(6)
    assert world.move().resolvers == (8, 16)
    assert "old_set_withdrawn_early" not in world.words()


def test_servers_that_were_never_seen_to_serve_were_not_withdrawn() -> None:
    world = World()
    world.asked = NEW
    world.round(6)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.round(2)
    world.asked, world.dark = (*OLD, *NEW), set(OLD)
    world.round(6)
    assert world.move().resolvers == (0, 16)
    assert "old_set_withdrawn_early" not in world.words()


def test_a_resolver_that_was_not_asked_is_not_one_that_gets_no_answer() -> None:
    world = World()
    world.round(6)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.switch(world.names[:4])
    world.round(3)
    for probe in world.names[4:]:
        world.resolvers[probe] = {name: {"failure": "over_budget"} for name in world.resolvers[probe]}
    world.round(6)
    assert "old_set_withdrawn_early" not in world.words()


def test_former_servers_are_watched_where_nothing_names_them() -> None:
    world = World()
    world.round(6)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.asked = NEW
    world.round(3)
    world.former = {"192.0.2.11:53": "auth_answer", "192.0.2.12:53": "auth_answer"}
    world.round(6)
    assert "old_set_withdrawn_early" not in world.words()
    world.former = {"192.0.2.11:53": "over_budget", "192.0.2.12:53": "over_budget"}
    world.round(6)
    assert "old_set_withdrawn_early" not in world.words()
    world.former = {"192.0.2.11:53": "lame_refused", "192.0.2.12:53": "timeout"}
    world.round(2)
    assert "old_set_withdrawn_early" in world.words()


def test_a_server_of_the_parent_that_is_heard_of_later_counts() -> None:
    """Probes ask them by turns."""
    world = World()
    world.round(6)
    world.parents = {PARENTS[0]: NEW}
    world.round(2)
    assert (world.move().parents, world.move().bound_at) == ((1, 1), None)
    world.parents = {PARENTS[1]: OLD}
    world.round(4)
    assert (world.move().parents, world.move().bound_at) == ((1, 2), None)
    world.parents = {PARENTS[1]: NEW}
    world.round(4)
    assert world.move().parents == (2, 2)
    assert world.move().bound_at is not None


def test_one_probe_of_several_is_not_believed() -> None:
    world = World()
    world.round(6)
    world.views["fra1"] = dict.fromkeys(PARENTS, NEW)
    world.round(8)
    assert world.words() == []
    world.views["lon1"] = dict.fromkeys(PARENTS, NEW)
    world.round(2)
    assert world.words() == ["delegation_changed", "move_started"]


def test_the_only_probe_is_believed() -> None:
    world = World(probes=1)
    world.round(2)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.round(2)
    assert world.words() == ["delegation_changed", "move_started"]


def test_who_stands_elsewhere_from_the_start_makes_no_change() -> None:
    world = World()
    world.views["fra1"] = dict.fromkeys(PARENTS, NEW)
    world.views["lon1"] = dict.fromkeys(PARENTS, NEW)
    world.round(10)
    assert world.words() == []


def test_parents_that_always_differ_make_no_change() -> None:
    world = World()
    world.parents = {PARENTS[0]: NEW, PARENTS[1]: OLD}
    world.round(10)
    assert world.words() == []


def test_a_marker_tells_the_operator() -> None:
    world = World()
    for probe in world.names:
        world.resolvers[probe] = {"public-1": {"ns": list(OLD), "mname": "ns.same.example", "marker": "dns-a"}}
    world.round(6)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.round(3)
    assert world.move().resolvers == (0, 8)
    for probe in world.names[:5]:  # the set in the answer is still the old one, as it was cached apart
        world.resolvers[probe] = {"public-1": {"ns": list(OLD), "mname": "ns.same.example", "marker": "dns-b"}}
    world.round()
    assert world.move().resolvers == (5, 8)
    for probe in world.names[5:]:  # and here the old operator answers with the new set
        world.resolvers[probe] = {"public-1": {"ns": list(NEW), "mname": "ns.same.example", "marker": "dns-a"}}
    world.round()
    assert world.move().resolvers == (5, 8)


def test_a_resolver_that_answers_by_turns_is_mixed() -> None:
    world = World()
    world.round(6)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.switch(world.names)
    for turn in range(8):
        world.switch(["fra1"], OLD if turn % 2 else NEW)
        world.round()
    assert world.move().words == ("mixed",)
    assert world.move().state == "moving"


def test_a_ds_set_moves() -> None:
    world = World()
    world.ds = ("1 13 2 AA",)
    world.round(6)
    world.ds = ("2 13 2 BB",)
    world.round(2)
    changed = world.notices("delegation_changed")[0]
    assert changed.before == (*OLD, "DS 1 13 2 AA")
    assert changed.after == (*OLD, "DS 2 13 2 BB")
    assert world.move().new == ("DS 2 13 2 BB",)
    world.round(20)
    assert world.move().state == "done"


def test_a_chain_to_the_workaround_is_a_line_on_the_page() -> None:
    world = World()
    world.round(6)
    world.chain = dict.fromkeys(world.names, CHAIN_NEW)
    world.round(2)
    assert world.words() == ["chain_changed", "move_started"]
    changed = world.notices("chain_changed")[0]
    assert (changed.severity, changed.before, changed.after) == ("info", CHAIN_OLD, CHAIN_NEW)
    assert changed.why == "workaround.auth.example is a workaround of the plan"
    world.round(2)
    assert world.move().resolvers == (0, 8)
    assert world.move().parents == (8, 8)
    bound_at = world.move().bound_at
    assert bound_at is not None
    assert bound_at - world.now < 31 * NS
    world.cached = dict.fromkeys(world.names, CHAIN_NEW)
    world.round(4)
    assert world.move().state == "done"
    assert world.words() == ["chain_changed", "move_started", "move_done"]


def test_a_chain_that_leads_elsewhere_is_a_warning() -> None:
    world = World()
    world.round(6)
    world.chain = dict.fromkeys(world.names, ("evil.example",))
    world.round(2)
    changed = world.notices("chain_changed")[0]
    assert (changed.severity, changed.why) == ("warning", "the plan does not have evil.example")


def test_a_chain_without_aliases_any_more() -> None:
    world = World()
    world.round(6)
    world.chain, world.cached = dict.fromkeys(world.names, ()), dict.fromkeys(world.names, ())
    world.round(8)
    assert world.notices("chain_changed")[0].title == f"{NAME} leads to no other name any more"
    assert world.move().state == "done"


def test_a_move_by_command() -> None:
    world = World()
    world.round(6)
    world.command("move_start", zone=[ZONE.upper() + "."], **{"from": list(OLD), "to": [name.upper() for name in NEW]})
    world.round()
    assert world.words() == ["move_started"]
    move = world.move()
    assert (move.by, move.parents, move.resolvers) == ("ann", (0, 2), (0, 16))
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.switch(world.names)
    world.round(6)
    assert world.move().state == "done"
    assert world.words() == ["move_started", "delegation_changed", "move_done"]
    assert world.notices("delegation_changed")[0].severity == "info"
    world.round(4)
    assert len(world.board.moves) == 1


def test_a_command_ends_a_move() -> None:
    world = World()
    world.round(6)
    world.command("move_start", zone=[ZONE], to=list(NEW))
    world.round()
    assert world.move().old == OLD
    world.command("move_end", id=[world.move().id])
    assert world.move().state == "given_up"
    world.round(5)
    assert world.words() == ["move_started"]


@pytest.mark.parametrize(
    ("word", "arguments"),
    [
        ("move_start", {}),
        ("move_start", {"zone": [ZONE]}),
        ("move_start", {"zone": [""], "to": ["x.example"]}),
        ("move_start", {"zone": ["nobody.watches.example"], "to": ["x.example"]}),
        ("move_start", {"zone": [ZONE], "from": list(OLD), "to": list(OLD)}),
        ("move_end", {"id": ["move-99"]}),
        ("move_end", {}),
        ("something_else", {"zone": [ZONE]}),
    ],
)
def test_commands_that_say_nothing_change_nothing(word: str, arguments: dict[str, list[str]]) -> None:
    world = World()
    world.round(6)
    world.command(word, **arguments)
    world.round()
    assert world.board.moves == ()
    assert world.words() == []


def test_a_third_set_begins_another_move() -> None:
    third = ("ns1.dns-c.example", "ns2.dns-c.example")
    world = World()
    world.round(6)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.round(3)
    world.parents = dict.fromkeys(PARENTS, third)
    world.round(3)
    assert [(move.state, move.old, move.new) for move in world.board.moves] == [
        ("moving", OLD, third),
        ("given_up", OLD, NEW),
    ]
    world.round(6)
    assert world.move().parents == (2, 2)
    assert world.move().state == "moving"
    assert (world.move().bound_at or 0) - world.now > 10 * NS
    world.switch(world.names, third)
    world.round(4)
    assert world.move().state == "done"


def test_one_probe_is_not_the_only_one_while_the_others_are_silent() -> None:
    """As after a break of the collector: they have not had their turn yet."""
    world = World()
    world.round(6)
    world.silent = set(world.names[1:])
    world.views["fra1"] = dict.fromkeys(PARENTS, NEW)
    world.round(30)
    assert world.words() == []
    world.silent = set()
    world.round(6)
    assert world.words() == []


def test_a_chain_that_breaks_off_is_a_fault_and_no_change() -> None:
    world = World()
    world.round(6)
    world.ended, world.chain = "nxdomain", dict.fromkeys(world.names, CHAIN_OLD[:1])
    world.round(4)
    assert world.words() == []
    world.chain = dict.fromkeys(world.names, ("evil.example",))
    world.round(4)
    assert world.words() == ["chain_changed", "move_started"]


def test_a_restart_anywhere_says_the_same() -> None:
    world = World(probes=4)
    world.round(6)
    world.parents = dict.fromkeys(PARENTS, NEW)
    world.round(3)
    world.switch(world.names[:2])
    world.chain = dict.fromkeys(world.names, CHAIN_NEW)
    world.dark = set(OLD)
    world.round(4)
    world.command("move_end", id=["move-2"])
    world.switch(world.names)
    world.round(8)
    assert {"move_done", "old_set_withdrawn_early"} <= set(world.words())
    straight, restarted = initial("5eed5eed5eed5eed"), initial("5eed5eed5eed5eed")
    for record in world.records:
        straight, events = step(straight, record)
        restarted, same = step(decode_state(encode_state(restarted)), record)
        assert events == same
    assert encode_state(straight) == encode_state(restarted)
    assert decode_state(encode_state(straight)) == straight
