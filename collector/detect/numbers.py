"""Numbers in what probes say. Pure."""


def whole(value: object, below: int) -> int | None:
    """A whole number from 0 up to below this; None for anything else, also for True, which is an int to Python: a
    snapshot would hold it, and could not be read back."""
    return value if type(value) is int and 0 <= value < below else None
