"""Brings everything to a Grafana: folder, data source, dashboards, contact point, policy, alert rules; and says so by
an annotation. Done again it changes nothing.

First all of it is compared with what is there, which is the difference that `--dry-run` shows; then what differs is
written, in an order in which each finds what it refers to. What others made is left alone: a folder of its own, uids
with a prefix of their own, one branch of the policy tree, known by its matcher; a dashboard of our uid without our tag,
and a data source of our uid of another type, are somebody else's, and stop it.
"""

import difflib
import json
from collections.abc import Callable, Iterator
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from dashboards.alerting import (
    CONTACT_UID,
    FOLDER_TITLE,
    FOLDER_UID,
    GROUP,
    LABEL,
    RULE_PREFIX,
    contact_point,
    route,
    rule_group,
)
from dashboards.build import built, to_text
from dashboards.frame import SIGN_IN_OBJECTIVE, TAG
from dashboards.grafana import DeployError, Grafana
from dashboards.source import Source, data_source

OF_SERVER = ("id", "version", "iteration")
"""Keys of a dashboard that are the server's."""
MOST_LINES = 60
GROUP_PATH = f"/v1/provisioning/folder/{FOLDER_UID}/rule-groups/{quote(GROUP)}"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be there. `source` None: the data source is made by somebody else, with our uid. `contact`: its kind
    and address; None leaves contact points and policy alone."""

    source: Source | None = None
    contact: tuple[str, str] | None = None
    signin_objective: float = SIGN_IN_OBJECTIVE
    rewrite_secrets: bool = False
    """Write the data source's secrets again: Grafana does not say what they are, so a change of one is not seen."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that differs."""

    do: Literal["make", "change"]
    what: str
    diff: str
    """Lines with + and - before them; no secrets."""
    apply: Callable[[], None]


def changes(grafana: Grafana, wanted: Wanted) -> list[Change]:
    """What differs, in the order in which it is to be applied. Raises DeployError."""
    return [
        *_folder(grafana),
        *(_source(grafana, wanted.source, again=wanted.rewrite_secrets) if wanted.source else ()),
        *_dashboards(grafana),
        *(_contact(grafana, *wanted.contact) if wanted.contact else ()),
        *_rules(grafana, wanted.signin_objective),
        *(_policy(grafana) if wanted.contact else ()),
    ]


def deploy(grafana: Grafana, wanted: Wanted, say: Callable[[str], None]) -> int:
    """How many things were changed. Raises DeployError; what was done until then stays, and needs no doing again."""
    found = changes(grafana, wanted)
    for change in found:
        change.apply()
        say(f"{'made' if change.do == 'make' else 'changed'} {change.what}")
    if found:
        text = "Parallax: " + ", ".join(change.what for change in found)
        grafana.post("/annotations", {"text": text[:1000], "tags": [TAG, "deployed"]}, "the annotation")
    return len(found)


def _folder(grafana: Grafana) -> Iterator[Change]:
    what = f"the folder {FOLDER_TITLE}"
    there = grafana.get(f"/folders/{FOLDER_UID}", what)
    if there is None:
        body = {"uid": FOLDER_UID, "title": FOLDER_TITLE}
        yield _change(what, None, body, lambda: grafana.post("/folders", body, what))
    elif there["title"] != FOLDER_TITLE:
        old = {"uid": FOLDER_UID, "title": there["title"]}

        def rename() -> None:
            _once_more(lambda: _rename(grafana, what))

        yield _change(what, old, {"uid": FOLDER_UID, "title": FOLDER_TITLE}, rename)


def _rename(grafana: Grafana, what: str) -> None:
    version = grafana.get(f"/folders/{FOLDER_UID}", what)["version"]
    grafana.put(f"/folders/{FOLDER_UID}", {"title": FOLDER_TITLE, "version": version, "overwrite": False}, what)


def _source(grafana: Grafana, source: Source, *, again: bool) -> Iterator[Change]:
    what, ours = "the data source", data_source(source)
    there = grafana.get(f"/datasources/uid/{ours['uid']}", what)
    shown = {name: value for name, value in ours.items() if name != "secureJsonData"}
    if there is None:
        yield _change(what, None, shown, lambda: grafana.post("/datasources", ours, what))
        return
    if there["type"] != ours["type"]:
        raise DeployError(
            f"{what}: {grafana.url} has one with the uid {ours['uid']} of the type {there['type']}, which is not ours; "
            "give it another uid"
        )
    known = there.get("secureJsonFields") or {}
    lacks = [name for name in ours.get("secureJsonData", {}) if not known.get(name)]
    if again and "secureJsonData" in ours:
        lacks = list(ours["secureJsonData"])
    if lacks or not within(shown, there):
        old = {name: there.get(name) for name in shown} | {f"secret {name}": "as it was" for name in lacks}
        new = shown | {f"secret {name}": "written" for name in lacks}
        body = ours | ({"version": there["version"]} if "version" in there else {})
        yield _change(what, old, new, lambda: grafana.put(f"/datasources/uid/{ours['uid']}", body, what))


def _dashboards(grafana: Grafana) -> Iterator[Change]:
    for ours in built().values():
        what = f"the dashboard {ours['title']}"
        there = grafana.get(f"/dashboards/uid/{ours['uid']}", what)
        old = None
        if there is not None:
            if TAG not in there["dashboard"].get("tags", ()):
                raise DeployError(
                    f"{what}: {grafana.url} has one with the uid {ours['uid']} and without the tag {TAG}, which is not "
                    "ours; give it another uid"
                )
            old = _without(there["dashboard"], OF_SERVER) | {"folder": there["meta"].get("folderUid", "")}
        new = ours | {"folder": FOLDER_UID}
        if old != new:
            yield _change(what, old, new, _saver(grafana, ours, what))


def _saver(grafana: Grafana, ours: dict[str, Any], what: str) -> Callable[[], None]:
    def save() -> None:
        there = grafana.get(f"/dashboards/uid/{ours['uid']}", what)
        version = {"version": there["dashboard"]["version"]} if there else {}
        body = {
            "dashboard": ours | version, "folderUid": FOLDER_UID, "overwrite": False,
            "message": "parallax dashboards deploy",
        }  # fmt: skip
        grafana.post("/dashboards/db", body, what)

    return lambda: _once_more(save)


def _contact(grafana: Grafana, kind: str, address: str) -> Iterator[Change]:
    what, ours = "the contact point", contact_point(kind, address)
    points = grafana.get("/v1/provisioning/contact-points", what) or []
    there = next((point for point in points if point.get("uid") == CONTACT_UID), None)
    if there is None:
        yield _change(what, None, _masked(ours), lambda: grafana.post("/v1/provisioning/contact-points", ours, what))
    elif not within(ours, there):
        old = _masked({name: there.get(name) for name in ours})
        path = f"/v1/provisioning/contact-points/{CONTACT_UID}"
        yield _change(what, old, _masked(ours), lambda: grafana.put(path, ours, what))


def _rules(grafana: Grafana, signin_objective: float) -> Iterator[Change]:
    what, ours = "the alert rules", rule_group(signin_objective)
    there = grafana.get(GROUP_PATH, what)
    theirs = [] if there is None else there.get("rules") or []
    others = [rule for rule in theirs if not str(rule.get("uid", "")).startswith(RULE_PREFIX)]
    mine = [rule for rule in theirs if rule not in others]
    body = ours | {"rules": [*ours["rules"], *others]}
    if there is None:
        yield _change(what, None, ours, lambda: grafana.put(GROUP_PATH, body, what))
    elif there.get("interval") != ours["interval"] or not _same_rules(ours["rules"], mine):
        by_uid = {rule["uid"]: rule for rule in ours["rules"]}
        old = [_only(rule, by_uid.get(rule["uid"], rule)) for rule in mine]
        yield _change(what, ours | {"interval": there.get("interval"), "rules": old}, ours,
                      lambda: grafana.put(GROUP_PATH, body, what))  # fmt: skip


def _policy(grafana: Grafana) -> Iterator[Change]:
    """One branch of a tree that is everybody's: the others go back as they came."""
    what, ours = "the notification policy", route()
    tree = grafana.get("/v1/provisioning/policies", what)
    there = next((branch for branch in _branches(tree) if _is_ours(branch)), None)
    if there is not None and within(ours, there):
        return

    def put() -> None:
        fresh = _without(grafana.get("/v1/provisioning/policies", what), ("provenance",))
        rest = [branch for branch in _branches(fresh) if not _is_ours(branch)]
        grafana.put("/v1/provisioning/policies", fresh | {"routes": [ours, *rest]}, what)

    yield _change(what, None if there is None else _only(there, ours), ours, put)


def _branches(tree: Any) -> list[dict[str, Any]]:
    return (tree or {}).get("routes") or []


def _is_ours(branch: dict[str, Any]) -> bool:
    name, value = LABEL
    return [name, "=", value] in (branch.get("object_matchers") or ())


def within(ours: Any, theirs: Any) -> bool:
    """Whether all of ours is there; a server adds keys of its own."""
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and all(within(value, theirs.get(name)) for name, value in ours.items())
    if isinstance(ours, list):
        return (
            isinstance(theirs, list)
            and len(ours) == len(theirs)
            and all(within(one, other) for one, other in zip(ours, theirs, strict=True))
        )
    return bool(ours == theirs)


def _same_rules(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> bool:
    there = {rule["uid"]: rule for rule in theirs}
    return len(ours) == len(there) and all(_same_rule(rule, there.get(rule["uid"])) for rule in ours)


def _same_rule(ours: dict[str, Any], theirs: dict[str, Any] | None) -> bool:
    """A server writes spans in its own way: 60s is 1m there."""
    if theirs is None:
        return False
    rest = _without(ours, ("for", "orgID"))
    return within(rest, theirs) and seconds_of(ours["for"]) == seconds_of(theirs.get("for"))


def seconds_of(span: Any) -> float | None:
    """Of 1m30s, 60s, 0, or a number of nanoseconds; None of anything else."""
    if isinstance(span, int | float):
        return span / 1e9
    if not isinstance(span, str):
        return None
    total, digits = 0.0, ""
    for sign in span:
        if sign.isdigit() or sign == ".":
            digits += sign
        elif digits and sign in _UNITS:
            total, digits = total + float(digits) * _UNITS[sign], ""
        else:
            return None
    return total if not digits or float(digits) == 0 else None


_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def _once_more(save: Callable[[], None]) -> None:
    """Where somebody else was quicker (412), what there is now is read again, and ours goes over it; once."""
    try:
        save()
    except DeployError as error:
        if error.status != 412:
            raise
        save()


def _change(what: str, old: Any, new: Any, apply: Callable[[], Any]) -> Change:
    before, after = ("" if each is None else to_text(each) for each in (old, new))
    lines = [
        line
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
        if not line.startswith(("---", "+++"))
    ]
    more = len(lines) - MOST_LINES
    shown = lines[:MOST_LINES] + ([f"... and {more} lines more"] if more > 0 else [])
    return Change(do="make" if old is None else "change", what=what, diff="\n".join(shown), apply=apply)


def _masked(point: dict[str, Any]) -> dict[str, Any]:
    """A contact point without what may be a secret: a webhook's URL may carry a token."""
    settings = {name: "..." if name == "url" else value for name, value in (point.get("settings") or {}).items()}
    return point | {"settings": settings}


def _without(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: each for name, each in value.items() if name not in names}


def _only(theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Of theirs, the keys that ours has."""
    return json.loads(json.dumps({name: theirs.get(name) for name in ours}))  # type: ignore[no-any-return]
