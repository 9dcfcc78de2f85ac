"""One attempt of a check over a connection (tls, http), as the tests ask for it."""

from typing import Any

import msgspec

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.plan.kinds import SPECS
from parallax.plan.specs import HttpSpec
from parallax.values import Address
from probe.attempt import attempt, evidence_of
from probe.checks import KINDS
from probe.kind import Subject
from probe.tape import Evidence
from probe.tools import Tools
from probe.verdict import Verdict


class Outcome(msgspec.Struct, frozen=True):
    """What an attempt came to."""

    evidence: Evidence
    verdict: Verdict | None
    dims: dict[str, str]
    site: str | None

    @property
    def reason(self) -> str | None:
        return self.verdict.reason if self.verdict else None

    @property
    def fault(self) -> str | None:
        return self.verdict.side if self.verdict else None

    @property
    def findings(self) -> dict[str, Any]:
        return self.evidence.findings | (self.verdict.note if self.verdict else {})

    @property
    def phases(self) -> list[str]:
        return [phase.name for phase in self.evidence.phases]


async def check(
    kind: str,
    target: str,
    address: Address,
    *,
    ca: str | None = None,
    timeout_s: float = 10.0,
    whole: HttpSpec | None = None,
    **spec: Any,
) -> Outcome:
    """One attempt at one address, anything allowed to be dialled. `spec` is as in a plan, unless `whole` is given."""
    whole = whole or msgspec.convert(spec, SPECS[kind].spec, dec_hook=_as_it_is)
    read = SPECS[kind].endpoint
    assert read is not None, kind
    host = read(target).host
    tools = Tools(routes=Routes.of(allow=EVERYWHERE), trust=Trust(ca), resolvers=())
    subject = Subject(target=target, host=host, address=address)
    tape = await attempt(KINDS[kind], whole, subject, timeout_s, tools)
    evidence = evidence_of(tape)
    return Outcome(evidence, KINDS[kind].judge(whole, evidence), tape.dims, tape.site)


def _as_it_is(kind: type, raw: object) -> object:
    return kind(raw)
