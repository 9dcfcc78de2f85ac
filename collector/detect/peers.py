"""What the other collector is told of this one. Pure."""

import msgspec

from collector.detect.state import State
from collector.detect.switching.agreeing import groups_of
from collector.peer_word import PeerWord
from collector.routing.charge import told_alerts
from parallax.clock import NS

BEHIND_NS = 15 * NS
"""Records come every 5 s at least: who has taken none for so long concludes nothing of now."""


def of_now(word: PeerWord, now: int) -> PeerWord:
    """A word that may be a while old; `now` by the wall clock, ns since the Unix epoch."""
    return msgspec.structs.replace(word, ready=word.ready and now - word.at < BEHIND_NS)


def peer_word(state: State) -> PeerWord:
    """How this collector stands, as of what it has taken."""
    charge = state.routing.charge
    return PeerWord(
        role=charge.role,
        position=state.position,
        at=state.now,
        echo=charge.word.at if charge.word is not None else 0,
        ready=bool(state.plan),
        in_charge=charge.in_charge,
        led_at=charge.led_at,
        alerts=told_alerts(state.routing),
        groups=groups_of(state),
    )
