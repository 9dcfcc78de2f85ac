"""Checks that go to a member of a failover group directly: they have verdicts, and hurt nobody."""

from collector.detect.risks.expiry import passwords
from collector.detect.view import view_of
from collector.events import IncidentChanged
from tests.collector.detect.scenes import EIGHT, Scene, fleet

EAST, WEST = "203.0.113.10:443", "203.0.113.20:443"
PLAN = (
    fleet(EIGHT)
    + f"""
[defaults]
period = "5s"
timeout = "2s"
[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://api.auth.test/health"]
serving = {{ header = "x-region" }}
[[check]]
name = "page"
kind = "http"
external = false
targets = ["https://page.auth.test/"]
[[component]]
name = "API"
checks = ["api"]
[[component]]
name = "Pages"
checks = ["page"]
[[failover]]
name = "front"
kind = "region"
check = "api"
also = ["page"]
members = [{{ name = "east", connect_to = "{EAST}" }}, {{ name = "west", connect_to = "{WEST}" }}]
primary = "east"
"""
)
WITHOUT = PLAN[: PLAN.index("[[failover]]")]


def world(plan: str = PLAN) -> Scene:
    ip = EAST.partition(":")[0]
    scene = Scene(plan, {"api.auth.test": [ip], "page.auth.test": [ip]})
    scene.rule(lambda probe, check, target, subject, t: {"dims": {"region": "east" if subject == EAST else "west"}})
    scene.run(40)
    return scene


def test_a_standby_that_is_down_alone_is_no_incident_and_no_outage() -> None:
    scene = world()
    scene.fails("connect_timeout", subject=WEST)
    scene.run(60)
    assert scene.check("api @ west") == scene.check("page @ west") == "down"
    assert scene.check("api") == scene.check("api @ east") == "up"
    assert scene.incidents() == []
    assert scene.told("incident") == []
    assert scene.component("API") == scene.component("Pages") == "operational"
    assert sorted(check for check, _, state in scene.turns() if state == "down") == ["api @ west", "page @ west"]


def test_the_member_that_serves_fails_as_it_would_without_a_group() -> None:
    found = []
    for plan in (PLAN, WITHOUT):
        scene = world(plan)
        handle = scene.fails("connect_timeout", subject=EAST)
        scene.run(60)
        [incident] = scene.incidents()
        assert {each.check for each in incident.checks} == {"api", "page"}
        scene.mend(handle)
        scene.run(120)
        assert scene.incidents() == []
        events = [event.data for event in scene.events if isinstance(event.data, IncidentChanged)]
        found.append((incident.title, incident.domain, incident.severity, [data.change for data in events]))
    assert found[0] == found[1]


def test_both_down_is_one_incident_of_what_users_reach() -> None:
    scene = world()
    scene.fails("connect_timeout", subject=WEST)
    scene.run(60)
    scene.fails("connect_timeout", subject=EAST)
    scene.run(60)
    [incident] = scene.incidents()
    assert {each.check for each in incident.checks} == {"api", "page"}


def test_the_certificate_of_a_standby_is_none_that_the_name_was_given() -> None:
    scene = world()
    chain = [{"sha256": "ab" * 32, "issuer": "CN=Another", "not_after": "2027-01-01T00:00:00Z"}]
    scene.rule(
        lambda probe, check, target, subject, t: (
            {"dims": {"region": "west"}, "findings": {"chain": chain, "issued_by": "Another"}} if check.member else {}
        )
    )
    scene.run(60)
    assert scene.board.certificates == ()


SIGN_IN = """
[[check]]
name = "sign-in"
kind = "signin"
use = "oidc.password"
issuer = "https://sso.auth.test"
client = { id = "synthetic" }
user = { name = "synthetic-{probe}", password = "secret:PW", owner = "identity team", rotate_by = 2026-09-20 }
external = false
every = { full = "5m" }
[[component]]
name = "Sign-in"
checks = ["sign-in"]
"""


def test_the_password_of_a_user_who_signs_in_at_each_member_is_due_once() -> None:
    scene = Scene(PLAN.replace('also = ["page"]', 'also = ["page", "sign-in"]') + SIGN_IN, {})
    view = view_of(scene.state.plan)
    assert view is not None
    assert "sign-in @ west" in view.checks
    assert [(wish.check, wish.components) for wish in passwords(scene.state, view)] == [("sign-in", ("Sign-in",))]


def certificate_risks(west_ends: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Of api.auth.test, where all but the west show one that ends on the 25th: title, check, components."""
    scene = Scene(PLAN, {"api.auth.test": ["203.0.113.10"], "page.auth.test": ["203.0.113.10"]})
    leaf = {"sha256": "ab" * 32, "issuer": "CN=CA", "not_before": "2026-01-01T00:00:00Z"}
    scene.rule(
        lambda probe, check, target, subject, t: {
            "findings": {"chain": [leaf | {"not_after": west_ends if subject == WEST else "2026-09-25T00:00:00Z"}]}
        }
    )
    scene.run(60)
    risks = [(risk.title, risk.check, risk.components) for risk in scene.board.risks]
    return sorted(risk for risk in risks if "api.auth.test" in risk[0])


def test_a_certificate_that_all_members_show_is_one_risk() -> None:
    [(_, check, components)] = certificate_risks("2026-09-25T00:00:00Z")
    assert (check, components) == ("api", ("API",))


def test_a_certificate_that_a_standby_alone_shows_hides_no_other() -> None:
    found = certificate_risks("2026-09-23T00:00:00Z")
    assert sorted((check, components) for _, check, components in found) == [("api", ("API",)), ("api @ west", ())]
