"""Config and plan laid together."""

from pathlib import Path

import msgspec

from parallax.plan.types import ConnectTo, Control, Dns
from parallax.values import Address, Redirect
from probe.force import Force
from probe.plans import PlanInForce, read_plan
from tests.fakes.probes import part, probe_config

ASKED, ELSEWHERE, OURS = Address("192.0.2.1:443"), Address("127.0.0.1:1"), Address("127.0.0.1:2")


def in_plan(*connect_to: ConnectTo, control: Control | None = None) -> PlanInForce:
    plan = read_plan(part()[0])
    changed = msgspec.structs.replace(plan.part, connect_to=list(connect_to), control=control or plan.part.control)
    return msgspec.structs.replace(plan, part=changed)


def test_the_hosts_resolvers_are_read_for_every_run(tmp_path: Path) -> None:
    known: list[Address] = []
    force = Force(probe_config(tmp_path), lambda: tuple(known))
    assert force.tools().resolvers == ()
    known.append(Address("192.0.2.53:53"))  # the network came up after the probe
    assert force.tools().resolvers == (Address("192.0.2.53:53"),)


def test_resolvers_of_the_config_win(tmp_path: Path) -> None:
    config = probe_config(tmp_path, resolvers=[Address("192.0.2.54:53")])
    force = Force(config, lambda: (Address("192.0.2.53:53"),))
    assert force.tools().resolvers == (Address("192.0.2.54:53"),)


def test_redirects_and_controls_of_the_config_win(tmp_path: Path) -> None:
    to = ConnectTo(source=Redirect(ASKED), to=ELSEWHERE)
    plain = Force(probe_config(tmp_path))
    plain.apply(in_plan(to, control=Control(addresses=[ASKED])))
    assert plain.routes.dial_address(ASKED, "tcp") == ELSEWHERE
    assert plain.controls == [ASKED]
    ours = ConnectTo(source=Redirect(ASKED), to=OURS)
    config = probe_config(tmp_path, connect_to=[ours], control=Control(addresses=[OURS]))
    force = Force(config)
    force.apply(in_plan(to, control=Control(addresses=[ASKED])))
    assert force.tools().routes.dial_address(ASKED, "tcp") == OURS
    assert force.controls == [OURS]


def test_a_probe_keeps_to_its_share_of_what_an_operator_may_be_asked(tmp_path: Path) -> None:
    force = Force(probe_config(tmp_path))
    plan = in_plan()
    plan = msgspec.structs.replace(
        plan, part=msgspec.structs.replace(plan.part, dns=Dns(most_per_operator=600), slot=(2, 10))
    )
    force.apply(plan)
    budget = force.tools().memory.budget
    budget.belongs("192.0.2.1:53", "A")
    assert sum(budget.take("192.0.2.1:53", 0) for _ in range(600)) == 30, "half a minute's share of 60"
    assert force.not_asked == {"A": 570}
    force.apply(plan)
    assert not force.tools().memory.budget.take("192.0.2.1:53", 0), "a new plan fills no bucket"
