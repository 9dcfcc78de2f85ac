"""Everything as files, for Grafana's own provisioning instead of its API.

https://grafana.com/docs/grafana/latest/administration/provisioning/ says where they go. JSON is YAML, so the files that
must end in .yaml hold JSON. The policy tree is left out: a file with one would replace whatever others made, so the
rules name the contact point themselves.
"""

from pathlib import Path
from typing import Any

from dashboards.alerting import CONTACT_NAME, FOLDER_TITLE, FOLDER_UID, GROUP, contact_point, rule_group
from dashboards.build import built, to_text
from dashboards.source import Source, data_source

WHERE = "/var/lib/grafana/dashboards/parallax"
"""Where Grafana finds the dashboards, unless another folder is said."""


def files(
    source: Source, *, signin_objective: float, contact: tuple[str, str] | None = None, where: str = WHERE
) -> dict[str, str]:
    """Texts by path. Secrets are not among them: the data source's password or header stands as a variable that Grafana
    fills in from its environment. `where`: the folder on Grafana's host that the dashboards are put into."""
    made = {f"dashboards/{name}.json": to_text(board) for name, board in built().items()}
    at = data_source(source)
    if "secureJsonData" in at:
        at["secureJsonData"] = dict.fromkeys(at["secureJsonData"], "$PARALLAX_SERIES_SECRET")
    made["provisioning/datasources/parallax.yaml"] = to_text({"apiVersion": 1, "datasources": [at]})
    provider = {
        "name": "parallax", "folder": FOLDER_TITLE, "folderUid": FOLDER_UID, "type": "file", "allowUiUpdates": False,
        "options": {"path": where},
    }  # fmt: skip
    made["provisioning/dashboards/parallax.yaml"] = to_text({"apiVersion": 1, "providers": [provider]})
    made["provisioning/alerting/parallax.yaml"] = to_text(_alerting(signin_objective, contact))
    return made


def write_files(folder: Path, made: dict[str, str]) -> list[str]:
    """Writes what differs; their paths. Raises OSError."""
    changed = []
    for path, text in made.items():
        file = folder / path
        if file.is_file() and file.read_text() == text:
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        changed.append(path)
    return changed


def _alerting(signin_objective: float, contact: tuple[str, str] | None) -> dict[str, Any]:
    group = rule_group(signin_objective)
    drop = {"folderUID", "ruleGroup", "orgID"}
    rules = [{name: value for name, value in rule.items() if name not in drop} for rule in group["rules"]]
    made: dict[str, Any] = {
        "apiVersion": 1,
        "groups": [
            {"orgId": 1, "name": GROUP, "folder": FOLDER_TITLE, "interval": f"{group['interval']}s", "rules": rules}
        ],
    }
    if contact is not None:
        point = contact_point(*contact)
        for rule in rules:
            rule["notification_settings"] = {"receiver": CONTACT_NAME}
        receiver = {name: point[name] for name in ("uid", "type", "settings", "disableResolveMessage")}
        made["contactPoints"] = [{"orgId": 1, "name": CONTACT_NAME, "receivers": [receiver]}]
    return made
