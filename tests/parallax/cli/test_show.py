"""What a person reads of an observation."""

from typing import Any

import pytest
from rich.console import Console

from parallax.cli.grades import exit_status, grade
from parallax.cli.show import headline, render
from parallax.observation import Observation, Phase
from parallax.reasons import REASONS

MS = 1_000_000


def seen(**changes: Any) -> Observation:
    fields: dict[str, Any] = {
        "probe": "local",
        "stream": "",
        "seq": 0,
        "run": "ab" * 8,
        "check": "by hand",
        "kind": "tls",
        "target": "shop.example:443",
        "subject": "192.0.2.1:443",
        "dims": {},
        "scheduled_at": 0,
        "started_at": 1_790_000_000_000_000_000,
        "duration_ns": 60 * MS,
        "phases": [Phase("lookup", 0, 10 * MS), Phase("connect", 10 * MS, 20 * MS), Phase("tls", 30 * MS, 30 * MS)],
    }
    return Observation(**(fields | changes))


def failed(reason: str, **changes: Any) -> Observation:
    return seen(reason=reason, fault=changes.pop("fault", REASONS[reason].fault), **changes)


def text(*observations: Observation, width: int = 80, plain: bool = False) -> str:
    console = Console(width=width, no_color=True, force_terminal=False)
    with console.capture() as capture:
        console.print(render(observations, width=width, plain=plain))
    return capture.get()


def test_the_verdict_comes_first_then_whose_fault_and_what_to_look_at():
    lines = [line.strip() for line in text(failed("tls_expired")).splitlines()]
    assert lines[0] == "failed: the certificate has expired (tls_expired)"
    assert lines[1] == "fault     the target"
    assert lines[2] == f"look at   {REASONS['tls_expired'].look}"


def test_the_waterfall_is_to_scale():
    lines = {line.split()[0]: line for line in text(seen(), plain=True).splitlines() if "#" in line}
    assert list(lines) == ["lookup", "connect", "tls"]
    whole = sum(line.count("#") for line in lines.values())
    for name, share in (("lookup", 1 / 6), ("connect", 2 / 6), ("tls", 3 / 6)):
        assert lines[name].count("#") / whole == pytest.approx(share, abs=0.03)
    assert lines["connect"].index("#") == lines["lookup"].rindex("#") + 1
    assert lines["tls"].rstrip().endswith("30 ms")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int):
    observation = failed(
        "tls_wrong_name",
        target="a-rather-long-host-name.with.many.labels.example:443",
        findings={"chain": [{"subject": "CN=" + "x" * 300, "names": [f"n{i}.example" for i in range(40)]}]},
    )
    assert max(map(len, text(observation, seen(), width=width).splitlines())) <= width


def test_a_phase_of_no_time_and_one_of_all_time_both_show():
    phases = [Phase("connect", 0, 0), Phase("tls", 0, 5_000 * MS)]
    shown = text(failed("tls_timeout", phases=phases, duration_ns=5_000 * MS), plain=True)
    assert "connect  #" in shown
    assert "5.00 s" in shown


def test_a_duration_shorter_than_its_phases_does_no_harm():
    assert "tls" in text(seen(duration_ns=0))
    assert "connect" in text(seen(duration_ns=0, phases=[Phase("connect", 0, 0)]))


def test_terminal_escapes_from_the_network_are_shown_not_sent():
    evil = "\x1b]0;owned\x07\x9b31m\u202egnp\r\n"
    observation = failed(
        "tls_untrusted",
        target=f"a{evil}b",
        site=evil,
        findings={"chain": [{f"sub{evil}ject": evil}], "detail": evil, f"k{evil}": [evil], "answers": [evil]},
    )
    shown = text(observation, seen(subject=evil))
    assert not [c for c in shown if c != "\n" and not c.isprintable()]
    assert "\\x1b]0;owned" in shown


def test_rich_markup_from_the_network_is_text():
    assert "[bold]x[/bold] [/nope]" in text(seen(findings={"detail": "[bold]x[/bold] [/nope]"}))


def test_answers_and_the_lookup_are_shown():
    findings = {
        "lookup": [{"resolver": "192.0.2.53:53", "type": "A", "outcome": "NOERROR", "duration_ns": 812_345}],
        "addresses": ["192.0.2.1"],
        "answers": [{"owner": "www.example", "type": "A", "ttl": 300, "text": "192.0.2.1"}],
        "rcode": "NOERROR",
        "flags": ["QR", "AA"],
    }
    shown = text(seen(kind="dns", findings=findings))
    assert "192.0.2.53:53  A  NOERROR  0.8 ms" in shown
    assert "addresses: 192.0.2.1" in shown
    assert "www.example  300  A  192.0.2.1" in shown
    assert "flags  QR, AA" in shown


def test_several_observations_begin_with_the_worst_then_a_summary():
    lines = text(seen(), failed("connect_refused", subject="[2001:db8::1]:443")).splitlines()
    assert lines[0] == "failed at 1 of 2: nothing listens on the port (connect_refused)"
    assert lines[1].split() == ["fault", "the", "target"]
    assert lines[4].split()[:2] == ["ok", "192.0.2.1:443"]
    assert lines[5].split() == ["failed", "[2001:db8::1]:443", "60", "ms", "connect_refused"]


@pytest.mark.parametrize(
    ("observations", "first"),
    [
        ([seen(), seen()], "ok at all 2"),
        ([seen(), failed("http_slow")], "degraded at 1 of 2: "),
        ([failed("http_challenge"), failed("http_slow"), seen()], "unknown at 1 of 3: "),
        ([failed("connect_refused")] * 3, "failed at all 3: nothing listens on the port (connect_refused)"),
        (
            [failed("connect_timeout"), failed("connect_refused"), seen()],
            "failed at 1 of 3: no answer to the connection attempt (connect_timeout) (1 more failed in other ways)",
        ),
    ],
)
def test_the_verdict_on_several(observations: list[Observation], first: str):
    assert text(*observations, width=120).splitlines()[0].startswith(first)


def test_a_summary_that_would_not_fit_has_two_lines_for_each():
    shown = text(seen(), failed("connect_refused", subject="[2001:db8::1]:443"), width=40)
    lines = [line.rstrip() for line in shown.splitlines()]
    at = lines.index("  failed  [2001:db8::1]:443")
    assert lines[at + 1] == "    60 ms  connect_refused"


def test_a_lookup_that_addresses_share_is_shown_once():
    findings = {"lookup": [{"resolver": "192.0.2.53:53", "type": "A", "outcome": "NOERROR"}], "addresses": ["x", "y"]}
    shown = text(seen(findings=findings), seen(findings=findings))
    assert shown.count("addresses: x, y") == 1
    other = {"lookup": [{"resolver": "192.0.2.54:53", "type": "A", "outcome": "NOERROR"}], "addresses": ["x", "y"]}
    assert text(seen(findings=findings), seen(findings=other)).count("addresses: x, y") == 2


@pytest.mark.parametrize(
    ("observation", "row"),
    [
        (failed("http_status", findings={"status": 404}), "found     status 404"),
        (
            failed("http_status", findings={"assertion": {"of": "status", "expected": "204", "found": "200"}}),
            "expected  status 204",
        ),
        (
            failed(
                "dns_wrong_answer",
                findings={"expected": {"values": ["192.0.2.9"]}, "answers": [{"type": "A", "text": "192.0.2.1"}]},
            ),
            "found     192.0.2.1",
        ),
        (
            failed("dns_wrong_answer", findings={"expected": {"rcode": "NXDOMAIN"}, "rcode": "NOERROR"}),
            "found     NOERROR",
        ),
        (failed("tls_wrong_name", findings={"chain": [{"names": ["b.example"]}]}), "found     names: b.example"),
        (failed("tls_expired", findings={"chain": [{"not_after": "2020-01-01"}]}), "found     not after: 2020-01-01"),
        (
            failed(
                "tls_expired", findings={"verify": {"depth": 1, "certificate": "CN=A"}, "chain": [{"not_after": 1}]}
            ),
            "found     not the leaf's, but of CN=A",
        ),
        (
            failed("tls_chain_incomplete", findings={"untrusted": {"why": "x", "missing_issuer": "CN=A", "sent": 1}}),
            "found     why x, missing issuer CN=A",
        ),
        (
            failed("tls_revoked", findings={"staple": {"status": "revoked", "revoked_at": "2020-01-01"}}),
            "found     revoked at 2020-01-01",
        ),
        (failed("tls_certificates_differ", findings={"differs": ["issuer"]}), "found     issuer"),
    ],
)
def test_what_the_verdict_rests_on_stands_beside_it(observation: Observation, row: str):
    assert row in [line.strip() for line in text(observation).splitlines()[:6]]


@pytest.mark.parametrize(
    "findings", [{"chain": ["odd"]}, {"chain": 1}, {"assertion": "odd"}, {"chain": []}, {"untrusted": 1}]
)
def test_findings_of_an_odd_shape_do_no_harm(findings: dict[str, Any]):
    for reason in ("tls_wrong_name", "tls_untrusted", "http_status", "dns_wrong_answer"):
        assert text(failed(reason, findings=findings)).startswith("failed")


def test_one_that_is_ok_says_what_was_found():
    assert headline(seen(findings={"status": 204})) == "ok: status 204"
    assert headline(seen(findings={"answers": [{"text": f"192.0.2.{n}"} for n in range(6)]})).endswith("and 2 more")
    assert headline(seen(findings={"version": "TLSv1.3", "days_left": 9})) == "ok: TLSv1.3, certificate has 9 days left"
    assert headline(seen()) == "ok"


def test_what_was_asked_is_shown():
    console = Console(width=80)
    with console.capture() as capture:
        console.print(render([seen(kind="dns")], asked="www.example A"))
    assert "asked     www.example A" in capture.get()


def test_a_long_detail_is_wrapped_not_cut():
    assert "the-end" in text(failed("tls_alert", findings={"detail": "word " * 40 + "the-end"}))


def test_nothing_measured_is_unknown():
    assert text().startswith("unknown")
    assert exit_status([]) == 3


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_a_verdict_line(reason: str):
    observation = failed(reason)
    assert headline(observation) == f"{grade(observation)}: {REASONS[reason].meaning} ({reason})"
    assert REASONS[reason].look.split()[0] in text(observation)


def test_a_reason_of_a_newer_version_is_shown_as_it_is():
    assert "dns_something_new" in text(seen(reason="dns_something_new", fault="target"))


@pytest.mark.parametrize(
    ("observations", "status"),
    [
        ([seen()], 0),
        ([failed("http_slow")], 0),
        ([seen(), failed("connect_refused")], 1),
        ([failed("http_challenge")], 3),
        ([failed("http_throttled")], 0),
        ([failed("local_error"), seen()], 3),
        ([failed("local_error"), failed("tls_expired")], 1),
        ([failed("unsupported")], 2),
        ([failed("connect_timeout", abstain="uplink_v4")], 3),
        ([seen(abstain="overload")], 3),
    ],
)
def test_exit_status(observations: list[Observation], status: int):
    assert exit_status(observations) == status
