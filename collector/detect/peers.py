"""What the other collector is told of this one. Pure."""

from collector.detect.state import State
from collector.detect.switching.agreeing import groups_of
from collector.peer_word import PeerWord
from collector.routing.charge import told_alerts
from parallax.clock import NS

BEHIND_NS = 15 * NS
"""Records come every 5 s at least: who has taken none for so long concludes nothing of now."""


def peer_word(state: State, now: int) -> PeerWord:
    """How this collector stands; `now` by the wall clock, ns since the Unix epoch."""
    charge = state.routing.charge
    return PeerWord(
        role=charge.role,
        position=state.position,
        at=state.now,
        echo=charge.word.at if charge.word is not None else 0,
        ready=bool(state.plan) and now - state.now < BEHIND_NS,
        in_charge=charge.in_charge,
        led_at=charge.led_at,
        alerts=told_alerts(state.routing),
        groups=groups_of(state),
    )
