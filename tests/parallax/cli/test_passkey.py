from pathlib import Path

from click.testing import CliRunner

from parallax.cli.passkey import passkey
from probe.webauthn import read_passkey


def test_a_passkey_is_its_owners_and_is_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "passkey"
    made = CliRunner().invoke(passkey, ["new", str(file), "--name", "SSO"])
    assert made.exit_code == 0
    assert made.stdout.startswith(f'[secrets.SSO]\nfrom = "file:{file}"\n')
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    read_passkey(text)
    assert text.strip() not in made.output
    again = CliRunner().invoke(passkey, ["new", str(file)])
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    assert file.read_text() == text
    lost = CliRunner().invoke(passkey, ["new", str(tmp_path / "none" / "passkey")])
    assert "cannot be written" in lost.stderr
