"""What vendors bill and limit, reckoned over a plan."""

from itertools import product

import pytest

from parallax.plan.costs import cost_notes, costs_of
from parallax.plan.diff import diff, diff_lines
from parallax.plan.load import load_plan_source, plan_notes
from parallax.plan.signin_specs import PRESETS, Mail, SigninSpec, Sms, User
from parallax.plan.source import PlanErrors, PlanSource
from parallax.plan.templates import SecretReference, Template
from parallax.plan.types import Plan
from parallax.plan.vendors import LIMITS, PRICES, abroad, uses_of, vendor_of

M2M = """
[[check]]
name = "m2m"
kind = "http"
method = "POST"
targets = ["https://api.clerk.com/v1/m2m_tokens"]
period = "1m"
"""
SIGNIN = """
[[check]]
name = "sign-in"
kind = "signin"
use = "{use}"
{where}
user = {{ name = "{name}", password = "secret:PW" }}
period = "{period}"
timeout = "5s"
every = {{ full = "{full}" }}
{more}
"""


def plan_of(text: str, probes: int = 0) -> Plan:
    listed = "".join(f'[[probe]]\nid = "p{n}"\nregion = "eu"\n' for n in range(probes))
    return load_plan_source(PlanSource({"plan.toml": listed + text}))


def oidc(issuer: str, *, full: str, period: str = "15s", name: str = "synthetic-{probe}", more: str = "") -> str:
    where = f'issuer = "{issuer}"\nclient = {{ id = "web" }}'
    return SIGNIN.format(use="oidc.password", where=where, name=name, full=full, period=period, more=more)


def refusal(text: str, probes: int = 0) -> str:
    with pytest.raises(PlanErrors) as caught:
        plan_of(text, probes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("probes", "times", "dollars"),
    [(0, 43_200, 40.70), (1, 43_200, 40.70), (10, 432_000, 429.50)],
)
def test_tokens_for_machines_at_clerk(probes: int, times: float, dollars: float) -> None:
    """By hand: 30 days have 43,200 minutes; 2,500 are free; each costs a tenth of a cent."""
    (cost,) = costs_of(plan_of(M2M, probes))
    assert (cost.times, cost.dollars) == (times, dollars)


def test_the_sum_is_shown() -> None:
    (note,) = cost_notes(plan_of(M2M, 10))
    assert note == (
        "Clerk: M2M tokens cost $429.50 a month: 10 probes x 1/1m = 432,000 in 30 days, less 2,500 that are free, "
        "at $0.001 (https://clerk.com/changelog/2026-02-24-m2m-jwt-tokens)"
    )
    assert note in plan_notes(plan_of(M2M, 10))


def test_two_checks_have_what_is_free_once() -> None:
    (cost,) = costs_of(plan_of(M2M + M2M.replace('"m2m"', '"again"')))
    assert cost.dollars == 83.90  # (86,400 - 2,500) * 0.001


def test_tokens_for_machines_at_cognito() -> None:
    issuer = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc"
    client = 'client = { id = "m", auth = "basic", secret = "secret:M" }'
    text = f'[[check]]\nname = "m"\nkind = "oidc"\nissuer = "{issuer}"\n{client}\nevery = "5m"\n'
    (cost,) = costs_of(plan_of(text, 2))
    assert (cost.times, cost.dollars) == (17_280, 38.88)
    assert costs_of(plan_of(text.replace(client, ""))) == []
    assert costs_of(plan_of(text.replace("cognito-idp.eu-central-1.amazonaws.com", "idp.example.com"))) == []


def test_a_difference_has_its_price() -> None:
    found = diff(plan_of(M2M, 1), plan_of(M2M.replace('"1m"', '"5m"'), 1))
    lines = diff_lines(found)
    assert "billed by vendors, in 30 days:" in lines
    assert "  Clerk: M2M tokens  $40.70 -> $6.14" in lines
    assert diff(plan_of(M2M, 1), plan_of(M2M.replace('"m2m"', '"other"'), 1)).costs == []
    gone = diff(plan_of(M2M), plan_of(M2M.replace("m2m_tokens", "jwks")))
    assert "  Clerk: M2M tokens  $40.70 -> $0.00" in diff_lines(gone)


def test_a_rate_at_its_limit_is_right() -> None:
    """Two requests at userinfo a run: 5 a minute are reached at one run in 24 s."""
    plan_of(oidc("https://acme.auth0.com/", full="24s", period="24s"), 12)
    assert "2/23s = 5.217/min of requests at userinfo; Auth0 allows 5/min per user" in refusal(
        oidc("https://acme.auth0.com/", full="23s", period="23s"), 12
    )
    plan_of(oidc("https://acme.auth0.com/", full="15s", more='leave_out = ["userinfo"]'), 12)
    plan_of(oidc("https://sso.example.com/", full="15s"), 12)


def test_a_flow_is_not_planned_more_often_than_its_check_runs() -> None:
    assert "full: 15s is shorter than the period, 30s" in refusal(
        oidc("https://acme.auth0.com/", full="15s", period="30s")
    )


def test_checks_of_one_user_add_up() -> None:
    one = oidc("https://acme.auth0.com/", full="40s", period="40s")
    plan_of(one)
    said = refusal(one + one.replace('"sign-in"', '"other"'))
    assert "2/40s + 2/40s = 6/min" in said
    other = one.replace('"sign-in"', '"other"').replace("synthetic-{probe}", "second-{probe}")
    plan_of(one + other)
    plan_of(one + one.replace('"sign-in"', '"other"').replace("acme", "tenant2"))


def test_a_tenant_counts_every_probe() -> None:
    """A development instance's backend: 100 in 10 s. A run that names its user by address makes five."""
    where = 'frontend_api = "https://a.clerk.accounts.dev"\ninstance = "development"\nsecret_key = "secret:KEY"'
    text = SIGNIN.format(
        use="clerk.session_token", where=where, name="s-{probe}@example.com", full="15s", period="15s", more=""
    ).replace(', password = "secret:PW"', "")
    plan_of(text, 30)
    said = refusal(text, 31)
    assert "31 probes x 5/15s = 620/min of requests at the backend API" in said
    assert "Clerk allows 100/10s per tenant" in said


def test_an_account_of_its_own_for_each_probe() -> None:
    shared = oidc("https://sso.example.com/", full="5m", name="synthetic")
    plan_of(shared)  # nobody knows how many probes there are
    plan_of(shared, 1)
    assert '"synthetic" is one account for 2 probes' in refusal(shared, 2)
    assert '"sign-in"' in refusal(oidc("https://sso.example.com/", full="5m", name="of {check}"), 2)
    plan_of(oidc("https://sso.example.com/", full="5m", name="{check} {probe}"), 2)
    plan_of(shared.replace("[[check]]", '[[check]]\nprobes = ["p1"]'), 2)


def test_every_figure_has_a_source_and_a_use() -> None:
    """A limit on what no check is ever counted to use would hold nothing back."""
    used = {use.what for use in uses_of(plan_of(M2M).check[0].spec, "https://api.clerk.com/v1/m2m_tokens", 60)}
    verify = "https://api.clerk.com/v1/m2m_tokens/verify"
    used |= {use.what for use in uses_of(plan_of(M2M).check[0].spec, verify, 60)}
    mail, sms = User(name="{probe}", mail=Mail()), User(name="{probe}", sms=Sms(to=Template("+4915123456789")))
    for use, user in product(PRESETS, (mail, sms)):
        spec = SigninSpec(use=use, user=user, instance="development", secret_key=SecretReference("secret:K"))
        used |= {each.what for each in uses_of(spec, "https://idp.example", 60)}
    for figure in (*LIMITS, *PRICES):
        assert figure.source.startswith("https://"), figure
        assert figure.what in used, figure


@pytest.mark.parametrize(
    ("number", "abroad_"),
    [
        ("+15005550006", False),
        ("+1 (212) 736-5000", False),
        ("+4915123456789", True),
        ("+14165550123", True),  # Toronto
        ("+1 (867) 555-0123", True),  # Yukon
        ("+18765550123", True),  # Jamaica
        ("+17875550123", False),  # Puerto Rico
        ("+1", False),
    ],
)
def test_numbers_of_clerks_limit_are_those_outside_the_united_states(number: str, abroad_: bool) -> None:
    assert abroad(number) == abroad_
    user = User(name="{probe}", sms=Sms(to=Template(number)))
    spec = SigninSpec(use="clerk.password", user=user, instance="development", secret_key=SecretReference("secret:K"))
    assert ("SMS with codes" in {use.what for use in uses_of(spec, "https://idp.example", 60)}) == abroad_


@pytest.mark.parametrize(
    ("host", "vendor"),
    [
        ("acme.eu.auth0.com", "Auth0"),
        ("auth0.com.evil.example", None),
        ("notauth0.com", None),
        ("dev-1.okta.com", "Okta"),
        ("acme-13.clerk.accounts.dev", "Clerk"),
        ("cognito-idp.eu-west-1.amazonaws.com", "Cognito"),
        ("cognito-idp.example.com", None),
        ("[", None),
    ],
)
def test_a_vendor_is_known_by_the_issuers_host(host: str, vendor: str | None) -> None:
    check = plan_of(oidc("https://sso.example.com/", full="5m")).check[0]
    assert vendor_of(check.spec, f"https://{host}/x") == vendor


def test_steps_of_the_plans_own_are_not_counted() -> None:
    check = plan_of(M2M).check[0]
    assert uses_of(check.spec, "https://api.clerk.com/v1/users", 60) == []
