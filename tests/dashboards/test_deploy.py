"""Deploying to a server that holds every request against Grafana's own description of its API."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dashboards.build import DASHBOARDS
from dashboards.deploy import Wanted, changes, deploy, seconds_of
from dashboards.grafana import DeployError, Grafana
from dashboards.source import Source
from tests.fakes.grafana import TOKEN, FakeGrafana, Trouble, grafana

SOURCE = Source(url="http://127.0.0.1:8086", header="Token very-secret")
WANTED = Wanted(source=SOURCE, contact=("webhook", "https://hooks.example/t/abc"))


@pytest.fixture
def described() -> Path:
    file = os.environ.get("PARALLAX_GRAFANA_API")
    if not file:
        pytest.skip("PARALLAX_GRAFANA_API does not name a description of Grafana's API")
    return Path(file)


@contextmanager
def client(fake: FakeGrafana, **more: Any) -> Iterator[Grafana]:
    made = Grafana(fake.url, more.pop("token", TOKEN), **more)
    try:
        yield made
    finally:
        made.close()


def bring(fake: FakeGrafana, wanted: Wanted = WANTED, **more: Any) -> list[str]:
    said: list[str] = []
    with client(fake, **more) as server:
        deploy(server, wanted, said.append)
    return said


def test_every_request_is_as_described_and_the_second_time_nothing_is_written(described: Path):
    with grafana(described) as fake:
        said = bring(fake)
        assert fake.faults == []
        assert len(said) == len(DASHBOARDS) + 5, said
        assert len(fake.boards) == len(DASHBOARDS)
        assert {board["meta"]["folderUid"] for board in fake.boards.values()} == {"parallax"}
        assert len(fake.groups["Parallax"]["rules"]) == 6
        assert len(fake.annotations) == 1
        written = len(fake.writes)
        assert bring(fake) == []
        assert len(fake.writes) == written
        assert fake.faults == []


def test_a_change_of_anything_is_described_and_put_back(described: Path):
    with grafana(described) as fake:
        bring(fake)
        fake.folders["parallax"]["title"] = "x"
        fake.sources["parallax-influxdb"]["url"] = "http://192.0.2.1:8086"
        fake.boards["parallax-overview"]["dashboard"]["title"] = "mine"
        fake.boards["parallax-tls"]["meta"]["folderUid"] = "elsewhere"
        fake.points[0]["settings"] = {"url": "https://other.example"}
        fake.tree["routes"][0]["receiver"] = "grafana-default-email"
        fake.groups["Parallax"]["rules"][2]["noDataState"] = "Alerting"
        said = bring(fake)
        assert len(said) == 7, said
        assert all(line.startswith("changed") for line in said)
        assert bring(fake) == []
        assert fake.faults == []


def test_a_dry_run_writes_nothing_and_shows_no_secret():
    with grafana() as fake, client(fake) as server:
        found = changes(server, WANTED)
        assert fake.writes == []
        assert len(found) == len(DASHBOARDS) + 5
        text = "\n".join(change.diff for change in found)
        assert "very-secret" not in text
        assert "t/abc" not in text
        assert "+" in text


def test_what_others_made_is_left_alone():
    with grafana() as fake:
        fake.points.append({"uid": "theirs", "name": "ops", "type": "email", "settings": {"addresses": "a@b.example"}})
        theirs = {"receiver": "ops", "object_matchers": [["team", "=", "ops"]]}
        fake.tree = {"receiver": "ops", "routes": [theirs], "group_by": ["x"]}
        fake.folders["theirs"] = {"uid": "theirs", "title": "Theirs", "version": 1}
        fake.boards["theirs"] = {"dashboard": {"uid": "theirs", "title": "x", "version": 1}, "meta": {"folderUid": "t"}}
        bring(fake)
        rule = {"uid": "theirs", "title": "their own", "for": "1m"}
        fake.groups["Parallax"]["rules"].append(rule)
        fake.groups["Parallax"]["interval"] = 10
        bring(fake)
        assert theirs in fake.tree["routes"]
        assert (fake.tree["receiver"], fake.tree["group_by"]) == ("ops", ["x"])
        assert [each["uid"] for each in fake.groups["Parallax"]["rules"]].count("theirs") == 1
        assert fake.boards["theirs"]["dashboard"] == {"uid": "theirs", "title": "x", "version": 1}
        assert fake.points[0]["uid"] == "theirs"
        assert bring(fake) == []


def test_without_a_contact_alerting_of_others_is_not_even_read():
    with grafana() as fake:
        bring(fake, Wanted(source=SOURCE))
        assert not any("policies" in path or "contact" in path for _, path in fake.asked)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda fake: fake.boards["parallax-tls"]["dashboard"].update(tags=["theirs"]), "which is not ours"),
        (lambda fake: fake.sources["parallax-influxdb"].update(type="prometheus"), "which is not ours"),
    ],
)
def test_what_has_our_uid_and_is_not_ours_stops_it(spoil: Callable[[FakeGrafana], None], words: str):
    with grafana() as fake:
        bring(fake)
        spoil(fake)
        written = len(fake.writes)
        with pytest.raises(DeployError, match=words):
            bring(fake)
        assert len(fake.writes) == written


class Once:
    """Answers the first request to a path with something else."""

    def __init__(self, method: str, path: str, status: int, times: int = 1) -> None:
        self.want, self.status, self.left = (method, path), status, times

    def __call__(self, method: str, path: str) -> tuple[int, Any] | None:
        if (method, path) == self.want and self.left:
            self.left -= 1
            return self.status, {"message": "no"}
        return None


def test_a_version_that_somebody_else_just_made_is_written_over_once():
    with grafana(trouble=Once("POST", "/dashboards/db", 412)) as fake:
        assert len(bring(fake)) == len(DASHBOARDS) + 5
    with (
        grafana(trouble=Once("POST", "/dashboards/db", 412, times=2)) as fake,
        pytest.raises(DeployError, match="again"),
    ):
        bring(fake)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (Once("POST", "/datasources", 409), "another one has this name"),
        (Once("GET", "/folders/parallax", 403, 9), "needs the role Admin"),
        (Once("POST", "/dashboards/db", 500, 9), "run this again, what is done stays"),
        (Once("PUT", "/v1/provisioning/policies", 400), "older than Grafana 10"),
    ],
)
def test_what_fails_says_what_and_the_way_out_and_a_second_run_goes_on(trouble: Once, words: str):
    with grafana(trouble=trouble) as fake:
        with pytest.raises(DeployError, match=words) as failed:
            bring(fake)
        assert "very-secret" not in str(failed.value)
        trouble.left = 0
        bring(fake)
        assert bring(fake) == []


def test_a_wrong_token_is_told_apart():
    with grafana() as fake, pytest.raises(DeployError, match="--token-file") as failed:
        bring(fake, token="glsa_wrong")
    assert "glsa_wrong" not in str(failed.value)


def test_a_server_that_is_slow_or_not_there_or_no_grafana_is_told_apart():
    released = threading.Event()

    def slow(method: str, path: str) -> None:
        released.wait(20)

    with grafana(trouble=slow) as fake:
        with pytest.raises(DeployError, match="does not answer in time"):
            bring(fake, timeout_s=0.2)
        released.set()
    with pytest.raises(DeployError, match="is it running"):
        bring(fake)
    babble: Trouble = lambda method, path: (200, b"<html>")  # noqa: E731
    with grafana(trouble=babble) as fake, pytest.raises(DeployError, match="is it a Grafana"):
        bring(fake)


def test_a_new_secret_is_written_where_it_is_asked_for():
    with grafana() as fake:
        bring(fake)
        assert bring(fake, Wanted(source=SOURCE, contact=WANTED.contact, rewrite_secrets=True)) == [
            "changed the data source"
        ]


@pytest.mark.parametrize(
    ("span", "seconds"),
    [
        ("60s", 60),
        ("1m", 60),
        ("1m0s", 60),
        ("0s", 0),
        ("0", 0),
        (60_000_000_000, 60),
        ("1h30m", 5400),
        ("x", None),
        (None, None),
    ],
)
def test_spans_are_the_same_in_any_writing(span: Any, seconds: float | None):
    assert seconds_of(span) == seconds
