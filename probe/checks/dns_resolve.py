"""The `dns.resolve` check."""

from typing import Any

from probe.checks.kind import Subject, Tools, Verdict
from probe.tape import Evidence, Tape


async def find(spec: Any, target: str, tape: Tape, tools: Tools) -> list[Subject]:
    return [Subject(target=target, host=target, name=target)]


async def run(spec: Any, subject: Subject, tape: Tape, tools: Tools) -> None:
    pass


def judge(spec: Any, evidence: Evidence) -> Verdict | None:
    return Verdict("unsupported")
