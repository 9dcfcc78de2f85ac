"""DMARC: whose domain is in the From field, which record holds, and what is of the same organization."""

from collections.abc import Sequence

import pytest

from collector.mail.dkim import LookupFailed, split_mail
from collector.mail.dmarc import check, from_domain
from parallax.letters import Proof


def field(text: str) -> list[tuple[bytes, bytes]]:
    return split_mail(text.encode() + b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("From: a@Id.Example", "id.example"),
        ("From: Sign in <a@id.example.>", "id.example"),
        ('From: "a@evil.example <b@evil.example>" <a@id.example>', "id.example"),
        ("From: (a@evil.example) a@id.example", "id.example"),
        ("From: =?utf-8?q?a=40evil=2Eexample?= <a@id.example>", "id.example"),
        ("From: <a@evil.example> <a@id.example>", None),
        ("From: a@evil.example, b@id.example", None),
        ("From: a@id.example\r\nFrom: a@evil.example", None),
        ("From: nobody", None),
        ("From: a@", None),
        ("From: a@id_example..com", None),
        ("To: a@id.example", None),
        ("From: " + "<" * 1_000 + "a@id.example", None),
        ("From: " + "a" * 3_000 + "@id.example", None),
    ],
)
def test_the_domain_of_the_from_field(text: str, domain: str | None) -> None:
    assert from_domain(field(text)) == domain


DMARC = "v=DMARC1; p=reject"


def dkim(domain: str, result: str = "pass") -> Proof:
    return Proof(by="dkim", result=result, domain=domain)


def spf(domain: str, result: str = "pass") -> Proof:
    return Proof(by="spf", result=result, domain=domain)


CASES: dict[str, tuple[str, dict[str, str], list[Proof], str]] = {
    "aligned": ("id.example", {"id.example": DMARC}, [dkim("id.example")], "pass"),
    "by SPF": ("id.example", {"id.example": DMARC}, [dkim("id.example", "fail"), spf("id.example")], "pass"),
    "relaxed": ("id.example", {"id.example": DMARC}, [dkim("mail.id.example")], "pass"),
    "inherited": ("app.id.example", {"id.example": DMARC}, [spf("bounce.id.example")], "pass"),
    "strict": ("id.example", {"id.example": f"{DMARC}; adkim=s"}, [dkim("mail.id.example")], "fail"),
    "strict for the other": ("id.example", {"id.example": f"{DMARC}; aspf=s"}, [dkim("mail.id.example")], "pass"),
    "another organization": ("id.example", {"id.example": DMARC}, [dkim("sender.example"), spf("s.example")], "fail"),
    "a public suffix": ("a.co.example", {"co.example": f"{DMARC}; psd=y"}, [dkim("b.co.example")], "fail"),
    "below a public suffix": (
        "x.a.co.example",
        {"co.example": f"{DMARC}; psd=y", "a.co.example": DMARC},
        [dkim("y.a.co.example")],
        "pass",
    ),
    "an end of its own": (
        "a.id.example",
        {"a.id.example": f"{DMARC}; psd=n", "id.example": DMARC},
        [dkim("b.id.example")],
        "fail",
    ),
    "nothing passes": (
        "id.example",
        {"id.example": DMARC},
        [dkim("id.example", "none"), spf("id.example", "softfail")],
        "fail",
    ),
    "unknown": ("id.example", {"id.example": DMARC}, [dkim("id.example", "temperror")], "temperror"),
    "no record": ("id.example", {"id.example": "v=spf1"}, [dkim("id.example")], "none"),
    "no lookup": ("id.example", {"id.example": ""}, [dkim("id.example")], "temperror"),
    "a long name": (".".join("abcdefghijkl") + ".example", {"k.l.example": DMARC}, [dkim("l.k.l.example")], "pass"),
}


@pytest.mark.parametrize("name", CASES)
def test_dmarc(name: str) -> None:
    domain, records, proofs, result = CASES[name]
    asked: set[str] = set()

    def look_up(at: str) -> Sequence[str]:
        asked.add(at)
        text = records.get(at.removeprefix("_dmarc."))
        if text == "":
            raise LookupFailed("timeout")
        return [text] if text else []

    proof = check(field(f"From: a@{domain}"), proofs, look_up)
    assert (proof.by, proof.result, proof.domain) == ("dmarc", result, domain), proof.why
    assert len(asked) <= 16
