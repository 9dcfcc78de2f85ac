"""A provider of sign-in, watched by flows: cheap runs every 30 s, the whole sign-in every five minutes, from probes in
data centres and on lines as users have. A run ends at the step that fails."""

from typing import Any

from collector.events import Noticed, Risk, RiskChanged
from parallax.observation import Observation
from parallax.plan.types import Check
from parallax.reasons import REASONS
from tests.collector.detect.scenes import EIGHT, Scene, fleet

ISSUER, OTHER = "https://idp.example", "https://other.example"
LIGHT = ["discovery", "jwks"]
FULL = [*LIGHT, "authorize", "password", "token", "verify", "userinfo", "logout"]
DATA_CENTRES = [row for row in EIGHT if row[4] == "data-centre"]

PLAN = f"""
[defaults]
period = "30s"
timeout = "10s"
[[check]]
name = "sign-in"
kind = "signin"
use = "oidc.password"
issuer = "{ISSUER}"
client = {{ id = "synthetic" }}
user = {{ name = "synthetic-{{probe}}", password = "secret:PASSWORD" }}
[[component]]
name = "Sign-in"
checks = ["sign-in"]
"""
OTHER_TENANT = PLAN.partition("[[comp")[0].replace('name = "sign-in"', 'name = "other tenant"').replace(ISSUER, OTHER)
TWO_TENANTS = (
    PLAN.replace('checks = ["sign-in"]', 'checks = ["sign-in", "other tenant"]')
    + OTHER_TENANT.partition('timeout = "10s"')[2]
)


class Provider(Scene):
    """`stops` says at which step a probe's runs end, and why: by (check or "", step), (reason, probes or all)."""

    def __init__(self, plan: str = PLAN, rows: list[Any] = EIGHT) -> None:
        self.stops: dict[tuple[str, str], tuple[str, frozenset[str]]] = {}
        self.says: dict[str, dict[str, Any]] = {}
        """By step: what its findings have beside."""
        self.full = list(FULL)
        super().__init__(fleet(rows) + plan)

    def stop(self, step: str, reason: str, *, check: str = "", probes: list[str] | None = None) -> None:
        self.stops[check, step] = (reason, frozenset(probes or []))

    def go(self, step: str, check: str = "") -> None:
        del self.stops[check, step]

    def _measure(self, probe: str, check: Check, target: str) -> list[Observation]:
        if check.kind not in ("signin", "oidc"):
            return super()._measure(probe, check, target)
        turn = int(self.t // check.period)
        full = turn % 10 == 0
        steps = self.full if full else LIGHT
        run = f"{abs(hash((probe, check.name, turn))):016x}"[:16]
        found = []
        for place, step in enumerate(steps, 1):
            reason, probes = self.stops.get((check.name, step)) or self.stops.get(("", step)) or (None, frozenset())
            reason = reason if not probes or probe in probes else None
            findings: dict[str, Any] = {"place": [place, len(steps)], **self.says.get(step, {})}
            if step not in LIGHT:
                findings["every_s"] = 300
            cadence = "full" if full else "light"
            dims = {"step": step, "issuer": target, "flow": "oidc.password", "cadence": cadence}
            changes: dict[str, Any] = {"findings": findings, "dims": dims, "run": run, "reason": reason}
            found.append(self.observe(probe, check.name, target, step, **changes))
            if reason is not None and not REASONS[reason].soft:
                break
        return found

    def minutes(self, number: float) -> None:
        self.run(60 * number)

    def why(self, component: str = "Sign-in") -> str:
        return next(c.why for c in self.board.components if c.name == component)

    def step_state(self, step: str, check: str = "sign-in") -> str:
        board = next(c for c in self.board.checks if c.name == check)
        return next((subject.state for subject in board.subjects if subject.subject == step), "")

    def risks(self) -> list[Risk]:
        return list(self.board.risks)

    def risk_changes(self) -> list[tuple[str, str]]:
        return [(e.data.change, e.data.risk.title) for e in self.events if isinstance(e.data, RiskChanged)]

    def notices(self) -> list[Noticed]:
        return [e.data for e in self.events if isinstance(e.data, Noticed)]


DATA_CENTRE_PROBES = [row[0] for row in DATA_CENTRES]
