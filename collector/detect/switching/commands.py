"""What people order and push: freezes, overrides, drills, switches, facts. Pure.

Arguments, by the command's word; each is a list of one text. A time is RFC 3339. What has an argument missing or wrong,
or names a group, member or rule that is none, changes nothing: whoever writes the record checks it first.

failover_freeze    group, why, until (optional: no end)
failover_thaw      group, why (optional)
failover_override  group, rule (S1 to S10), why, until (24 h from now at most)
failover_drill     group, member (optional: the first standby), why (optional)
failover_switch    group, member, why
standby_fact       group, member, name, value
"""

from typing import get_args

from collector.detect.numbers import instant
from collector.detect.switching.groups import GroupView
from collector.detect.switching.memory import (
    MAX_FACTS,
    MAX_NEWS,
    MAX_OVERRIDES,
    Asked,
    Frozen,
    GroupMemory,
    News,
    Pushed,
)
from collector.events import SafetyRule
from collector.failover.types import Override
from collector.inputs import CommandInput
from parallax.clock import NS, rfc3339

DAY_NS = 86400 * NS
MAX_TEXT, MAX_VALUE, MAX_ACTOR = 500, 200, 100


def command_group(memory: GroupMemory, group: GroupView, command: CommandInput, now: int) -> None:
    """Takes one command that is about this group."""
    actor = command.actor[:MAX_ACTOR] or "somebody"
    why, until, member = argument(command, "why"), instant(argument(command, "until")), argument(command, "member")
    name = group.group.name
    match command.word:
        case "failover_freeze" if why and (until > now or not argument(command, "until")):
            memory.frozen = Frozen(actor=actor, why=why, since=now, until=until)
            end = f" until {rfc3339(until)}" if until else ""
            add_news(memory, News(word="frozen", title=f"{name} is frozen by {actor}{end}", why=why, actor=actor))
        case "failover_thaw" if memory.frozen is not None:
            memory.frozen = None
            add_news(memory, News(word="thawed", title=f"{name} is thawed by {actor}", why=why, actor=actor))
        case "failover_override" if why and now < until <= now + DAY_NS and argument(command, "rule") in _RULES:
            rule: SafetyRule = argument(command, "rule")  # type: ignore[assignment]
            given = Override(rule=rule, actor=actor, why=why, until=until)
            memory.overrides = [*(each for each in memory.overrides if each.rule != rule), given][-MAX_OVERRIDES:]
            title = f"{name}: rule {rule} is overridden by {actor} until {rfc3339(until)}"
            add_news(memory, News(word="overridden", title=title, why=why, actor=actor))
        case "failover_drill":
            away = [each for each in group.members if each != (memory.settled or group.group.primary)]
            member = member or next(iter(away), "")
            if member in away:
                memory.asked = Asked(member=member, actor=actor, at=now, why=why, drill=True)
        case "failover_switch" if member in group.members and why:
            memory.asked = Asked(member=member, actor=actor, at=now, why=why)
        case "standby_fact" if member in group.members:
            fact, value = argument(command, "name"), argument(command, "value")[:MAX_VALUE]
            facts = memory.facts.setdefault(member, {})
            planned = {each.name for each in group.group.facts} | {"fenced"}
            if fact in planned and value and (fact in facts or len(facts) < MAX_FACTS):
                facts[fact] = Pushed(value=value, at=min(command.at, now), actor=actor)
        case _:
            pass


def add_news(memory: GroupMemory, news: News) -> None:
    """It is said at the next look; of very many the last."""
    memory.news = [*memory.news, news][-MAX_NEWS:]


def argument(command: CommandInput, name: str) -> str:
    """An argument's text; empty where there is none."""
    values = command.arguments.get(name) or [""]
    return values[0][:MAX_TEXT].strip()


_RULES = get_args(SafetyRule)
