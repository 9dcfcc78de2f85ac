"""Where a fault of a value stands in the file that a person wrote."""

from collections.abc import Iterable

from parallax.loading.convert import Fault, key_text
from parallax.loading.document import Document
from parallax.loading.problems import Problem


def problems_of(document: Document, faults: Iterable[Fault]) -> list[Problem]:
    """The faults with their places, in the file's order."""
    return sorted((_problem(document, fault) for fault in faults), key=lambda problem: problem.line or 0)


def _problem(document: Document, fault: Fault) -> Problem:
    """The fault with its line; the first keys of its way are the section where they lead into one."""
    section, path = "", fault.path
    inner = document.table.get(str(path[0])) if len(path) > 1 else None
    if isinstance(inner, dict):
        section, path = f"[{path[0]}]", path[1:]
    elif isinstance(inner, list) and len(path) > 2 and isinstance(path[1], int):
        section, path = f"[[{path[0]}]] number {path[1] + 1}", path[2:]
    line = document.lines.of(fault.path)
    return Problem(file=document.file, line=line, section=section, key=key_text(path), message=fault.message)
