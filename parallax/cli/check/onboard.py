"""`parallax check signin --onboard`: a first sign-in that counts nowhere, and the plan's section that follows from it.

A run ends with the first step that fails. One that comes after the sign-in (userinfo, refresh, logout) is left out then
and another run made, as the rest is worth knowing; a refused sign-in is never tried again.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from parallax.cli.check.signin import Prepared
    from parallax.cli.onboarding import Learnt
    from parallax.observation import Observation

OFFLINE = "offline_access"
LEAVABLE = ("userinfo", "refresh", "logout", "session")
"""Steps after the sign-in: it has worked, so it may be made again."""
MOST_RUNS = 4
PAUSE_S = 2.0
"""Between two sign-ins of one user; there are providers that refuse a second one within a second."""


def onboard(table: dict[str, Any], prepared: "Prepared", places: Mapping[str, str]) -> NoReturn:
    """Signs in, prints what was learnt, and leaves with the exit status of the last run."""
    from parallax.cli.onboarding import has_worked, learn

    table = dict(table)
    added = _ask_for_refresh(table, prepared)
    left_out: dict[str, str] = {}
    found: Sequence[Observation] = ()
    for number in range(MOST_RUNS):
        if number:
            time.sleep(PAUSE_S)
        found = _run(table, left_out, prepared)
        failed = _failed(found)
        if failed is None:
            break
        if added and failed.subject == "authorize" and failed.reason == "oauth_invalid_scope":
            table["scope"], added = [each for each in table["scope"] if each != OFFLINE], False
        elif failed.subject in LEAVABLE and failed.fault in ("target", "config"):
            left_out[failed.subject] = str(failed.reason)
        else:
            break
    learnt = learn(table, found, left_out, places) if has_worked(found) else None
    if prepared.settings.as_json:
        _print_json(found, learnt)
    else:
        _print_text(found, learnt, str(table["use"]))
    from parallax.cli.grades import exit_status

    sys.exit(exit_status(found))


def _ask_for_refresh(table: dict[str, Any], prepared: "Prepared") -> bool:
    """Adds offline_access where the provider says that it has it and the person has said nothing of scopes."""
    if table["use"] != "oidc.password" or "scope" in table:
        return False
    published = _run({"kind": "oidc", "issuer": table["issuer"]}, {}, prepared)
    document = next((each for each in published if each.subject == "discovery"), None)
    can = document.findings.get("capabilities", {}) if document is not None else {}
    if OFFLINE not in can.get("scopes", ()) or "refresh_token" not in can.get("grants", ()):
        return False
    table["scope"] = ["openid", OFFLINE]
    return True


def _run(table: Mapping[str, Any], left_out: Mapping[str, str], prepared: "Prepared") -> "list[Observation]":
    from parallax.cli.check.described import described
    from parallax.cli.check.signin import measured

    table = dict(table)
    kind = table.pop("kind", "signin")
    if leave_out := [*table.get("leave_out", ()), *left_out]:
        table["leave_out"] = leave_out
    return measured(described(kind, table), prepared)


def _failed(found: "Sequence[Observation]") -> "Observation | None":
    from parallax.cli.views.flow import stopped_at

    return stopped_at(found)


def _print_text(found: "Sequence[Observation]", learnt: "Learnt | None", asked: str) -> None:
    from parallax.cli.drawing import draw
    from parallax.cli.show import render, titled

    draw(lambda console: render(found, width=console.width, plain=console.options.ascii_only, asked=asked))
    click.echo()
    if learnt is None:
        click.echo(
            "Nobody could be signed in, so there is nothing to put into a plan yet: mend the above, and try again."
        )
        return
    draw(lambda console: titled("What the provider does", learnt.says))
    click.echo(f"\n# for the plan ---------------------------------------------------------\n{learnt.plan}")
    if learnt.config:
        click.echo(f"\n# for the config of each probe that runs it -----------------------------\n{learnt.config}")
    click.echo()
    draw(lambda console: titled("Not covered", [("-", text) for text in learnt.not_covered]))


def _print_json(found: "Sequence[Observation]", learnt: "Learnt | None") -> None:
    import msgspec

    from parallax.observation import as_dict
    from parallax.values import encode_value

    said = {"observations": [as_dict(each) for each in found], "learnt": learnt}
    click.echo(msgspec.json.encode(said, enc_hook=encode_value))
