"""The verdicts of dns.mail and dns.dnssec, as tables."""

import pytest

from parallax.reasons import REASONS as WORDS
from probe.checks.dnssec_judge import DAY_S, expiry_level
from probe.checks.mail_judge import REASONS, judge, judge_together
from probe.mail.record import State
from probe.tape import Evidence


def view(states: dict[str, str], *, operator: bool = True, standby: bool = False, shown: object = None) -> Evidence:
    found = {name: State(word=word, problem="timeout" if word == "tempfail" else None) for name, word in states.items()}  # type: ignore[arg-type]
    material = {"wanted": list(states), "states": found, "operator": operator, "standby": standby, "shown": shown or {}}
    return Evidence(material=material)


def reason(states: dict[str, str]) -> str | None:
    verdict = judge(None, view(states))
    return verdict.reason if verdict else None


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"spf": "ok", "dkim a": "ok", "dmarc": "elsewhere", "mx": "ok"}, None),
        ({"dkim a": "missing", "dkim b": "tempfail"}, "mail_dkim_missing"),
        ({"dkim a": "tempfail", "spf": "tempfail"}, "mail_dkim_tempfail"),
        ({"dkim a": "tempfail", "spf": "missing"}, "mail_spf_missing"),
        ({"dkim a": "ok", "spf": "tempfail", "dmarc": "missing"}, "mail_tempfail"),
        ({"return_path": "missing", "dmarc": "missing"}, "mail_return_path"),
        ({"spf": "weak", "dmarc": "missing"}, "mail_dmarc_missing"),
        ({"return_path": "weak"}, "mail_return_path_weak"),
        ({"mx": "weak", "dkim a": "weak"}, "mail_dkim_weak"),
    ],
)
def test_the_worst_record_speaks_for_its_view(states: dict[str, str], expected: str | None) -> None:
    assert reason(states) == expected


def test_what_fails_goes_before_what_is_degraded() -> None:
    soft = [WORDS[word].soft for word in REASONS.values()]
    assert soft == sorted(soft)


def test_what_was_not_settled_in_time_was_not_answered() -> None:
    evidence = view({"spf": "ok"}, operator=False)
    evidence.material["wanted"].append("dkim a")
    verdict = judge(None, evidence)
    assert verdict is not None
    assert (verdict.reason, verdict.side) == ("mail_dkim_tempfail", "resolver")


@pytest.mark.parametrize(
    ("word", "expected", "abstain"),
    [
        ("not_allowed", "address_not_allowed", None),
        ("unreachable", "connect_unreachable", None),
        ("over_budget", "over_budget", "over_budget"),
    ],
)
def test_what_this_side_did_not_ask_is_nobodys_fault(word: str, expected: str, abstain: str | None) -> None:
    evidence = view({"spf": "ok"})
    evidence.material["states"]["spf"] = State(word="tempfail", problem=word)
    verdict = judge(None, evidence)
    assert verdict is not None
    assert (verdict.reason, verdict.abstain) == (expected, abstain)


def test_views_are_compared_with_the_primary_operator() -> None:
    good, old = {"spf": ("v=spf1 -all",), "mx": ("10 a.",)}, {"spf": ("v=spf1 ~all",), "mx": ("10 a.",)}
    fine = {"spf": "ok", "mx": "ok"}
    resolver = view(fine, operator=False, shown=old)
    fallback = view({**fine, "mx": "missing"}, standby=True, shown={**old, "mx": ()})
    primary = view(fine, shown=good)
    verdicts = judge_together(None, [resolver, fallback, primary])
    assert [verdict and verdict.reason for verdict in verdicts] == ["mail_inconsistent", "mail_mx_missing", None]
    assert [verdict.note["inconsistent"] for verdict in verdicts if verdict] == [["spf"], ["mx", "spf"]]


def test_without_an_operators_answer_nothing_is_inconsistent() -> None:
    views = [view({"spf": "ok"}, operator=False, shown={"spf": (text,)}) for text in "ab"]
    assert judge_together(None, views) == [None, None]


@pytest.mark.parametrize(
    ("left_days", "validity_days", "level"),
    [
        (8, 30, None),
        (7, 30, "warn"),
        (0.9, 30, "critical"),
        (3.1, 12, None),
        (2.9, 12, "warn"),
        (1.8, 7, None),
        (1.7, 7, "warn"),
        (0.8, 7, "critical"),
        (1, 2, None),
        (0.4, 2, "warn"),
        (0.2, 2, "critical"),
    ],
)
def test_how_soon_is_soon(left_days: float, validity_days: float, level: str | None) -> None:
    assert expiry_level(int(left_days * DAY_S), int(validity_days * DAY_S)) == level
