"""When a batch is cut. Pure: the caller tells the time (any steady clock, seconds)."""

import msgspec

from parallax.observation import PENDING, Observation
from parallax.values import encode_value
from parallax.wire import MAX_OBSERVATIONS

LONGEST_OPEN_S = 1.0
URGENT_EVERY_S = 0.05
MAX_RAW = 900_000
"""Octets of a batch before compression: below what the wire takes compressed, so that no batch can be too large."""

_encode = msgspec.msgpack.Encoder(enc_hook=encode_value).encode


class Cutter:
    """Gathers observations into the open batch. It is cut when it is full or a second old; an observation with a
    reason closes it at once, but at most every 50 ms; so does one that is pending."""

    def __init__(self) -> None:
        self._open: list[Observation] = []
        self._raw = 0
        self._due_at: float | None = None
        self._last_cut = float("-inf")

    def add(self, observation: Observation, now: float) -> list[Observation] | None:
        """Takes one in; returns the batch before it, if this one found no more room there.

        What is too large for any batch loses its findings and says so in them."""
        raw = len(_encode(observation))
        if raw > MAX_RAW // 2:
            observation = msgspec.structs.replace(observation, findings={"dropped_octets": raw})
            raw = len(_encode(observation))
        full = self.take(now) if self._open and self._raw + raw > MAX_RAW else None
        self._open.append(observation)
        self._raw += raw
        if self._due_at is None:
            self._due_at = now + LONGEST_OPEN_S
        if observation.reason is not None or observation.abstain == PENDING:
            self._due_at = min(self._due_at, max(now, self._last_cut + URGENT_EVERY_S))
        if len(self._open) >= MAX_OBSERVATIONS:
            self._due_at = now
        return full

    @property
    def due_at(self) -> float | None:
        """When the open batch must be cut; None if there is nothing in it."""
        return self._due_at

    def take(self, now: float) -> list[Observation]:
        """Cuts: the open batch's observations, in order; empty if there are none."""
        batch, self._open, self._raw, self._due_at = self._open, [], 0, None
        self._last_cut = now
        return batch
