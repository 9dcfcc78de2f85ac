"""The `dns.mail` check: the records that mail needs, as each resolver has them and as each operator serves them.

A receiver's verdict on a mail rests on what *its* resolver finds, and after a move to another operator on what that one
serves. So every view is an attempt of its own, and none speaks for another. Resolvers are asked for all that a receiver
would look up; an operator's server only for what is in its zone.
"""

import msgspec
import trio

from parallax.plan.dns_specs import MailSpec
from probe.checks.kind import Subject
from probe.checks.mail_judge import as_findings, judge, judge_together, settled
from probe.dns.cuts import Cut, WalkFailed
from probe.dns.message import load_types
from probe.dns.views import OperatorView, ResolverView, cut_or_last, left_s, operator_views, resolver_views
from probe.dns.walk import zone_of
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

WALK_S = 4.0


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
    resolvers: list[ResolverView] = []
    operators: list[OperatorView] = []
    walked: list[Cut | WalkFailed] = []

    async def walk() -> None:
        found = await zone_of(spec.domain, tools, left_s(WALK_S))
        cut = cut_or_last(spec.domain, found, tools)
        walked.append(cut or found)
        operators.extend(await operator_views(cut, spec.operators, f"mail {spec.domain}", tools))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(walk)
        with trio.move_on_after(left_s(WALK_S)):
            resolvers = await resolver_views(tools)
    cut = walked[0]
    zone = str(cut.zone if isinstance(cut, Cut) else spec.domain)
    subjects = [_at_resolver(target, view) for view in resolvers]
    subjects += [_at_operator(target, view, zone) for view in operators]
    if isinstance(cut, WalkFailed) and not operators:
        task = _Task(OperatorView(name=""), None, cut.word, f"the walk ended at {cut.zone}: {cut.detail or cut.word}")
        subjects.append(Subject(target=target, host=target, name="operators", dims={"zone": zone}, task=task))
    return subjects


def _at_resolver(target: str, view: ResolverView) -> Subject:
    dims = {"resolver": view.name}
    if view.server is None:
        return Subject(
            target=target,
            host=view.name,
            name=view.name,
            dims=dims,
            task=_Task(view, None, "no_address", "its name has no address"),
        )
    dims["transport"] = view.server.transport
    address = view.server.address
    return Subject(target=target, host=view.name, name=view.name, address=address, dims=dims, task=_Task(view, None))


def _at_operator(target: str, view: OperatorView, zone: str) -> Subject:
    name, dims = f"operator {view.name}", {"operator": view.name, "zone": zone}
    if view.server is None:
        task = _Task(view, zone, "no_address", "it has no address that this probe can reach")
        return Subject(target=target, host=view.name, name=name, dims=dims, task=task)
    dims |= {"server": view.server.name or view.server.address.ip, "transport": "udp"}
    return Subject(
        target=target, host=dims["server"], name=name, address=view.server.address, dims=dims, task=_Task(view, zone)
    )


def _rules(spec: MailSpec, *, follow: bool) -> dict[str, Asking]:
    """By record: what is to be settled. `dkim SELECTOR` for each selector."""
    domain = str(spec.domain)  # findings are plain values
    rules = {"spf": check_spf(domain, follow=follow), "dmarc": check_dmarc(domain)}
    rules |= {f"dkim {selector}": check_dkim(selector, domain) for selector in spec.selectors}
    rules["mx"] = check_mx(domain, receives=spec.receives, follow=follow)
    if spec.return_path is not None:
        rules["return_path"] = check_return_path(str(spec.return_path), follow=follow)
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
            tools.memory.note_name(question.name)
            for alias in found.aliases:
                tools.memory.note_name(alias)
            if question.type == "MX":
                for text in found.values:
                    tools.memory.note_name(text.rpartition(" ")[2].removesuffix(".") or ".")
