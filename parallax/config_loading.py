"""Configs from their files: parsed, complete, with absolute paths, or every problem with its place."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from parallax.config import BoundSecret, CollectorAddress, CollectorConfig, ProbeConfig, Tls
from parallax.config_rules import collector_faults, probe_faults
from parallax.loading.convert import Fault, convert_table
from parallax.loading.document import parse_document, read_text
from parallax.loading.places import problems_of
from parallax.loading.problems import LoadErrors, Problem
from parallax.watch_config import Pager


class ConfigErrors(LoadErrors):
    """A config was refused; `problems` holds everything that is wrong with it."""


def load_collector_config(path: Path) -> CollectorConfig:
    """collector.toml with absolute paths. Raises ConfigErrors with every problem."""
    config: CollectorConfig = _load(path, CollectorConfig, collector_faults)
    return config


def load_probe_config(path: Path) -> ProbeConfig:
    """probe.toml with absolute paths. Raises ConfigErrors with every problem."""
    config: ProbeConfig = _load(path, ProbeConfig, probe_faults)
    return config


def _load(path: Path, kind: type[Any], rules: Callable[[Any], Iterator[Fault]]) -> Any:
    text = read_text(path)
    document = text if isinstance(text, Problem) else parse_document(text, str(path))
    if isinstance(document, Problem):
        raise ConfigErrors([document])
    faults: list[Fault] = []
    config = convert_table(document.table, kind, faults)
    if not faults:
        config = _with_folder(config, path.absolute().parent)
        faults.extend(rules(config))
    if faults:
        raise ConfigErrors(problems_of(document, faults))
    return config


def _with_folder(config: Any, folder: Path) -> Any:
    """The config with its paths made absolute."""
    changes: dict[str, Any] = {}
    for name in config.__struct_fields__:
        value = getattr(config, name)
        if name in ("collector", "hook", "peer", "series"):
            changes[name] = [_with_folder(entry, folder) for entry in value]
        elif isinstance(value, Tls | Pager):
            changes[name] = _with_folder(value, folder)
        elif name in _references(config) and value:
            changes[name] = _reference_from(folder, value)
        elif name in _PATHS and value:
            changes[name] = str(folder / Path(value).expanduser())
        elif name == "keys":
            changes[name] = [_reference_from(folder, reference) for reference in value]
        elif name == "secrets":
            changes[name] = {key: _secret_from(folder, entry) for key, entry in value.items()}
    return msgspec.structs.replace(config, **changes)


def _secret_from(folder: Path, entry: "str | BoundSecret") -> "str | BoundSecret":
    if isinstance(entry, BoundSecret):
        return msgspec.structs.replace(entry, source=_reference_from(folder, entry.source))
    return _reference_from(folder, entry)


def _reference_from(folder: Path, reference: str) -> str:
    """A secret's place with its path made absolute."""
    if not reference.startswith("file:") or reference == "file:":
        return reference
    return f"file:{folder / Path(reference.removeprefix('file:')).expanduser()}"


_PATHS = ("state", "plan", "certificate", "key", "ca")


def _references(config: Any) -> tuple[str, ...]:
    """The keys that say where a secret is."""
    more = ["certificate"] * isinstance(config, CollectorAddress) + ["key"] * isinstance(config, Pager)
    return ("token", "password", *more)
