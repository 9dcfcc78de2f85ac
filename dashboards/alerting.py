"""Alert rules in Grafana: a second line, which stands when the collector falls. With their contact point and policy.

https://grafana.com/docs/grafana/latest/alerting/ has the words. A rule asks InfluxDB (A), takes one number of each
series (B), and compares it (C). They are few on purpose: detection in the collector knows more, and says it sooner.

A series without points is none for Grafana, and a rule cannot fire for it. So what may fall silent is asked for by the
minute over an hour, with zeros where nothing is; and as the last minute has only begun, for the mean of the last three.
"""

from typing import Any, Literal

import msgspec

from dashboards.frame import SIGN_IN_OBJECTIVE
from dashboards.influxql import Query, select
from dashboards.signin import SIGN_IN
from parallax import points

FOLDER_UID, FOLDER_TITLE = "parallax", "Parallax"
SOURCE_UID, SOURCE_NAME = "parallax-influxdb", "Parallax"
GROUP = "Parallax"
"""Of the rules; what others put into it stays there."""
RULE_PREFIX = "parallax-"
CONTACT_UID, CONTACT_NAME = "parallax-contact", "Parallax"
EVERY_S = 60
LABEL = ("source", "parallax")
"""What every rule is labelled with, and what the policy goes by."""

NoData = Literal["OK", "Alerting", "NoData"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. It fires where a series' last value is past `limit` for `for_s`."""

    name: str
    title: str
    why: str
    query: str
    since_s: int
    """How far back it looks."""
    test: Literal["lt", "gt"] = "lt"
    limit: float
    for_s: int
    severity: Literal["critical", "warning"] = "critical"
    no_data: NoData = "OK"
    """What it is when nothing comes back."""


def rules(signin_objective: float = SIGN_IN_OBJECTIVE) -> tuple[Rule, ...]:
    """All of them. `signin_objective` in percent."""
    zone, http = points.OBSERVATIONS["dns.zone"], points.OBSERVATIONS["http"]
    counts = "\"outcome\" <> 'abstained'"
    return (
        Rule(
            name="region-silent",
            title="No data from a region",
            why="No answer came from a region that answered within the last hour. It takes no connections, or traffic "
            "was moved away from it.",
            query=select(
                'moving_average(count("ok"), 3)', http, where=f"\"region\" <> '' AND {counts}", by=["region"],
                every="1m", fill="0",
            ),
            since_s=3600, limit=0.01, for_s=60,
        ),
        Rule(
            name="probe-silent",
            title="No data from a probe",
            why="A probe that spoke within the last hour says nothing. What it alone sees is unknown.",
            query=select(
                'moving_average(count("running"), 3)', points.PROBE_HEALTH, by=["probe"], every="1m", fill="0"
            ),
            since_s=3600, limit=0.01, for_s=60, severity="warning",
        ),
        Rule(
            name="authoritative",
            title="Authoritative DNS answers less than half",
            why="Less than half of the queries to an operator's name servers are answered well. Caches hide it from "
            "users until they run out.",
            query=select('mean("ok")', zone, where=f"\"operator\" <> '' AND {counts}", by=["operator"], every=""),
            since_s=120, limit=0.5, for_s=60,
        ),
        Rule(
            name="runway",
            title="Cache runway under 10 minutes",
            why="The first cached record runs out at a sampled resolver in less than ten minutes.",
            query=select('min("earliest_seconds")', points.RUNWAY, by=["check"], every="1m"),
            since_s=300, limit=600, for_s=0,
        ),
        Rule(
            name="signin-first-attempt",
            title="Sign-in first attempts under their objective",
            why=f"Less than {signin_objective:g} % of a sign-in's steps are well at the first attempt. Clients that "
            "try again may hide it.",
            query=select('mean("ok")', SIGN_IN, where=f"\"attempt\" = '' AND {counts}", by=["check"], every=""),
            since_s=900, limit=signin_objective / 100, for_s=300,
        ),
        Rule(
            name="collector-silent",
            title="The collector is silent",
            why="The collector writes no series: it is down, cut off from InfluxDB, or InfluxDB refuses what it "
            "writes. Its own alerts may not come.",
            query=select('count("up_seconds")', points.COLLECTOR, every=""),
            since_s=180, limit=1, for_s=60, no_data="Alerting",
        ),
    )  # fmt: skip


def rule_group(signin_objective: float = SIGN_IN_OBJECTIVE, source: str = SOURCE_UID) -> dict[str, Any]:
    """The group as Grafana's API takes it; its docs give spans as texts, where its published description has a
    number."""
    made = [_rule(rule, source) for rule in rules(signin_objective)]
    return {"title": GROUP, "folderUid": FOLDER_UID, "interval": EVERY_S, "rules": made}


def contact_point(kind: str, address: str) -> dict[str, Any]:
    """`kind`: email (addresses with semicolons between) or webhook (a URL)."""
    settings = {"addresses": address} if kind == "email" else {"url": address}
    return {
        "uid": CONTACT_UID,
        "name": CONTACT_NAME,
        "type": kind,
        "settings": settings,
        "disableResolveMessage": False,
    }


def route() -> dict[str, Any]:
    """The branch of the policy tree that leads to the contact point."""
    name, value = LABEL
    return {
        "receiver": CONTACT_NAME,
        "object_matchers": [[name, "=", value]],
        "group_by": ["alertname", "grafana_folder"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
    }


def _rule(rule: Rule, source: str) -> dict[str, Any]:
    query = Query(rule.query, ref="A", datasource=source)
    window = {"from": rule.since_s, "to": 0}
    expression = {"datasource": {"type": "__expr__", "uid": "__expr__"}, "intervalMs": 1000, "maxDataPoints": 43200}
    reduce = expression | {"refId": "B", "type": "reduce", "expression": "A", "reducer": "last",
                           "settings": {"mode": "dropNN"}}  # fmt: skip
    compare = expression | {
        "refId": "C", "type": "threshold", "expression": "B",
        "conditions": [{"evaluator": {"params": [rule.limit], "type": rule.test}}],
    }  # fmt: skip
    return {
        "uid": f"{RULE_PREFIX}{rule.name}",
        "title": rule.title,
        "folderUID": FOLDER_UID,
        "ruleGroup": GROUP,
        "orgID": 1,
        "condition": "C",
        "data": [
            {"refId": "A", "datasourceUid": source, "relativeTimeRange": window, "queryType": "",
             "model": query.to_json() | {"intervalMs": 1000, "maxDataPoints": 43200}},
            *({"refId": ref, "datasourceUid": "__expr__", "relativeTimeRange": {"from": 0, "to": 0}, "queryType": "",
               "model": model} for ref, model in (("B", reduce), ("C", compare))),
        ],
        "noDataState": rule.no_data,
        "execErrState": "Error",
        "for": f"{rule.for_s}s",
        "labels": {LABEL[0]: LABEL[1], "severity": rule.severity},
        "annotations": {"summary": rule.title, "description": rule.why},
    }  # fmt: skip
