"""Observations and points as lines, within bounds."""

import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.history.tables import PHASES as HISTORY_PHASES
from collector.series.annotations import event_points
from collector.series.encode import Encoder, outcome_of
from collector.series.labels import Labels
from collector.series.measured import Measured, findings_of, measured, read_batch
from parallax import points, wire
from parallax.clock import NS
from parallax.exposition import Point, exposition
from parallax.health_point import health_point
from parallax.observation import PENDING, Observation, Phase
from parallax.plan.kinds import SPECS
from parallax.reasons import REASONS
from tests.fakes.events import incident, risk
from tests.fakes.observations import observation

VECTORS = Path(__file__).parents[2] / "vectors"
LATEST = 2**62
LINE = re.compile(r"(?P<head>(?:\\.|[^\\ ])+) (?P<fields>[^ ]+) (?P<at>-?\d+)")
AT = 1_700_000_000 * NS


def lines(*observations: Observation, latest: int = LATEST, shift: int = 0) -> list[str]:
    return Encoder().observations(measured([*observations]), shift, latest)


def fields_of(line: str) -> dict[str, float]:
    found = LINE.fullmatch(line)
    assert found, line
    return {name: float(value) for name, value in (each.split("=") for each in found["fields"].split(","))}


def test_a_line_has_all_that_is_measured():
    made = lines(
        observation(
            kind="http", dims={"family": "4", "region": "eu", "hop": "2", "address": "192.0.2.1"}, site="fra1",
            duration_ns=7_000_001, phases=[Phase("connect", 0, 5), Phase("tls", 5, 1_000), Phase("made up", 7, 8)],
            reason="http_status", fault="target", findings={"status": 503, "days_left": 12.5, "hops": True},
            started_at=AT,
        )
    )  # fmt: skip
    assert made == [
        "parallax_http,check=web,family=4,fault=target,outcome=failed,probe=p1,reason=http_status,"
        "region=eu,site=fra1,subject=192.0.2.1:443,target=https://a.example/ "
        f"ok=0,duration_seconds=7000001e-9,connect_seconds=5e-9,tls_seconds=1000e-9,status=503,days_left=12.5 {AT}"
    ]


@pytest.mark.parametrize("file", sorted(VECTORS.glob("observation-*.msgpack")), ids=lambda file: file.stem)
def test_what_a_kind_says_is_what_the_names_say(file: Path):
    o = msgspec.msgpack.decode(file.read_bytes(), type=Observation)
    (line,) = lines(o)
    measurement = points.OBSERVATIONS[o.kind]
    assert line.startswith(f"{measurement.name},")
    assert fields_of(line).keys() <= {field.name for field in measurement.fields}


def test_what_is_read_of_a_batch_stands_where_the_wire_has_it():
    assert Measured.__struct_fields__ == Observation.__struct_fields__
    sent = [observation(seq=n + 1, site="fra1", findings={"status": 200 + n}, attempt=2) for n in range(3)]
    whole = wire.Batch(
        probe="p1", stream=sent[0].stream, first_seq=1, last_seq=3, cut_at=0, egress={"4": "192.0.2.1"},
        observations=sent,
    )  # fmt: skip
    found = read_batch(wire.encode(whole), content_type=wire.MSGPACK, encoding=wire.ZSTD)
    assert found == measured(sent)
    assert [findings_of(o.findings).status for o in found] == [200, 201, 202]
    as_json = msgspec.json.encode(whole)
    assert read_batch(as_json, content_type=wire.JSON, encoding="") == found


@given(st.binary(max_size=200))
def test_octets_that_are_no_batch_are_refused_as_such(octets: bytes):
    with pytest.raises(wire.WireError):
        read_batch(octets, content_type=wire.MSGPACK, encoding="")


def test_numbers_that_only_json_has_cost_the_findings_that_they_are_in():
    found = measured([observation(seq=n, findings={"status": number}) for n, number in ((1, 10**400), (2, 200))])
    assert [findings_of(o.findings).status for o in found] == [None, 200]


def test_every_kind_of_the_plan_has_its_measurement():
    assert points.OBSERVATIONS.keys() == SPECS.keys()
    names = [measurement.name for measurement in points.MEASUREMENTS]
    assert len(names) == len(set(names))


def test_phases_are_those_of_the_history():
    assert points.PHASES == HISTORY_PHASES


def test_a_phase_that_came_twice_is_added_up():
    (line,) = lines(observation(phases=[Phase("send", 0, 3), Phase("connect", 0, 1), Phase("send", 4, 5)]))
    assert fields_of(line)["send_seconds"] == 8e-9


def test_what_is_not_over_is_no_point_and_a_control_attempt_is_told_apart():
    made = lines(observation(abstain=PENDING), observation(attempt=2), observation(kind="brand.new"))
    assert len(made) == 2
    assert "attempt=again" in made[0]
    assert "attempt" not in made[1]
    assert made[1].startswith("parallax_other,")
    assert "kind=brand.new" in made[1]


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "ok"),
        ({"reason": "http_status"}, "failed"),
        ({"reason": next(word for word, reason in REASONS.items() if reason.soft)}, "degraded"),
        ({"reason": "never heard of"}, "failed"),
        ({"reason": "http_status", "abstain": "uplink_v4"}, "abstained"),
    ],
)
def test_outcomes(changes: dict[str, str], outcome: str):
    assert outcome_of(measured([observation(**changes)])[0]) == outcome


def test_two_of_one_moment_are_two_points_and_nobody_is_in_the_future():
    made = lines(*[observation(started_at=AT)] * 3, observation(started_at=AT, subject="b"))
    assert [line.rpartition(" ")[2] for line in made] == [str(AT), str(AT + 1), str(AT + 2), str(AT)]
    made = lines(*[observation(started_at=AT + after) for after in (1, 0, 0, 2)])
    assert len({line.rpartition(" ")[2] for line in made}) == 4, "moved, it meets none that was there"
    made = lines(*[observation(started_at=AT + NS)] * 3, latest=AT)
    assert [int(line.rpartition(" ")[2]) for line in made] == [AT - 2, AT - 1, AT]
    assert lines(*[observation(started_at=AT + NS)] * 3, latest=AT) == made, "written again it is the same"


def test_a_server_with_endless_names_makes_no_endless_series():
    encoder = Encoder(most_series=3000)
    made = [
        line
        for n in range(6000)
        for line in encoder.observations(
            measured([observation(site=f"site-{n}", subject=f"s{n}", started_at=AT)]), 0, LATEST
        )
    ]
    heads = {line.partition(" ")[0] for line in made}
    assert len(heads) <= 3001
    sites = {found[1] for line in made if (found := re.search(r",site=([^, ]+)", line))}
    assert len(sites) <= points.SITE.most + 1
    assert "other" in sites
    assert encoder.labels.folded > 0


@pytest.mark.parametrize("measurement", points.MEASUREMENTS, ids=lambda each: each.name)
def test_every_tag_has_a_bound(measurement: points.Measurement):
    labels = Labels()
    for tag in measurement.tags:
        admitted = {labels.admit(tag.name, f"v{n}", tag.most) for n in range(tag.most + 50)}
        assert len(admitted) == tag.most + 1
    assert not {tag.name for tag in measurement.tags} & {field.name for field in measurement.fields}
    assert not any(field.text for field in measurement.fields) or measurement is points.ANNOTATION


def test_tags_of_one_name_in_two_measurements_have_a_bound_each():
    encoder = Encoder()
    for kind in SPECS:
        tags = {"check": "c", "kind": kind, "target": "t", "subject": "s"}
        encoder.point(Point(of=points.CHECK_STATE, at=AT, tags=tags, fields={"state": 0}))
    for kind in ("delegation", "chain"):
        line = encoder.point(
            Point(of=points.MOVE, at=AT, tags={"kind": kind, "zone": "z"}, fields={"parents_share": 1})
        )
        assert f",kind={kind}," in line


def test_no_secret_and_nothing_long_is_a_tag():
    secret, text = "Bearer s3cr3t-t0ken", "x" * 5000
    (line,) = lines(
        observation(
            kind="http", findings={"headers": {"authorization": secret}, "url": secret, "status": secret},
            dims={"issuer": secret, "region": text}, subject=text, reason=text, fault=text,
        )
    )  # fmt: skip
    assert "s3cr3t" not in line
    assert len(line) < 1000
    assert "reason=other" in line
    assert "fault=other" in line


nasty = st.text(st.characters(codec="utf-8"), max_size=200)


@settings(max_examples=300, deadline=None)
@given(nasty, nasty, nasty, st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_whatever_a_probe_says_is_one_whole_line(check: str, subject: str, site: str, at: int, span: int):
    encoder = Encoder()
    o = observation(
        check=check or "c", subject=subject, site=site, started_at=at, duration_ns=span,
        dims={site: check, "zone": subject},
        findings={"status": span, "days_left": 10**400},
    )  # fmt: skip
    (line,) = encoder.observations(measured([o]), 0, AT)
    assert "\n" not in line
    assert line.isprintable()
    found = LINE.fullmatch(line)
    assert found, line
    assert 0 <= int(found["at"]) <= AT
    head = re.sub(r"\\[ ,=]", "_", found["head"])
    assert all(pair.count("=") == 1 and pair[-1] != "=" for pair in head.split(",")[1:])


def test_an_incident_is_a_note_with_texts_where_they_can_be_held():
    encoder = Encoder()
    (point,) = event_points(incident("i1", "opened", at=AT, title='it "broke"\nbadly\\'), 1_007)
    line = encoder.point(point)
    assert line == (
        "parallax_annotation,severity=critical,type=incident.opened "
        f'value=1.0,id="i1",title="it \\"broke\\" badly\\\\",text="it is opened" {AT + 1007}'
    )
    assert encoder.point(point, texts=False) == (
        f"parallax_annotation,severity=critical,type=incident.opened value=1.0 {AT + 1007}"
    )
    assert not list(event_points(incident("i1", "updated"), 1))
    (raised,) = event_points(risk(), 5)
    assert raised.tags["type"] == "risk.raised"


def test_a_probes_report_is_numbers_whatever_it_says():
    found = {
        "lag_s": 0.5,
        "rss": "much",
        "spool": [],
        "skipped": {"a": 1, "b": "x", "c": 2},
        "clock_synchronised": True,
    }
    point = health_point("p1", found, AT)
    assert {name: value for name, value in point.fields.items() if value is not None} == {
        "lag_seconds": 0.5, "clock_synchronised": 1.0, "skipped": 3, "lost": 0,
    }  # fmt: skip


def test_prometheus_reads_metrics_of_every_measurement():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: apt install prometheus")
    awkward = 'a "b"\\c\nd, {e="f"}'
    text = exposition(
        Point(
            of=of, at=AT, tags={tag.name: awkward for tag in of.tags},
            fields={field.name: awkward if field.text else 1e-9 for field in of.fields},
        )
        for of in points.MEASUREMENTS
        if of not in (*points.OBSERVATIONS.values(), points.MINUTE, points.CHECK_MINUTE)  # what is written alone
    )  # fmt: skip
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]
    assert len(names) == len(set(names)), "no measurement and field make another's name"


def test_metrics_have_the_names_of_series():
    text = exposition(
        [
            Point(of=points.COMPONENT_STATE, at=AT, tags={"component": 'Sign "in"\\'}, fields={"state": 2}),
            Point(of=points.COMPONENT_STATE, at=AT, tags={"component": "Mail"}, fields={"state": None}),
            Point(of=points.COLLECTOR, at=AT, fields={"up_seconds": 1.5}),
        ]
    )
    assert 'parallax_component_state{component="Sign \\"in\\"\\\\"} 2.0' in text.splitlines()
    assert "parallax_collector_up_seconds 1.5" in text.splitlines()
    assert "# UNIT parallax_collector_up_seconds seconds" in text.splitlines()
    assert "Mail" not in text
    assert text.endswith("# EOF\n")
