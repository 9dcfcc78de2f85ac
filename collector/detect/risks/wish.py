"""A risk as it is seen at one moment."""

import msgspec

from collector.events import FaultDomain, Runway


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A risk as seen now, by what makes it the same one."""

    name: str
    title: str
    check: str
    components: tuple[str, ...]
    since: int
    expected_at: int | None = None
    why: str = ""
    domain: FaultDomain | None = None
    runway: Runway | None = None
    dark: bool = False
    """It rests on what is dark, not on what a check found beside it."""
    incident: str = ""
    failover: str = ""
    stage: int = 0
    """It is told again when this grows."""
