"""What a reason is: a word, and what it means."""

from typing import Literal

import msgspec

Fault = Literal["target", "resolver", "network", "probe", "config", "blocked"]


class Reason(msgspec.Struct, frozen=True):
    """What a word means, the fault side it has unless a kind says otherwise, and where to look first."""

    meaning: str
    fault: Fault
    look: str
    soft: bool = False
