import pytest

from parallax.plan.patterns import pattern_complaint


@pytest.mark.parametrize(
    "pattern", ["", "ok", r'"status": *"healthy"', r"^a+b*c{2,50}$", "(ab|cd)+", "(a{2}){3,}", "(?i)x", "(a?b){1,100}"]
)
def test_ordinary_patterns_pass(pattern: str) -> None:
    assert pattern_complaint(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a*)*b",
        "(?:a+|b)*",
        "((ab)*c)*",
        "(a+?)+?",
        "(.*x){20}",
        "(?=(a+)+)",
        "(a{1,50}){1,50}",
        "(?:(a)|b+)*",
    ],
)
def test_a_repeat_within_a_repeat_is_refused(pattern: str) -> None:
    complaint = pattern_complaint(pattern)
    assert complaint is not None
    assert complaint.startswith("repeats within a repeat")


@pytest.mark.parametrize("pattern", ["(a", "a**", "[z-a]", "(?P<1>a)", "a{99999999999}", "(" * 500, "\\"])
def test_what_does_not_compile_is_refused(pattern: str) -> None:
    complaint = pattern_complaint(pattern)
    assert complaint is not None
    assert complaint.startswith("is no regular expression: ")
