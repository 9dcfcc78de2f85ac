"""The mail records of a domain as a table: a line a view, a column a record. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from parallax.observation import Observation

MAIL_COLUMNS = ("view", "SPF", "DKIM", "DMARC", "MX", "return path")
_MOST_WRONG = 40
_DIFFER = "inconsistent"


def mail_cells(seen: Observation) -> Sequence[object]:
    """One view's line: the class of each record."""
    records = _dict(seen.findings.get("records"))
    cells = [_class(records.get(name)) for name in ("spf", "dmarc", "mx", "return_path")]
    return (seen.subject, cells[0], _dkim(_dict(records.get("dkim"))), *cells[1:])


def below_mail(observations: Sequence[Observation]) -> Iterator[tuple[str, Sequence[str], list[tuple[object, ...]]]]:
    """What is wrong with which record, at which views; what differs from the primary operator."""
    wrong: dict[tuple[str, str], list[str]] = {}
    for seen in observations:
        records = dict(_dict(seen.findings.get("records")))
        keys = {f"DKIM {name}": found for name, found in _dict(records.pop("dkim", None)).items()}
        titled = {_TITLES.get(name, name): found for name, found in records.items()} | keys
        for title, found in titled.items():
            said = _dict(found)
            if said.get("class") not in ("ok", "elsewhere", None):
                why = str(said.get("why", ""))
                text = f"{said['class']}: {why}" if why else str(said["class"])
                wrong.setdefault((title, text), []).append(seen.subject)
    rows: list[tuple[object, ...]] = [
        (title, text, ", ".join(at)) for (title, text), at in list(wrong.items())[:_MOST_WRONG]
    ]
    yield "what is wrong", ("record", "why", "where"), rows
    yield (
        "not as at the primary operator",
        ("view", "records"),
        [(seen.subject, ", ".join(differ)) for seen in observations if (differ := _list(seen.findings.get(_DIFFER)))],
    )


_TITLES = {"spf": "SPF", "dmarc": "DMARC", "mx": "MX", "return_path": "return path"}


def _dkim(found: dict[str, Any]) -> str:
    classes = {name: _class(each) for name, each in found.items()}
    if len(set(classes.values())) == 1:
        return next(iter(classes.values()))
    return ", ".join(f"{name} {word}" for name, word in classes.items())


def _class(found: Any) -> str:
    said = _dict(found)
    word = str(said.get("class", ""))
    return f"{word} ({said['policy']})" if word == "ok" and "policy" in said else word


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else []
