"""Letters that a run waits for, mails above all: the code in one, and what is odd about the one that brought it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import trio

from parallax.letters import Letter, LetterKind, Mechanism
from parallax.plan.signin_specs import Sms, User
from parallax.redaction import excerpt
from probe.fault import Fault
from probe.http import patterns
from probe.mailbox import MailboxError
from probe.signin.reply import end, remark
from probe.tape import Tape
from probe.tools import Tools
from probe.vault import Values, fill

KEPT_S = 2.0
"""What is left of a run's time for the steps after the letter: it is waited for no longer."""
MAX_PROOFS = 8


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """What is waited for, and how long; seconds."""

    to: str
    within_s: float
    late_s: float | None = None
    kind: LetterKind = "mail"
    proven: tuple[Mechanism, ...] = ()
    """What must prove a mail."""
    fits: Callable[[Letter], bool] | None = None
    """Which of the letters there it is; any if left out."""


async def mailed_code(user: User, tape: Tape, tools: Tools, values: Values, since: float) -> str:
    """The code in the mail to this user that arrived after `since` (trio's clock). Ends the step where none does."""
    mail = user.mail
    assert mail is not None
    address = fill(user.address or user.name, values, "", tools.vault, tools.hidden)
    wait = Wait(to=address, within_s=float(mail.within), late_s=mail.late)
    return code_in(await letters_to(wait, tape, tools, since), mail.code, tape)


async def texted_code(sms: Sms, tape: Tape, tools: Tools, values: Values, since: float) -> str:
    """As `mailed_code`, in an SMS."""
    to = fill(sms.to, values, "", tools.vault, tools.hidden)
    wait = Wait(to=to, within_s=float(sms.within), late_s=sms.late, kind="sms")
    return code_in(await letters_to(wait, tape, tools, since), sms.code, tape)


async def letters_to(wait: Wait, tape: Tape, tools: Tools, since: float) -> list[Letter]:
    """The letters to the address since then, at least one, in a phase of their kind. Ends the step where none came."""
    if tools.mailbox is None or wait.kind not in tools.mailbox.kinds:
        raise end(tape, Fault("mailbox_missing"))
    left_s = trio.current_effective_deadline() - trio.current_time() - KEPT_S
    within_s = max(0.0, min(wait.within_s, left_s))
    tape.enter(wait.kind)
    asked_at = trio.current_time()
    ask = partial(tools.mailbox.wait, wait.to, since, kind=wait.kind, fits=wait.fits)
    try:
        letters = await ask(within_s, proven=bool(wait.proven))
        if not letters and wait.proven:
            letters = await ask(0.0, proven=False)  # it is here, and nobody could say what proves it
    except MailboxError as error:
        raise end(tape, Fault("mailbox_unreachable", {"detail": tape.hidden.scrub(str(error))[:300]})) from None
    tape.leave()
    waited = {"waited_s": round(trio.current_time() - asked_at, 1)}
    refused = [letter.refused for letter in letters if letter.refused]
    if refused and len(refused) == len(letters):
        raise end(tape, Fault("webhook_bad_signature", {**waited, "refused": refused[-1], "count": len(refused)}))
    letters = [letter for letter in letters if not letter.refused]
    if not letters:
        raise end(tape, Fault(f"{wait.kind}_not_received", waited))
    tape.note(**{wait.kind: _findings(letters, since, tape)})
    if _repeated(letters, wait.kind):
        remark(tape, Fault(f"{wait.kind}_duplicate"))
    elif wait.late_s is not None and trio.current_time() - letters[0].age_s - since > wait.late_s:
        remark(tape, Fault(f"{wait.kind}_late"))
    fault = unproven(letters[0], wait.proven)
    if fault is not None:
        raise end(tape, fault)
    return letters


def _repeated(letters: list[Letter], kind: LetterKind) -> bool:
    """Whether one came more than once. Of webhooks several may fit, and each has an id of its own."""
    return len({letter.id for letter in letters}) < len(letters) if kind == "webhook" else len(letters) > 1


def unproven(letter: Letter, mechanisms: Sequence[Mechanism]) -> Fault | None:
    """What is wrong with a mail that each of these must prove. Several signatures may be on it; one is enough."""
    for mechanism in mechanisms:
        proofs = [proof for proof in letter.proofs or [] if proof.by == mechanism]
        results = {proof.result for proof in proofs}
        if "pass" in results:
            continue
        told = {"by": mechanism, "result": proofs[0].result if proofs else "none"}
        if letter.proofs is None or "temperror" in results:
            return Fault("mail_auth_unknown", told)
        if mechanism == "dkim" and results & {"fail", "permerror", "policy"}:
            return Fault("mail_bad_signature", told)
        return Fault("mail_auth_failed", told)
    return None


def code_in(letters: list[Letter], pattern: str, tape: Tape) -> str:
    """The code in the newest of the letters that has one; hidden from now on. Ends the step where none has."""
    for letter in reversed(letters):
        code = group_in(pattern, f"{letter.subject}\n{letter.text}")
        if code:
            tape.hidden.add(code)
            return code
    raise end(tape, Fault(f"{letters[0].kind}_wrong_content"))


def group_in(pattern: str, text: str) -> str | None:
    """What the pattern's first group (or the pattern) finds; None where it finds nothing, or is too slow to tell."""
    match = patterns.find(pattern, text)
    if match is None:
        return None
    return match[1] if match.re.groups else match[0]


def _findings(letters: list[Letter], since: float, tape: Tape) -> dict[str, Any]:
    """Of the first letter. The text is not among them, as it is the code's."""
    first = letters[0]
    findings: dict[str, Any] = {
        "count": len({letter.id for letter in letters} if first.kind == "webhook" else letters),
        "arrived_s": round(max(0.0, trio.current_time() - first.age_s - since), 3),
        "size": first.size,
    }
    if first.kind == "webhook":
        return findings | {"deliveries": len(letters), "id": excerpt(tape.hidden.scrub(first.id), 100)}
    findings |= {"sender": excerpt(tape.hidden.scrub(first.sender), 100)}
    if first.kind == "mail":
        findings |= {"missing": list(first.missing[:10])}
    if first.proofs is not None:
        shown = (msgspec.structs.asdict(proof).items() for proof in first.proofs[:MAX_PROOFS])
        findings |= {"proofs": [{k: excerpt(tape.hidden.scrub(v), 100) for k, v in each if v} for each in shown]}
    return findings
