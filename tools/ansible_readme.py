"""Writes ansible/README.md from the roles' argument specs, as `python -m tools.docs` does with the other pages."""

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

COLLECTION = Path(__file__).parent.parent / "ansible"
ROLES = ("common", "probe", "collector", "influxdb", "grafana")
_HEAD = """<!-- Made by `python -m tools.docs` from meta/argument_specs.yml of the roles; edit those. -->

# parallax.monitor

From a few hosts to a network of probes, and keeping it so. How to go about it: [docs/deploy.md](../docs/deploy.md).

| Playbook | What it does |
|---|---|
| `site.yml` | installs what is not there, and brings configs, units and the plan up to the inventory |
| `upgrade.yml` | another release: the collector, then probe after probe; what does not report goes back |
| `rotate.yml` | a new token for each probe, without a gap |
| `remove.yml` | takes all of it away from the hosts that `--limit` names |

Hosts are in the groups `collector` (one), `probes`, and by choice `influxdb` and `grafana`.
"""


def readme() -> str:
    """The page."""
    parts = [_HEAD.rstrip()]
    for role in ROLES:
        path = COLLECTION / "roles" / role / "meta" / "argument_specs.yml"
        spec = yaml.safe_load(path.read_text("utf-8"))["argument_specs"]["main"]
        parts.append(
            f"\n## {role}\n\n{spec['description']}\n\n| Variable | Type | Default | Meaning |\n|---|---|---|---|"
        )
        parts.extend(_row(name, option) for name, option in spec["options"].items())
    return "\n".join(parts) + "\n"


def _row(name: str, option: dict[str, Any]) -> str:
    kind = f"list of {option['elements']}" if "elements" in option else option["type"]
    if "choices" in option:
        kind = ", ".join(f"`{choice}`" for choice in option["choices"])
    default = option.get("default", "")
    shown = f"`{str(default).lower() if isinstance(default, bool) else default}`" if default not in ("", [], {}) else ""
    return f"| `{name}` | {kind} | {shown} | {option['description'].replace('|', chr(92) + '|')} |"
