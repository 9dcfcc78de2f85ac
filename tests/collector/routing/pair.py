"""Two collectors' routing side by side, with what they say to each other, and one receiver. Time is by hand."""

from collections.abc import Iterator

import msgspec

from collector.events import Affected, AlertRouted, Event, FaultDomain, IncidentChanged
from collector.inputs import PeerInput
from collector.peer_word import PeerRole, PeerWord
from collector.routing.charge import keep_charge, note_peer, note_start_charge, settle_charge, told_alerts
from collector.routing.route import route
from collector.routing.state import Routing
from parallax.clock import NS
from parallax.plan.alert_types import Receiver
from parallax.plan.types import Plan
from tests.fakes.events import AT, Change, incident

PLAN = Plan(receiver=[Receiver(name="pager", kind="webhook")])
SILENT_S = 30
ASK_S = 5
OTHER = {"a": "b", "b": "a"}


class Node:
    """One collector. `open` is what it has concluded, by the number of the trouble."""

    def __init__(self, name: str, role: PeerRole) -> None:
        self.name, self.role = name, role
        self.state = Routing()
        self.alive = self.hears = True
        self.up_at = self.looked_at = 0
        self.open: set[int] = set()
        self.wrote: PeerWord | None = None
        self.wrote_at = -1000

    def word(self, now: int) -> PeerWord:
        charge = self.state.charge
        made = PeerWord(
            role=self.role,
            at=self.looked_at,
            echo=charge.word.at if charge.word is not None else 0,
            ready=now >= self.up_at + 2,
            in_charge=charge.in_charge,
            led_at=charge.led_at,
            alerts=told_alerts(self.state),
        )
        return msgspec.json.decode(msgspec.json.encode(made), type=PeerWord)


class Pair:
    """`said` is what the receiver got: the moment, from whom, the phase, the key, whether it pages."""

    def __init__(self) -> None:
        self.nodes = {"a": Node("a", "first"), "b": Node("b", "second")}
        self.linked = True
        self.now = 0
        self.said: list[tuple[int, str, str, str, bool]] = []
        self.names: dict[str, str] = {}
        """By key, its name here: the trouble that was first told under it, with a mark for each further key of that."""
        self.disturbed: list[int] = []
        """When a collector was killed, or the two were parted."""
        self.troubles: dict[int, bool] = {}
        """By number, whether it still is so."""
        for node in self.nodes.values():
            self._start(node)

    def _start(self, node: Node) -> None:
        node.state = msgspec.msgpack.decode(msgspec.msgpack.encode(node.state), type=Routing)
        node.alive, node.up_at, node.wrote = True, self.now, None
        self._hear(node, None)
        note_start_charge(node.state, self._ns)
        self._look(node, [])

    @property
    def _ns(self) -> int:
        return AT + self.now * NS

    def kill(self, name: str) -> None:
        self.disturbed.append(self.now)
        self.nodes[name].alive = False

    def start(self, name: str) -> None:
        self._start(self.nodes[name])

    def in_charge(self) -> list[str]:
        return [node.name for node in self.nodes.values() if node.alive and node.state.charge.in_charge]

    def begin(self, number: int) -> None:
        self.troubles[number] = True

    def end(self, number: int) -> None:
        self.troubles[number] = False

    def part(self) -> None:
        self.disturbed.append(self.now)
        self.linked = False

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            if not self.linked:
                self.disturbed.append(self.now)
            for node in self.nodes.values():
                if node.alive:
                    self._tick(node)

    def keys(self) -> list[str]:
        """Keys that were triggered, in order."""
        return [key for _, _, phase, key, _ in self.said if phase == "trigger"]

    def phases(self) -> list[str]:
        return [f"{who}: {phase} {key}{'!' * pages}" for _, who, phase, key, pages in self.said]

    def _tick(self, node: Node) -> None:
        if self.now % ASK_S == (0 if node.name == "a" else 2):
            self._ask(node)
        events = []
        if self.now >= node.up_at + 2:  # what is so is concluded anew from the newest batches
            events = list(self._concluded(node))
        self._look(node, events)

    def _concluded(self, node: Node) -> Iterator[Event]:
        for number, is_so in self.troubles.items():
            if is_so != (number in node.open):
                (node.open.add if is_so else node.open.discard)(number)
                yield self._event(node, number, "opened" if is_so else "resolved")

    def _event(self, node: Node, number: int, change: Change) -> Event:
        affected = (
            Affected(check=f"check {number}", kind="http", target="t", subject="s", state="down", since=self._ns),
        )
        domain = FaultDomain(kind="endpoint", name=f"e{number}")
        name = f"{node.name}-{number}"
        return incident(
            name, change, at=self._ns, checks=affected, domain=domain, components=(f"C{number}",), title=f"T{number}"
        )

    def _ask(self, node: Node) -> None:
        other = self.nodes[OTHER[node.name]]
        if not (self.linked and other.alive):
            return
        word = other.word(self.now)
        essence = msgspec.structs.replace(word, at=0, echo=0, led_at=0)
        if essence != node.wrote or self.now - node.wrote_at >= 15:
            node.wrote, node.wrote_at = essence, self.now
            self._hear(node, word)

    def _hear(self, node: Node, word: PeerWord | None) -> None:
        value = PeerInput(at=self._ns, role=node.role, peer=OTHER[node.name], silent_ns=SILENT_S * NS, word=word)
        note_peer(node.state, value, self._ns)

    def _look(self, node: Node, events: list[Event]) -> None:
        node.looked_at = self._ns
        routed = settle_charge(node.state, PLAN, self._ns, lambda: node.hears)
        routed += keep_charge(node.state, route(node.state, PLAN, events, self._ns), self._ns)
        told = [each for each in routed if each.to]
        self.said += [(self.now, node.name, each.phase, self._name(each), each.pages) for each in told]

    def _name(self, alert: AlertRouted) -> str:
        data = alert.of[-1].data
        if alert.key not in self.names and isinstance(data, IncidentChanged):
            name = data.incident.title
            while name in self.names.values():
                name += "'"
            self.names[alert.key] = name
        return self.names[alert.key]
