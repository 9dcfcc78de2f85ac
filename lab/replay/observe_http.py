"""What a probe would have seen of what names lead to: handshakes, requests, sign-ins."""

from collections.abc import Iterator
from typing import Any

from lab.replay.script import Mode
from lab.replay.seen import Run, Seen
from lab.replay.world import SYSTEM, rtt_ns
from parallax.clock import to_ns
from parallax.observation import Phase
from parallax.plan.kinds import SPECS
from parallax.plan.signin_specs import OidcSpec, SigninSpec
from parallax.values import Endpoint, Url
from probe.signin.cadence import cadence_at

LIGHT = ("discovery", "jwks")
WHOLE = {
    "signin": (*LIGHT, "authorize", "password", "token", "verify", "userinfo", "logout"),
    "oidc": (*LIGHT, "token", "verify"),
}


def _lookup(run: Run, host: str) -> list[str] | None:
    """The addresses that a probe's own resolver gives; None where it cannot."""
    answer = run.world.ask(run.probe.id, SYSTEM, host, run.at)
    if answer is None or answer.missing:
        return None
    return [ip for ip in answer.addresses if (6 if ":" in ip else 4) in run.probe.families]


def see_dialled(run: Run) -> Iterator[Seen]:
    """A kind with an endpoint: each address that its name has."""
    read = SPECS[run.check.kind].endpoint
    assert read is not None
    endpoint: Endpoint = read(run.target)
    dialled = run.check.pinned or endpoint.address
    ips = [dialled.ip] if dialled is not None else _lookup(run, endpoint.host)
    if ips is None:
        yield Seen(
            subject=str(endpoint),
            reason="dns_servfail",
            fault="resolver",
            findings={"lookup": [{"outcome": "SERVFAIL", "type": "A"}]},
            duration_ns=run.late_ns,
        )
        return
    for ip in ips:
        region = run.world.serving(ip, run.at, run.probe.id)
        subject = f"[{ip}]:{endpoint.port}" if ":" in ip else f"{ip}:{endpoint.port}"
        dims = {"address": ip, "family": "6" if ":" in ip else "4"}
        if run.world.lost() or region is None:
            yield Seen(subject=subject, dims=dims, reason="connect_timeout", duration_ns=run.timeout_ns)
            continue
        mode = run.world.request_mode(region, run.at)
        took = to_ns(region.latency * run.world.rng.uniform(0.8, 1.6)) + 3 * run.rtt_ns(ip)
        if run.check.kind == "tls" and mode not in ("dark", "refused"):
            mode = None  # who answers 429 has shaken hands
        reason, status, took = _answered(run, mode, took)
        if status and run.check.kind == "http":
            dims["region"] = region.name
        findings = {"status": status, "addresses": ips} if status and run.check.kind == "http" else {"addresses": ips}
        yield Seen(
            subject=subject,
            dims=dims,
            reason=reason,
            findings=findings,
            duration_ns=took,
            phases=_phases(run, ip, took),
        )


def _answered(run: Run, mode: Mode | None, took: int) -> tuple[str | None, int, int]:
    """The reason, the status (0: none came) and how long it took."""
    match mode:
        case "dark":
            return "connect_timeout", 0, run.timeout_ns
        case "refused":
            return "connect_refused", 0, run.rtt_ns(run.target)
        case "errors":
            return "http_server_error", 503, took
        case "throttled":
            return "http_throttled", 429, run.rtt_ns(run.target) * 3
        case "slow":
            took = int(run.timeout_ns * run.world.rng.uniform(0.4, 1.6))
            return ("first_byte_timeout", 0, run.timeout_ns) if took > run.timeout_ns else ("http_slow", 200, took)
        case _:
            return None, 200, min(took, run.timeout_ns)


def _phases(run: Run, ip: str, took: int) -> tuple[Phase, ...]:
    """As a request has them: connect, handshake, then the wait for the first octet."""
    rtt = min(rtt_ns(run.probe, ip), took // 4)
    return (
        Phase("connect", 0, rtt),
        Phase("tls", rtt, rtt),
        Phase("first_byte", 2 * rtt, max(took - 2 * rtt, 0)),
    )


def see_flow(run: Run) -> Iterator[Seen]:
    """A sign-in, or a client's token: its steps, until one fails."""
    spec, kind = run.check.spec, run.check.kind
    assert isinstance(spec, SigninSpec | OidcSpec)
    every = spec.every.full if isinstance(spec, SigninSpec) else spec.every
    if isinstance(spec, SigninSpec):
        full = cadence_at(run.probe.id, run.check.name, run.at, run.check.period, spec.every) == "full"
    else:
        full = run.turn % max(round(every / run.check.period), 1) == 0
    steps = WHOLE[kind] if full else LIGHT
    host = Url(run.target).endpoint.host
    ips = [run.check.pinned.ip] if run.check.pinned is not None else _lookup(run, host)
    region = run.world.serving(ips[0], run.at, run.probe.id) if ips else None
    begun = 0
    for place, step in enumerate(steps, 1):
        dims = {"step": step, "issuer": run.target, "cadence": "full" if full else "light"}
        if isinstance(spec, SigninSpec):
            dims["flow"] = spec.use or "steps"
        if ips:
            dims |= {"address": ips[0], "family": "6" if ":" in ips[0] else "4"}
        findings: dict[str, Any] = {"place": [place, len(steps)]}
        if step not in LIGHT:
            findings["every_s"] = max(float(every), float(run.check.period))
        reason: str | None
        fault: str | None = None
        if ips is None:
            reason, took, fault = "dns_servfail", run.late_ns, "resolver"
        elif region is None or run.world.lost():
            reason, took = "connect_timeout", run.timeout_ns
        else:
            mode = run.world.request_mode(region, run.at + begun)
            usual = to_ns(region.latency * run.world.rng.uniform(0.8, 1.6)) + 2 * run.rtt_ns(ips[0])
            found, status, took = _answered(run, mode, usual)
            reason = _of_step(step, found)
            if status:
                findings["status"] = status
        yield Seen(
            subject=step,
            dims=dims,
            reason=reason,
            fault=fault,
            findings=findings,
            duration_ns=took,
            after_ns=begun,
        )
        begun += took
        if reason is not None and reason != "http_slow":
            return


def _of_step(step: str, reason: str | None) -> str | None:
    """What a step says where a request would say this."""
    if reason == "http_server_error" and step in LIGHT:
        return f"{step}_http"
    return None if reason == "http_slow" else reason  # a step has no opinion on how long it took
