"""The steps `mail`, `sms` and `webhook` of a plan's own flow: one letter is waited for, looked at, and values are taken
out of it."""

from collections.abc import Callable

from parallax.dialling.http import Headers
from parallax.letters import Letter
from parallax.plan.letter_specs import Where
from parallax.plan.step_specs import Capture
from parallax.plan.step_specs import Step as Planned
from probe.fault import Fault
from probe.http.response import Answer
from probe.signin.bounds import host_of
from probe.signin.captures import fault_of, json_at, text_of
from probe.signin.flow import Flow
from probe.signin.letters import Wait, group_in, letters_to
from probe.signin.reply import end, remark
from probe.signin.values import fill_text, keep_value, kept_text, state_of
from probe.tape import Tape


def is_awaited(planned: Planned) -> bool:
    """Whether the step waits for a letter."""
    return planned.mail is not None or planned.sms is not None or planned.webhook is not None


def awaited_texts(planned: Planned) -> list[str]:
    """The texts with gaps of what it waits for."""
    texts = [each.to for each in (planned.mail, planned.sms) if each is not None and each.to is not None]
    if planned.webhook is not None:
        texts += [where.equals for where in planned.webhook.where if isinstance(where.equals, str)]
    return texts


async def wait_for_letter(planned: Planned, flow: Flow, tape: Tape) -> None:
    """The step. What is captured goes to who made the letter go out."""
    state, before = state_of(flow), flow.steps.taken
    wait = _wait(planned, flow, tape)
    since = before[-1].tape.started if before else tape.started
    letters = await letters_to(wait, tape, flow.tools, since)
    if planned.assertions:
        missed = fault_of(planned.assertions, _answer(letters[0]), 0)
        if missed is not None:
            fault = Fault("webhook_wrong_content", missed[0].note)
            if not missed[1]:
                raise end(tape, fault)
            remark(tape, fault)
    host = host_of(state.reply.url) if state.reply is not None else ""
    for name, capture in planned.capture.items():
        found = (_captured(capture, letter) for letter in reversed(letters))
        text = next((each for each in found if each), None)
        if text is None:
            raise end(tape, Fault(f"{wait.kind}_wrong_content", {"missing": name}))
        keep_value(flow, name, text, host, tape, secret=capture.secret)


def _wait(planned: Planned, flow: Flow, tape: Tape) -> Wait:
    """Raises Withheld."""
    if planned.mail is not None:
        mail = planned.mail
        to = fill_text(flow, mail.to or "{user.address}", flow.steps.target, tape)
        proven = tuple(mail.authenticated)
        return Wait(to=to, within_s=float(mail.within), late_s=mail.late, proven=proven)
    if planned.sms is not None:
        to = fill_text(flow, planned.sms.to, flow.steps.target, tape)
        return Wait(to=to, within_s=float(planned.sms.within), late_s=planned.sms.late, kind="sms")
    hook = planned.webhook
    assert hook is not None
    fits = _fits([(where, _wanted(where, flow, tape)) for where in hook.where])
    return Wait(to=hook.hook, within_s=float(hook.within), late_s=hook.late, kind="webhook", fits=fits)


def _wanted(where: Where, flow: Flow, tape: Tape) -> str | bool | int | float | None:
    return kept_text(flow, where.equals, tape) if isinstance(where.equals, str) else where.equals


def _fits(conditions: list[tuple[Where, str | bool | int | float | None]]) -> Callable[[Letter], bool]:
    def fits(letter: Letter) -> bool:
        answer = _answer(letter)
        for where, wanted in conditions:
            found = json_at(where.json, answer)
            if not found or (wanted is not None and not any(type(v) is type(wanted) and v == wanted for v in found)):
                return False
        return True

    return fits


def _captured(capture: Capture, letter: Letter) -> str | None:
    if capture.json is not None:
        found = json_at(capture.json, _answer(letter))
        return text_of(found[0]) if found else None
    assert capture.regex is not None
    text = letter.text if letter.kind == "webhook" else f"{letter.subject}\n{letter.text}"
    return group_in(capture.regex, text)


def _answer(letter: Letter) -> Answer:
    """A webhook as assertions see it: a response that is nothing but a body."""
    return Answer(status=200, headers=Headers([]), body=letter.text.encode())
