"""The code in a mail: waited for, found, and what is odd about the mail that brought it."""

from typing import Any

import trio

from parallax.letters import Letter
from parallax.plan.signin_specs import Mail, User
from parallax.redaction import excerpt
from probe.fault import Fault
from probe.http import patterns
from probe.mailbox import MailboxError
from probe.signin.reply import end, remark
from probe.tape import Tape
from probe.tools import Tools
from probe.vault import Values, fill

KEPT_S = 2.0
"""What is left of a run's time for the steps after the mail: it is waited for no longer."""


async def mailed_code(user: User, tape: Tape, tools: Tools, values: Values, since: float) -> str:
    """The code in the mail to this user that arrived after `since` (trio's clock). Ends the step where none does."""
    assert user.mail is not None
    address = fill(user.address or user.name, values, "", tools.vault, tools.hidden)
    letters = await letters_to(address, user.mail, tape, tools, since)
    return code_in(letters, user.mail.code, tape)


async def letters_to(address: str, mail: Mail, tape: Tape, tools: Tools, since: float) -> list[Letter]:
    """The mails to the address since then, at least one, in the phase `mail`. Ends the step where none came."""
    if tools.mailbox is None:
        raise end(tape, Fault("mailbox_missing"))
    left_s = trio.current_effective_deadline() - trio.current_time() - KEPT_S
    within_s = max(0.0, min(float(mail.within), left_s))
    tape.enter("mail")
    asked_at = trio.current_time()
    try:
        letters = await tools.mailbox.wait(address, since, within_s)
    except MailboxError as error:
        raise end(tape, Fault("mailbox_unreachable", {"detail": tape.hidden.scrub(str(error))[:300]})) from None
    tape.leave()
    if not letters:
        raise end(tape, Fault("mail_not_received", {"waited_s": round(trio.current_time() - asked_at, 1)}))
    tape.note(mail=_findings(letters, since, tape))
    if len(letters) > 1:
        remark(tape, Fault("mail_duplicate"))
    elif mail.late is not None and trio.current_time() - letters[0].age_s - since > mail.late:
        remark(tape, Fault("mail_late"))
    return letters


def code_in(letters: list[Letter], pattern: str, tape: Tape) -> str:
    """The code in the newest mail that has one; hidden from now on. Ends the step where none has."""
    for letter in reversed(letters):
        code = group_in(pattern, f"{letter.subject}\n{letter.text}")
        if code:
            tape.hidden.add(code)
            return code
    raise end(tape, Fault("mail_wrong_content"))


def group_in(pattern: str, text: str) -> str | None:
    """What the pattern's first group (or the pattern) finds; None where it finds nothing, or is too slow to tell."""
    match = patterns.find(pattern, text)
    if match is None:
        return None
    return match[1] if match.re.groups else match[0]


def _findings(letters: list[Letter], since: float, tape: Tape) -> dict[str, Any]:
    """Of the first mail. The text is not among them, as it is the code's."""
    first = letters[0]
    return {
        "count": len(letters),
        "arrived_s": round(max(0.0, trio.current_time() - first.age_s - since), 3),
        "missing": list(first.missing[:10]),
        "size": first.size,
        "sender": excerpt(tape.hidden.scrub(first.sender), 100),
    }
