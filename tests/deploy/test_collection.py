"""The collection as it is written: lint, syntax, and that every variable of a role is described."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.ground import COLLECTION, environment, tool
from tests.parts.nodes import ROOT
from tools.ansible_readme import readme
from tools.bundle import LOCKS, PROGRAMS

ROLES = sorted(path.name for path in (COLLECTION / "roles").iterdir())
PLAYBOOKS = sorted(path.stem for path in (COLLECTION / "playbooks").glob("*.yml"))


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_described_and_no_other(role: str) -> None:
    defaults = _read(COLLECTION / "roles" / role / "defaults/main.yml")
    options = _read(COLLECTION / "roles" / role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert set(defaults) == set(options)
    for name, option in options.items():
        assert option["description"]
        if "default" in option:
            assert option["default"] == defaults[name], name


def test_the_readme_is_that_of_the_roles() -> None:
    assert (COLLECTION / "README.md").read_text("utf-8") == readme(), "run python -m tools.docs"


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_lock_has_what_the_project_needs(program: str) -> None:
    import tomllib

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for extra in PROGRAMS[program]:
        wanted += project["optional-dependencies"][extra]
    lines = [line.split(";")[0].strip(" \\") for line in (LOCKS / f"{program}.txt").read_text("utf-8").splitlines()]
    pinned = {
        canonicalize_name(name): version for name, equal, version in (line.partition("==") for line in lines) if equal
    }
    for text in wanted:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{name} is not locked: python -m tools.bundle --lock"
        assert requirement.specifier.contains(pinned[name]), f"{name}: python -m tools.bundle --lock"


@pytest.mark.slow
@pytest.mark.deploy
@pytest.mark.parametrize("inventory", ["three-regions", "twenty"])
def test_the_examples_can_be_played(inventory: str, tmp_path: Path) -> None:
    playbooks = [f"playbooks/{name}.yml" for name in PLAYBOOKS]
    done = subprocess.run(
        [tool("ansible-playbook"), "-i", f"inventories/{inventory}/hosts.yml", "--syntax-check", *playbooks],
        cwd=COLLECTION, env=dict(environment(tmp_path)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.deploy
@pytest.mark.parametrize(
    "linter", [["ansible-lint", "--offline", "-q"], ["yamllint", "--strict", "."], ["hadolint", "Containerfile"]]
)
def test_the_linters_have_nothing_to_say(linter: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [tool(linter[0]), *linter[1:]],
        cwd=COLLECTION, env=dict(environment(tmp_path)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


DOCTOR = "/opt/parallax/probe/current/venv/bin/parallax probe doctor --json --config /etc/parallax/probe.toml"
PLAY = """
- hosts: localhost
  gather_facts: false
  connection: local
  vars: {probe_id: fra1, probe_doctor_stops: true}
  tasks:
    - ansible.builtin.include_tasks: doctor.yml
"""


@pytest.mark.slow
@pytest.mark.deploy
@pytest.mark.parametrize(
    ("state", "sentence"),
    [("ok", ""), ("missing", "fra1 does not run what needs this: clock: late; mend it."),
     ("wrong", "fra1 is not started: clock: late; mend it.")],
)  # fmt: skip
def test_the_doctor_stops_a_host_that_is_unfit_and_no_other(state: str, sentence: str, tmp_path: Path) -> None:
    tasks = (COLLECTION / "roles/probe/tasks/doctor.yml").read_text("utf-8")
    assert tasks.count(DOCTOR) == 1
    (tmp_path / "doctor.yml").write_text(tasks.replace(DOCTOR, f"cat {tmp_path / 'said.json'}"), "utf-8")
    line = {"what": "clock", "state": state, "why": "late", "todo": "mend it"}
    (tmp_path / "said.json").write_text(json.dumps({"lines": [line]}), "utf-8")
    play = tmp_path / "play.yml"
    play.write_text(PLAY, "utf-8")
    done = subprocess.run(
        [tool("ansible-playbook"), "-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}", str(play)],
        cwd=COLLECTION, env=dict(environment(tmp_path)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode != 0) == (state == "wrong"), done.stdout + done.stderr
    assert sentence in " ".join(done.stdout.split())
