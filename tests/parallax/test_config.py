"""Configs load whole or are refused; tests/bad_configs/ holds refused ones with their exact messages (`#= ...`)."""

from pathlib import Path

import pytest

from parallax.config_loading import ConfigErrors, load_collector_config, load_probe_config
from parallax.values import Address, Duration, Size

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "bad_configs"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.toml")), ids=lambda file: file.stem)
def test_a_bad_config_is_refused_with_its_exact_messages(file: Path) -> None:
    expected = [line[3:] for line in file.read_text("utf-8").splitlines() if line.startswith("#= ")]
    load = load_probe_config if file.stem.startswith("probe") else load_collector_config
    with pytest.raises(ConfigErrors) as caught:
        load(file)
    assert str(caught.value).replace(f"{FOLDER}/", "").splitlines() == expected


def test_the_examples_load() -> None:
    probe = load_probe_config(ROOT / "docs" / "examples" / "probe.toml")
    assert probe.collector[0].address == "192.0.2.80:8600"
    assert (probe.limits.spool_size, probe.limits.spool_age) == (Size(256_000_000), Duration(7 * 86400))
    collector = load_collector_config(ROOT / "docs" / "examples" / "collector.toml")
    assert (collector.listen, collector.tls) == (Address("127.0.0.1:8600"), None)


def test_relative_paths_start_at_the_configs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ca.pem", "a.pem", "key.pem"):
        (tmp_path / name).touch()
    (tmp_path / "probe.toml").write_text(
        'id = "a"\nstate = "state"\nca = "ca.pem"\n'
        '[[collector]]\nurl = "https://127.0.0.1:1"\ntoken = "file:token"\nca = "a.pem"\n'
        '[[collector]]\nurl = "https://127.0.0.1:2"\ntoken = "file:/etc/token"\n'
    )
    (tmp_path / "collector.toml").write_text(
        'state = "/var/lib/x"\nplan = "plans"\n[tls]\ncertificate = "a.pem"\nkey = "key.pem"\n'
    )
    monkeypatch.chdir(tmp_path)
    probe = load_probe_config(Path("probe.toml"))
    assert (probe.state, probe.ca) == (f"{tmp_path}/state", f"{tmp_path}/ca.pem")
    assert [entry.token for entry in probe.collector] == [f"file:{tmp_path}/token", "file:/etc/token"]
    assert probe.collector[0].ca == f"{tmp_path}/a.pem"
    collector = load_collector_config(tmp_path / "collector.toml")
    assert (collector.state, collector.plan) == ("/var/lib/x", f"{tmp_path}/plans")
    assert collector.tls is not None
    assert collector.tls.key == f"{tmp_path}/key.pem"


def test_a_config_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match=r"probe\.toml: cannot be read: No such file or directory$"):
        load_probe_config(tmp_path / "probe.toml")
