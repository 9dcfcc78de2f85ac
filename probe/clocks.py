"""How far this host's clock may be off: by the exchanges with collectors, and by what the kernel says.

An exchange gives four times, as in NTP (RFC 5905 section 8): sent and arrived by our clock, received and answered by
the collector's. offset = ((received - sent) + (answered - arrived)) / 2, wrong by at most half the round trip; so of
the last few exchanges the one with the shortest round trip counts (RFC 5905 section 10).
"""

import ctypes
from collections import deque

import msgspec

from parallax.clock import NS

SKEW_S = 2.0
"""Beyond this the probe's times cannot be laid beside others'."""
STEP_S = 0.25
"""A jump beyond this is a step and no slewing (NTP slews at most 500 us a second, and steps beyond 128 ms)."""
VOUCHED_S = 6 * 3600.0
"""How long an exchange says something about a clock that nothing disciplines: at 50 ppm it drifts 1.1 s by then."""
KEPT = 8


class Exchange(msgspec.Struct, frozen=True):
    """One sample: the collector's clock minus ours, seconds, and the round trip without the collector's share."""

    offset_s: float
    round_trip_s: float

    @classmethod
    def of(cls, sent_at: int, received_at: int, answered_at: int, arrived_at: int) -> "Exchange":
        """From the four wall times, ns."""
        offset = ((received_at - sent_at) + (answered_at - arrived_at)) / 2 / NS
        return cls(offset, max(0.0, ((arrived_at - sent_at) - (answered_at - received_at)) / NS))


class Offsets:
    """What one or several collectors say about our clock. `now` is a steady clock, seconds."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[tuple[float, Exchange]]] = {}

    def add(self, collector: str, exchange: Exchange, now: float) -> None:
        self._samples.setdefault(collector, deque(maxlen=KEPT)).append((now, exchange))

    def forget(self) -> None:
        """Our clock was stepped: what was measured before says nothing now."""
        self._samples.clear()

    def offset_s(self, now: float) -> float | None:
        """The collectors' clock minus ours: of each collector's the sample with the shortest round trip, of these the
        smallest offset, as one collector with a wrong clock must not silence the probe. None without a fresh sample."""
        best = []
        for samples in self._samples.values():
            fresh = [exchange for at, exchange in samples if now - at <= VOUCHED_S]
            if fresh:
                best.append(min(fresh, key=lambda e: e.round_trip_s).offset_s)
        return min(best, key=abs) if best else None


class ClockSync(msgspec.Struct, frozen=True):
    """What the kernel says: whether something disciplines the clock, and how long ago it last did, seconds."""

    synchronised: bool | None = None
    age_s: float | None = None


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2)."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    ]


_STA_UNSYNC = 0x40
_US_PER_S = 500.0
"""By how many microseconds a second the kernel raises `maxerror` since the last correction (MAXFREQ, RFC 5905's PHI
in the kernel's form)."""


def read_clock_sync() -> ClockSync:
    """Asks the kernel. The age is an upper estimate: `maxerror` grows by 500 us a second from what the last correction
    left it at, so that what that was (distance to the server) counts as age too. Unknown where there is no adjtimex."""
    try:
        call = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return ClockSync()
    timex = _Timex()
    if call(ctypes.byref(timex)) < 0:
        return ClockSync()
    if timex.status & _STA_UNSYNC:
        return ClockSync(False)
    return ClockSync(True, timex.maxerror / _US_PER_S)
