"""The `dns.mail` check: the records that mail needs, as each resolver has them and as each operator serves them.

A receiver's verdict on a mail rests on what *its* resolver finds, and after a move to another operator on what that one
serves. So every view is an attempt of its own, and none speaks for another. Resolvers are asked for all that a receiver
would look up; an operator's server only for what is in its zone.
"""

import msgspec
import trio

from parallax.plan.dns_specs import MailSpec
from probe.checks.mail_judge import as_findings, judge, judge_together, settled
from probe.checks.view_subjects import at_operator, at_resolver
from probe.dns.cuts import WalkFailed
from probe.dns.message import load_types
from probe.dns.views import OperatorView, ResolverView, views_of
from probe.dns.walk import zone_of
from probe.kind import Subject
from probe.mail import keys
from probe.mail.asking import View
from probe.mail.dkim import check_dkim, dkim_name
from probe.mail.dmarc import check_dmarc
from probe.mail.mx import check_mx, check_return_path
from probe.mail.record import Asking, Found, Question, State
from probe.mail.spf import check_spf
from probe.mail.spf_record import is_spf
from probe.sites.name_servers import site_of_identity
from probe.sites.site import note_site
from probe.tape import Tape
from probe.tools import Tools

__all__ = ["find", "judge", "judge_together", "load", "run"]


class _Task(msgspec.Struct, frozen=True):
    view: ResolverView | OperatorView
    zone: str | None
    """Of an operator's view."""
    failure: str = ""
    """Where there is nobody to ask: why, as a word."""
    detail: str = ""


def load(target: str) -> None:
    """What reads keys, and the records' data."""
    keys.load()
    load_types(("TXT", "MX", "A", "AAAA"))


async def find(spec: MailSpec, target: str, tape: Tape, tools: Tools) -> list[Subject]:
    """A view each: the resolvers, then the operators that serve the domain's zone."""
    views = await views_of(spec.domain, zone_of, spec.operators, f"mail {spec.domain}", tools)
    zone = views.cut.zone if views.cut is not None else spec.domain
    unnamed, unreached = "its name has no address", "it has no address that this probe can reach"
    subjects = [at_resolver(target, view, _task(view, None, unnamed)) for view in views.resolvers]
    subjects += [at_operator(target, view, zone, _task(view, zone, unreached)) for view in views.operators]
    walked = views.walked
    if isinstance(walked, WalkFailed) and views.cut is None and not views.operators:
        detail = f"the walk ended at {walked.zone}: {walked.detail or walked.word}"
        task = _Task(OperatorView(name=""), None, walked.word, detail)
        subjects.append(Subject(target=target, host=target, name="operators", dims={"zone": zone}, task=task))
    return subjects


def _task(view: ResolverView | OperatorView, zone: str | None, without: str) -> _Task:
    return _Task(view, zone) if view.server is not None else _Task(view, zone, "no_address", without)


def _rules(spec: MailSpec, *, follow: bool) -> dict[str, Asking]:
    """By record: what is to be settled. `dkim SELECTOR` for each selector."""
    domain = spec.domain
    rules = {"spf": check_spf(domain, follow=follow), "dmarc": check_dmarc(domain)}
    rules |= {f"dkim {selector}": check_dkim(selector, domain) for selector in spec.selectors}
    rules["mx"] = check_mx(domain, receives=spec.receives, follow=follow)
    if spec.return_path is not None:
        rules["return_path"] = check_return_path(spec.return_path, follow=follow)
    return rules


async def run(spec: MailSpec, subject: Subject, tape: Tape, tools: Tools) -> None:
    """Settles the records side by side. What is settled when the time runs out stays; the rest counts as unanswered."""
    task: _Task = subject.task
    rules = _rules(spec, follow=task.zone is None)
    states: dict[str, State] = {}
    operator = isinstance(task.view, OperatorView)
    tape.material.update(operator=operator, standby=getattr(task.view, "standby", False), states=states)
    tape.material.update(wanted=list(rules), one_family=len(tools.families) == 1)
    if task.view.server is None:
        unasked = State(word="tempfail", problem=task.failure, why=task.detail)
        states.update(dict.fromkeys(rules, unasked))
        tape.note(records=as_findings(states))
        return
    view = View(task.view.server, tools.dns, task.zone)
    tape.material["view"] = view
    tape.read_later(lambda: {"records": as_findings(settled(rules, states)), "queries": view.queries})

    async def settle(record: str, asking: Asking) -> None:
        states[record] = await view.settle(asking)

    with tape.phase("records"):
        # The first question alone: a server that is silent is not asked twenty more.
        await view.answer(Question(spec.domain, "TXT"))
        async with trio.open_nursery() as nursery:
            for record, asking in rules.items():
                nursery.start_soon(settle, record, asking)
    note_site(tape, site_of_identity(view.nsid, task.view.server.name), view.nsid)
    tape.material["shown"] = _shown(spec, view)
    _note_names(spec, view, tools)


def _shown(spec: MailSpec, view: View) -> dict[str, tuple[str, ...]]:
    """What a view has for each record, in a form that can be compared; without what it did not answer for."""
    places = {"spf": Question(spec.domain, "TXT"), "mx": Question(spec.domain, "MX")}
    places["dmarc"] = Question(f"_dmarc.{spec.domain}", "TXT")
    places |= {f"dkim {each}": Question(dkim_name(each, spec.domain), "TXT") for each in spec.selectors}
    if spec.return_path is not None:
        places["return_path mx"] = Question(spec.return_path, "MX")
        places["return_path spf"] = Question(spec.return_path, "TXT")
    found = {name: view.asked.get(question) for name, question in places.items()}
    return {
        name: _comparable(name, each)
        for name, each in found.items()
        if each is not None and each.status != "failed" and (each.aliases or each.status != "elsewhere")
    }


def _comparable(record: str, found: Found) -> tuple[str, ...]:
    if found.aliases:  # what an alias leads to is for another zone to say
        return ("alias", found.aliases[0])
    return tuple(sorted(text for text in found.values if is_spf(text) or not record.endswith("spf")))


def _note_names(spec: MailSpec, view: View, tools: Tools) -> None:
    """The names that mail rests on belong to the inventory of their zone."""
    own = {spec.domain, *(dkim_name(selector, spec.domain) for selector in spec.selectors), f"_dmarc.{spec.domain}"}
    own |= {spec.return_path} if spec.return_path else set()
    for question, found in view.asked.items():
        if question.name in own and not found.absent and found.status != "failed":
            tools.memory.names.note(question.name)
            for alias in found.aliases:
                tools.memory.names.note(alias)
            if question.type == "MX":
                for text in found.values:
                    tools.memory.names.note(text.rpartition(" ")[2].removesuffix(".") or ".")
