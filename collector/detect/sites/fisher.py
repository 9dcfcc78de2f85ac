"""Fisher's exact test of a two by two table (R. A. Fisher, "On the Interpretation of chi-squared from Contingency
Tables, and the Calculation of P", Journal of the Royal Statistical Society 85(1), 1922). Pure."""

from math import exp, lgamma


def fisher_greater(hit: int, missed: int, other_hit: int, other_missed: int) -> float:
    """How likely it is that at least `hit` of the first row's are hits if both rows are alike: the upper tail of the
    hypergeometric distribution with the table's margins. The counts are not negative."""
    row, rest, hits = hit + missed, other_hit + other_missed, hit + other_hit
    whole = _log_choose(row + rest, hits)
    return min(
        1.0,
        sum(
            exp(_log_choose(row, n) + _log_choose(rest, hits - n) - whole)
            for n in range(hit, min(row, hits) + 1)
            if hits - n <= rest
        ),
    )


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
