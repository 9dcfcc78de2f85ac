"""Mail records as a table answers them: no server, no clock."""

from collections.abc import Mapping

from probe.mail.record import Asking, Found, Question, State

Table = Mapping[tuple[str, str], Found | list[str]]


def settle(rules: Asking, table: Table, asked: list[Question] | None = None) -> State:
    """Runs the rules against a table; a name that has any record exists."""
    asked = asked if asked is not None else []
    try:
        question = next(rules)
        while True:
            asked.append(question)
            question = rules.send(_find(question, table))
    except StopIteration as done:
        state: State = done.value
        return state


def _find(question: Question, table: Table) -> Found:
    found = table.get(question)
    if isinstance(found, Found):
        return found
    if found:
        return Found(status="found", values=tuple(found))
    exists = any(name == question.name or name.endswith(f".{question.name}") for name, _ in table)
    return Found(status="no_such_record" if exists else "no_such_name")


def failed(word: str) -> Found:
    return Found(status="failed", word=word)
