"""DKIM signatures, made by dkimpy, are right or wrong for the reason that they have; hostile ones cost little."""

import base64
import time
from collections.abc import Callable
from typing import Any

import dkim as signer
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from collector.mail.dkim import LookupFailed, split_mail, verify
from parallax.letters import MAX_LETTER, Proof

NOW = 1_800_000_000
MAIL = (
    b"Received: by mx.example\r\nFrom: Sign in <no-reply@id.example>\r\nTo: probe@mx.example\r\n"
    b"Subject: Your   code\r\n\tfolded \r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\n"
    b"Your code  is\t123456. \r\n\r\n\r\n"
)
RSA = rsa.generate_private_key(65537, 2048)


def pem(key: Any) -> bytes:
    kind = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())


def der(key: Any) -> str:
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_key().public_bytes(serialization.Encoding.DER, public)).decode()


RECORD = f"v=DKIM1; k=rsa; p={der(RSA)}"


def signed(mail: bytes = MAIL, **more: Any) -> bytes:
    given = {"selector": b"s1", "domain": b"id.example", "privkey": pem(RSA), **more}
    return signer.sign(mail, **given) + mail


def look(mail: bytes, record: str | None = RECORD, now_s: float = NOW) -> list[Proof]:
    def texts(name: str) -> list[str]:
        assert name == "s1._domainkey.id.example"
        return [record] if record is not None else []

    return verify(*split_mail(mail), texts, now_s)


def result(mail: bytes, record: str | None = RECORD, now_s: float = NOW) -> str:
    (proof,) = look(mail, record, now_s)
    return proof.result


@pytest.mark.parametrize("header", ["simple", "relaxed"])
@pytest.mark.parametrize("body", ["simple", "relaxed"])
@pytest.mark.parametrize("text", [MAIL, MAIL.partition(b"Your code  is")[0], MAIL.replace(b"\r\n\r\n\r\n", b"\r\nend")])
def test_a_signature_is_right(header: str, body: str, text: bytes) -> None:
    mail = signed(text, canonicalize=(header.encode(), body.encode()))
    assert look(mail) == [Proof(by="dkim", result="pass", domain="id.example", selector="s1")]
    assert result(mail.replace(b"\r\n", b"\n")) == "pass"


def test_what_relaxed_lets_pass_and_simple_does_not() -> None:
    changes = {b"Your   code\r\n\tfolded ": b"Your code folded", b"is\t123456. ": b"is 123456."}
    for before, after in changes.items():
        assert result(signed(canonicalize=(b"relaxed", b"relaxed")).replace(before, after)) == "pass"
        assert result(signed(canonicalize=(b"simple", b"simple")).replace(before, after)) == "fail"


@pytest.mark.parametrize("change", [(b"123456", b"666666"), (b"no-reply@", b"no-replay@"), (b"b=", b"b=AAAA")])
def test_a_changed_mail_does_not_pass(change: tuple[bytes, bytes]) -> None:
    mail = signed()
    assert mail.count(change[0]) == 1 or change[0] == b"b="
    assert result(mail.replace(*change)) in ("fail", "permerror")


def test_a_second_from_field_is_not_the_signed_one() -> None:
    """Section 5.4.2: a name that h= has once more than the mail has fields is proof against one that is added."""
    named_once = signed(include_headers=[b"from", b"subject"])
    assert result(b"Subject: another\r\n" + named_once) == "pass"  # the last of a name is the signed one
    assert result(named_once.replace(b"Date:", b"Subject: another\r\nDate:")) == "fail"
    assert result(b"From: other@bad.example\r\n" + signed(include_headers=[b"from", b"from", b"subject"])) == "fail"


KEYS: list[tuple[str | None, str, str]] = [
    (None, "permerror", "no key"),
    ("v=DKIM1; p=", "permerror", "revoked"),
    ("v=DKIM1; p=AAAA", "permerror", "cannot be read"),
    ("v=DKIM1; p=####", "permerror", "base64"),
    ("hello", "permerror", "cannot be read"),
    ("v=DKIM2; p=" + der(RSA), "permerror", "no key"),
    (RECORD + "; h=sha1", "permerror", "sha256"),
    (RECORD + "; s=tlsrpt", "permerror", "not for mail"),
    (RECORD.replace("k=rsa", "k=ed25519"), "permerror", "another algorithm"),
    (f"v=DKIM1; p={der(rsa.generate_private_key(65537, 2048))}", "fail", "does not fit"),
    (RECORD + "; t=s:y; n=note", "pass", ""),
    (RECORD + "; p=x", "permerror", "twice"),
    ("v=DKIM1; p=" + "A" * 9_000, "permerror", "too long"),
]


@pytest.mark.parametrize(("record", "word", "why"), KEYS)
def test_keys(record: str | None, word: str, why: str) -> None:
    (proof,) = look(signed(), record)
    assert (proof.result, why in proof.why) == (word, True), proof


def test_small_and_large_keys_are_not_computed_with() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    assert result(signed(privkey=pem(weak)), f"v=DKIM1; p={der(weak)}") == "pass"
    numbers = rsa.RSAPublicNumbers(65537, (1 << 8191) + 1).public_key()
    large = base64.b64encode(
        numbers.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ).decode()
    assert "4096 bits" in look(signed(), f"v=DKIM1; p={large}")[0].why


def test_the_example_of_rfc_8463() -> None:
    """Appendix A: one mail with both kinds of signature."""
    records = {
        "brisbane._domainkey.football.example.com": (
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
        ),
        "test._domainkey.football.example.com": (
            "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2j"
            "LQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2k"
            "ryOTIKT+l/K4w3QIDAQAB"
        ),
    }
    mail = b"""DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.

""".replace(b"\n", b"\r\n")
    assert [p.result for p in verify(*split_mail(mail), lambda name: [records[name]], NOW)] == ["pass", "pass"]
    changed = mail.replace(b"lost", b"won")
    assert [p.result for p in verify(*split_mail(changed), lambda name: [records[name]], NOW)] == ["fail", "fail"]


def test_other_words() -> None:
    assert look(MAIL) == [Proof(by="dkim", result="none", why="the mail has no signature")]

    def fails(name: str) -> list[str]:
        raise LookupFailed("timeout")

    assert verify(*split_mail(signed()), fails, NOW)[0].result == "temperror"
    assert result(signed(length=True)) == "policy"
    for change, word in (
        (b"v=1;", "permerror"), (b"a=rsa-sha256;", "permerror"), (b"d=id.example;", "permerror"),
        (b"s=s1;", "permerror"),
    ):  # fmt: skip
        mail = signed()
        assert change in mail
        assert result(mail.replace(change, b"")) == word
    assert result(signed().replace(b"a=rsa-sha256", b"a=rsa-sha1")) == "permerror"
    assert result(signed().replace(b"v=1;", b"v=1; x=1700000000;")) == "fail"
    assert result(signed().replace(b"v=1;", b"v=1; i=@bad.example;")) == "permerror"


HEAD = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=id.example; s=s1; h=from; bh=AAAA; b=AAAA"
HOSTILE: dict[str, Callable[[int], bytes]] = {
    "blanks": lambda n: HEAD + b"\r\nFrom: a@b.example\r\n\r\n" + b" " * n,
    "blanks by the line": lambda n: HEAD + b"\r\n\r\n" + b" \r\n" * (n // 3),
    "blanks in a field": lambda n: HEAD + b"\r\nFrom: " + b" \t" * (n // 2) + b"x\r\n\r\n",
    "blanks in a signature": lambda n: HEAD + b";" + b" " * n + b"\r\n\r\n",
    "semicolons": lambda n: HEAD + b";" * n + b"\r\n\r\n",
    "fields": lambda n: b"From: a\r\n" * (n // 9) + HEAD.replace(b"h=from", b"h=" + b"from:" * 1_500) + b"\r\n\r\n",
    "signatures": lambda n: (HEAD + b"\r\n") * (n // len(HEAD)) + b"\r\n",
    "names": lambda n: HEAD.replace(b"d=id.example", b"d=" + b"a." * 3_000) + b"\r\n\r\n",
    "nothing": lambda n: b"\n" * n,
    "zeros": lambda n: HEAD + b"\r\n\r\n" + b"\0" * n,
    "folds": lambda n: HEAD + b"\r\n " * (n // 3) + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_mail_takes_long(name: str) -> None:
    mail = HOSTILE[name](MAX_LETTER - 1_000)
    began = time.process_time()
    assert "pass" not in {proof.result for proof in verify(*split_mail(mail), lambda _: [RECORD], NOW)}
    assert time.process_time() - began < 5  # by squares it would be minutes
