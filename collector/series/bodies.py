"""Bodies of lines, and their parts. Pure."""


def halves(body: bytes) -> tuple[bytes, bytes]:
    """The first half of the lines, and the rest."""
    lines = body.split(b"\n")
    middle = len(lines) // 2
    return b"\n".join(lines[:middle]), b"\n".join(lines[middle:])


def size(body: bytes) -> int:
    """How many lines it has."""
    return body.count(b"\n") + 1 if body else 0


def older(body: bytes, than: int) -> bytes:
    """The lines whose points are from before a moment, ns since the Unix epoch."""
    return b"\n".join(line for line in body.split(b"\n") if _at(line) < than)


def _at(line: bytes) -> int:
    """The time at a line's end; a line without one is of now."""
    last = line[line.rfind(b" ") + 1 :]
    return int(last) if last.isdigit() else 2**63
