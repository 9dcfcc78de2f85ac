"""Which addresses of one name show a certificate that they should not."""

from datetime import UTC, datetime, timedelta

import pytest

from probe.tls.differ import Shown, compare, shown_at

NOW = datetime(2026, 6, 1, tzinfo=UTC)
A, B, C = "192.0.2.1:443", "192.0.2.2:443", "[2001:db8::1]:443"


def shown(
    address: str, sha256: str, *, left: int = 60, life: int = 90, by: str = "CA", names: tuple[str, ...] = ("a.test",)
) -> Shown:
    ends = NOW + timedelta(days=left)
    return Shown(
        address=address,
        sha256=sha256,
        issued_by=by,
        names=frozenset(names),
        names_count=len(names),
        not_before=(ends - timedelta(days=life)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        not_after=ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        days_left=left,
    )


@pytest.mark.parametrize(
    ("seen", "odd"),
    [
        ([shown(A, "1"), shown(B, "1")], {}),
        ([shown(A, "1"), shown(B, "2")], {}),
        ([shown(A, "1", left=60), shown(B, "2", left=30)], {}),
        ([shown(A, "1", left=90), shown(B, "2", left=20)], {B: ["older"]}),
        ([shown(A, "1", left=20), shown(B, "2", left=20)], {}),
        ([shown(A, "1", left=21), shown(B, "2", left=20)], {}),
        ([shown(A, "1", by="X"), shown(B, "2"), shown(C, "2")], {A: ["issuer"]}),
        ([shown(A, "1", left=80, by="X"), shown(B, "2", left=60)], {B: ["issuer"]}),
        ([shown(A, "1"), shown(B, "2", names=("a.test", "b.test")), shown(C, "3")], {B: ["names"]}),
        ([shown(A, "1", left=5), shown(B, "1", left=5), shown(C, "2", left=89)], {A: ["older"], B: ["older"]}),
        ([shown(A, "1", left=300, life=365), shown(B, "2", left=300, life=365)], {}),
        ([shown(A, "1", left=1, life=6), shown(B, "2", left=5, life=6)], {A: ["older"]}),
        ([], {}),
    ],
)
def test_who_is_odd(seen: list[Shown], odd: dict[str, list[str]]) -> None:
    assert compare(seen).odd == odd
    assert compare(seen[::-1]).odd == odd


def test_the_certificates_with_their_addresses_most_first() -> None:
    found = compare([shown(A, "1"), shown(B, "2"), shown(C, "2")]).certificates
    assert [(each["sha256"], each["addresses"]) for each in found] == [("2", [B, C]), ("1", [A])]


def test_an_unreadable_certificate_is_not_compared() -> None:
    assert shown_at(A, {}) is None
    assert shown_at(A, {"chain": [{"unreadable": True}]}) is None
