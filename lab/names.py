"""What is said of a name that no fault has. Apart from the rest, as the command line says it too."""

from difflib import get_close_matches

from lab.faults import FAULTS


def unknown_words(name: str) -> str:
    """The name, and the nearest that there is."""
    close = get_close_matches(name, FAULTS, 1)
    return f"there is no fault {name[:80]!r}" + (f"; did you mean {close[0]!r}?" if close else "")


def known_words() -> str:
    """All names."""
    return f"known are {', '.join(FAULTS)}"
