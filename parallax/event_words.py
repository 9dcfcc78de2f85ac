"""What events are about and what they say, in words: those that the collector concludes with, and that a plan's routes
ask for."""

from typing import Literal

DomainKind = Literal[
    "operator",
    "zone",
    "name_server",
    "resolver",
    "region",
    "site",
    "address",
    "endpoint",
    "network",
    "probe",
    "certificate",
]
"""What kind of place a fault is in."""

IncidentWord = Literal["opened", "updated", "reopened", "monitoring", "resolved"]
RiskWord = Literal["raised", "updated", "cleared"]
ReadinessWord = Literal["lost", "restored"]

FailoverWord = Literal[
    "switched",
    "both_bad",
    "both_serving",
    "recommended",
    "command",
    "blocked",
    "effective",
    "not_effective",
    "failed",
    "withdrawn",
    "frozen",
    "thawed",
    "overridden",
    "drill_started",
    "drill_done",
]
"""switched: the serving member changed, whoever did it. both_bad: neither may be switched to. both_serving: two where
one should. recommended: people should switch. command: the group's actions are carried out (mode auto, or a drill).
blocked: it should be switched, and a rule forbids it. effective: what was decided is seen by 80 % of vantages.
not_effective: it is not, after three TTLs. failed: an action could not be carried out. withdrawn: what was recommended
is needless by now."""

NoticeWord = Literal[
    "chain_changed",
    "delegation_changed",
    "move_started",
    "move_done",
    "move_stuck",
    "move_regressed",
    "old_set_withdrawn_early",
    "site_lost",
    "site_bad",
    "site_flapping",
    "site_renumbered",
    "catchment_shift",
    "remote_catchment",
    "anycast_confirmed",
    "probe_location_suspect",
    "certificate_changed",
    "certificate_issuer_changed",
    "keys_rotated",
    "discovery_changed",
    "receiver_lost",
    "receiver_back",
    "weekly_test",
    "test_undelivered",
    "handed_over",
    "not_followed",
]
