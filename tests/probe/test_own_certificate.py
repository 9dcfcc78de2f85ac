"""How long a probe's own certificates hold: read from files, judged by a moment."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from parallax.clock import NS
from parallax.config import CollectorAddress
from parallax.values import Address, Url
from probe.own_certificate import DAY_S, LACK, OwnCertificate, certificate_lacks, read_own
from tests.parts.certificates import DAY, Authority

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * NS


def own(days: float, url: str = "https://c.example") -> OwnCertificate:
    return OwnCertificate(url=url, expires_at=NOW_NS + int(days * DAY_S) * NS)


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ([], ""),
        ([own(31)], ""),
        ([own(31), own(400, "https://d.example")], ""),
        ([own(30)], "for https://c.example expires at 2026-12-22 12:00 UTC"),
        ([own(400), own(1, "https://d.example")], "for https://d.example expires at 2026-11-23 12:00 UTC"),
        ([own(0)], "for https://c.example expired at 2026-11-22 12:00 UTC"),
        ([own(-3)], "expired at 2026-11-19 12:00 UTC; enrol this probe again"),
    ],
)
def test_what_ends_within_a_month_is_lacking(held: list[OwnCertificate], why: str) -> None:
    lacks = certificate_lacks(held, NOW_NS)
    assert lacks.keys() == ({LACK} if why else set())
    assert why in lacks.get(LACK, "")
    assert all(len(each) <= 200 for each in lacks.values()), "the collector cuts it there"


def test_it_is_read_from_the_file_that_has_the_key_too(tmp_path: Path) -> None:
    leaf = Authority().leaf("fra1", until=NOW + 5 * DAY)

    def at(name: str, text: str | None) -> CollectorAddress:
        path = tmp_path / name
        if text is not None:
            path.write_text(text)
            path.chmod(0o600)
        url = Url(f"https://{name}.example")
        return CollectorAddress(url=url, token="file:t", address=Address("127.0.0.1:1"), certificate=f"file:{path}")

    plain = CollectorAddress(url=Url("https://plain.example"), token="file:t", address=Address("127.0.0.1:1"))
    garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    good = [at("first", leaf.chain + leaf.key), at("last", leaf.key + leaf.chain)]
    held = read_own([plain, *good, at("garbage", garbage), at("none", None), at("empty", "")])
    assert [each.url for each in held] == ["https://first.example", "https://last.example"]
    assert {each.expires_at for each in held} == {int((NOW + 5 * DAY).timestamp()) * NS}
