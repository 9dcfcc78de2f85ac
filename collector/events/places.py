"""Where a fault is."""

import msgspec

from parallax.event_words import DomainKind


class FaultDomain(msgspec.Struct, frozen=True, kw_only=True):
    """Where the evidence says the fault is. `certain` is False where another place would explain it as well."""

    kind: DomainKind
    name: str
    certain: bool = True

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.name}"
