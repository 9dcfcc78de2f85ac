"""What a script may say, and the exact words for what it may not."""

from pathlib import Path

import pytest

from lab.replay.loading import ScriptErrors, load_script
from lab.replay.playing import INCIDENTS, incidents
from lab.replay.script import MODES, Mode, Place, place_of
from tests.lab.replay.scripts import PLAN, WORLD, fault, load, write

BAD = {
    "unknown key": (
        WORLD.replace("before", "befor"),
        'script.toml:4: befor: unknown key; did you mean "before"? the keys here are title, source, window, before, '
        "after, plan, journal, operator, zone, name, region, front, cache, fault, random, change, noise, fact, expect",
    ),
    "unknown key of a fault": (
        WORLD + fault("region east", "dark") + "sevrity = 1\n",
        'script.toml:46: [[fault]] number 1: sevrity: unknown key; did you mean "severity"? the keys here are from, '
        "to, where, mode, severity",
    ),
    "missing": (WORLD.replace('title = "A test"\n', ""), "script.toml: title: is missing"),
    "a plan": (
        PLAN,
        "script.toml: is a plan; give the incident script, whose `plan` names it, as in: parallax replay INCIDENT.toml",
    ),
    "no time": (
        WORLD.replace("2026-03-01T12:00:00Z", '"noon"'),
        'script.toml:3: [window]: from: wants a time with its offset, like 2027-01-31T02:00:00Z, not "noon"',
    ),
    "ends before it begins": (
        WORLD.replace("T12:03", "T11:03"),
        "script.toml:3: [window]: to: is not after `from`",
    ),
    "too long": (
        WORLD.replace("2026-03-01T12:03", "2026-03-21T12:03"),
        "script.toml:3: window: is longer than 7 days with what is around it; cut it",
    ),
    "no plan": (
        WORLD.replace('plan = "plan.toml"\n', ""),
        "script.toml: plan: is missing: write the plan's file, or `journal` and a recording",
    ),
    "no such plan": (
        WORLD.replace("plan.toml", "plans.toml"),
        "plans.toml: cannot be read: No such file or directory",
    ),
    "nothing that can be broken": (
        WORLD + fault("dns dns-a", "dark"),
        'script.toml:43: [[fault]] number 1: where: "dns dns-a" is nothing that can be broken; write one of '
        '"operator", "server", "region", "service", "resolver", "probe", and its name',
    ),
    "no name": (
        WORLD + fault("region", "dark"),
        'script.toml:43: [[fault]] number 1: where: "region" wants a name, like "region NAME"',
    ),
    "a name too many": (
        WORLD + fault("service api", "dark"),
        'script.toml:43: [[fault]] number 1: where: "service api" wants no name',
    ),
    "no such region": (
        WORLD + fault("region south", "dark"),
        'script.toml:43: [[fault]] number 1: where: "region south": there is none; known are "east", "west"',
    ),
    "a mode that it has not": (
        WORLD + fault("operator dns-a", "throttled"),
        'script.toml:44: [[fault]] number 1: mode: "throttled" is nothing that an operator does; write one of "dark", '
        '"lame", "empty"',
    ),
    "a mode of nothing": (
        WORLD + fault("region east", "drk"),
        'script.toml:44: [[fault]] number 1: mode: "drk" is not known here; did you mean "dark"? write one of "dark", '
        '"refused", "errors", "throttled", "slow", "lame", "empty", "silent"',
    ),
    "a fault without time": (
        WORLD + fault("region east", "dark", "12:02:00", "12:01:00"),
        "script.toml:42: [[fault]] number 1: to: is not after `from`",
    ),
    "a fault of another day": (
        WORLD + fault("region east", "dark").replace("-01T", "-11T"),
        "script.toml:41: [[fault]] number 1: from: is not in the window, nor in `before` and `after` it",
    ),
    "a name twice": (
        WORLD.replace('name = "west"', 'name = "east"').replace('["east", "west"]', '["east", "east"]'),
        'script.toml:32: [[region]] number 2: name: "east" is there twice',
    ),
    "an address twice": (
        WORLD.replace("203.0.113.20", "192.0.2.12"),
        'script.toml:33: [[region]] number 2: address: "192.0.2.12" is there twice; each has an address of its own',
    ),
    "no address": (
        WORLD.replace("203.0.113.20", "203.0.113.320"),
        'script.toml:33: [[region]] number 2: address: "203.0.113.320" is no IP address',
    ),
    "one bracket too few": (
        WORLD.replace("[[front]]", "[front]"),
        "script.toml:34: front: a script has many of these; write [[front]], with two brackets",
    ),
    "one bracket too many": (
        WORLD + "[[expect]]\npages = 1\n",
        "script.toml:40: expect: a script has one of these; write [expect], with single brackets",
    ),
    "a check that is not there": (
        WORLD + '[expect]\ncorroborated_by = ["apis"]\n',
        'script.toml:41: [expect]: corroborated_by entry 1: the plan has no check "apis"; it has "api", "chain", '
        '"front door", "mail", "names", "parity", "sign-in", "tokens", "zone"',
    ),
    "severity": (
        WORLD + fault("region east", "dark", severity=1.5),
        "script.toml:45: [[fault]] number 1: severity: 1.5 is out of bounds; wants 0 to 1",
    ),
    "no such operator": (
        WORLD.replace('operator = "dns-a"', 'operator = "dns-c"'),
        'script.toml:16: [[zone]] number 1: operator: "dns-c" is not known; known are "dns-a", "dns-b"',
    ),
    "no such alias": (
        WORLD.replace('alias = "api', 'alias = "apis'),
        'script.toml:24: [[name]] number 2: alias: "apis.idp.example" is not known; known are "api.idp.example", '
        '"clerk.acme.example", "front.acme.example"',
    ),
    "no such resolver": (
        WORLD + '[[cache]]\nresolver = "own"\n',
        'script.toml:41: [[cache]] number 1: resolver: "own" is not known; known are "public-1", "system"',
    ),
    "checks of what is not there": (
        WORLD.partition("[[name]]")[0].replace('operator = "dns-a"', 'operator = "dns-b"').replace("idp.ex", "idq.ex"),
        'script.toml:6: plan: check "zone" is about "idp.example", of which the script has no [[zone]]\n'
        'script.toml:6: plan: check "names" is about "api.idp.example", of which the script has no [[name]]\n'
        'script.toml:6: plan: check "chain" is about "clerk.acme.example", of which the script has no [[name]]\n'
        'script.toml:6: plan: check "front door" is about "api.idp.example", of which the script has no [[name]]\n'
        'script.toml:6: plan: check "api" is about "api.idp.example", of which the script has no [[name]]\n'
        'script.toml:6: plan: check "tokens" is about "api.idp.example", of which the script has no [[name]]\n'
        'script.toml:6: plan: check "sign-in" is about "api.idp.example", of which the script has no [[name]]',
    ),
    "anchors": (
        WORLD
        + '[[random]]\nwhere = "region east"\nmode = "dark"\nlengths = ["5m", "1m"]\ngaps = ["1m", "2m"]\n'
        + "until = 2026-03-01T12:03:00Z\nanchors = [{ at = 2026-03-01T12:04:00Z }]\n",
        "script.toml:43: [[random]] number 1: lengths: the first is to be the shorter one\n"
        "script.toml:46: [[random]] number 1: anchors: are not in order, or not before `until`",
    ),
    "a row without end": (
        WORLD
        + '[[random]]\nwhere = "region east"\nmode = "dark"\nlengths = ["1ms", "1ms"]\ngaps = ["1ms", "1ms"]\n'
        + "until = 9999-03-01T12:03:00Z\nanchors = [{ at = 2026-03-01T12:01:00Z }]\n",
        "script.toml:45: [[random]] number 1: until: the row is to begin and end in the window, "
        "or in `before` and `after` it",
    ),
    "a world beside a recording": (
        'title = "A test"\nwindow = { from = 2026-03-01T12:00:00Z, to = 2026-03-01T12:03:00Z }\n'
        'journal = "gone.journal"\n[[region]]\nname = "east"\naddress = "203.0.113.10"\n',
        "script.toml:3: journal: gone.journal is no file; make it by: parallax journal export\n"
        "script.toml:4: region: has no meaning beside `journal`: what is recorded is played as it is; take "
        "one of them out",
    ),
    "an expectation that nobody knows": (
        WORLD + "[expect]\npage = 1\n",
        'script.toml:41: [expect]: page: unknown key; did you mean "pages"? the keys here are first_down_s, '
        "hazard_named_s, full_outage_s, status_post_s, cause, no_region_blamed, runway_shown, "
        "fallback_email_gap_known_before, corroborated_by, outages_detected, pages, failover, region_failover, "
        "switchovers_max, user_bad_minutes_max, back_on_primary_within_minutes",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_script_is_refused_in_these_words(name: str, tmp_path: Path):
    text, message = BAD[name]
    with pytest.raises(ScriptErrors) as caught:
        load_script(write(tmp_path, world=text))
    assert str(caught.value).replace(f"{tmp_path}/", "") == message


def test_pages_are_expected_of_a_plan_that_tells_somebody(tmp_path: Path):
    with pytest.raises(ScriptErrors) as caught:
        load_script(write(tmp_path, more="[expect]\npages = 1\n", plan=PLAN.partition("[[receiver]]")[0]))
    assert str(caught.value).endswith("script.toml:41: [expect]: pages: nobody is told: the plan has no [[receiver]]")


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_any_year_is_one(year: str, tmp_path: Path):
    load_script(write(tmp_path, world=(WORLD + fault("region east", "dark")).replace("2026-", f"{year}-")))


def test_a_kind_that_no_script_plays(tmp_path: Path):
    file = write(tmp_path)
    plan = tmp_path / "plan.toml"
    plan.write_text(
        plan.read_text() + '[[check]]\nname = "old"\nkind = "dns"\ntargets = ["192.0.2.1"]\nquery = "a.example"\n'
    )
    with pytest.raises(ScriptErrors) as caught:
        load_script(file)
    assert str(caught.value).replace(f"{tmp_path}/", "") == (
        'script.toml:6: plan: check "old": no script plays a dns; it plays "dns.chain", "dns.mail", "dns.parity", '
        '"dns.resolve", "dns.zone", "http", "oidc", "signin", "tls"'
    )


def test_a_bad_plan_says_its_own(tmp_path: Path):
    file = write(tmp_path, plan='[[check]]\nname = "x"\n')
    with pytest.raises(ScriptErrors, match=r"plan\.toml:1: \[\[check\]\] \"x\": kind: is missing"):
        load_script(file)


def test_a_plan_may_stand_in_the_script(tmp_path: Path):
    plan = '[[probe]]\nid = "p"\n[[check]]\nname = "a"\nkind = "tls"\ntargets = ["192.0.2.1:443"]\n'
    region = '[[region]]\nname = "east"\naddress = "192.0.2.1"\n'
    world = 'title = "A test"\nwindow = { from = 2026-03-01T12:00:00Z, to = 2026-03-01T12:03:00Z }\n'
    loaded = load_script(write(tmp_path, world=f"{world}plan = '''\n{plan}'''\n{region}"))
    assert loaded.plan is not None
    assert [check.name for check in loaded.plan.check] == ["a"]


@pytest.mark.parametrize("name", incidents())
def test_the_incidents_that_come_with_the_program_load(name: str):
    loaded = load_script(INCIDENTS / f"{name}.toml")
    assert loaded.plan is not None
    assert len(loaded.plan.probe) == 15
    assert loaded.script.source
    assert loaded.script.fact


def test_there_are_three_incidents():
    assert incidents() == ["2025-08-06-region-flapping", "2026-02-10-dns-provider-dark", "2026-02-19-grey-failure"]


def test_every_place_and_mode_can_be_written():
    assert set(MODES) == set(Place.__args__)
    assert {mode for modes in MODES.values() for mode in modes} == set(Mode.__args__)
    for place in MODES:
        text = place if place == "service" else f"{place} x"
        assert place_of(text) == (place, "" if place == "service" else "x")


def test_the_world_of_the_tests_loads(tmp_path: Path):
    assert load(tmp_path).script.title == "A test"
