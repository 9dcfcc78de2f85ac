"""First attempts, and what the retries of client libraries hide of them: policies as data, replayed over what was
measured. Pure."""

from collector.retries.attempts import Attempt, outcome_of
from collector.retries.figures import Figures, PolicyFigures, Report, Throttling, report_on
from collector.retries.policies import PATIENCES_S, builtin_policies, policies_with

__all__ = [
    "PATIENCES_S",
    "Attempt",
    "Figures",
    "PolicyFigures",
    "Report",
    "Throttling",
    "builtin_policies",
    "outcome_of",
    "policies_with",
    "report_on",
]
