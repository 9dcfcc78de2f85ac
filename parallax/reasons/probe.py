"""The reasons of names of targets, and of the probe itself."""

from parallax.reasons.reason import Reason

REASONS: dict[str, Reason] = {
    "lookup_no_address": Reason(
        "the name has no address of a family that this probe has", "target", "A and AAAA records of the name"
    ),
    "address_not_allowed": Reason(
        "the probe does not dial this address",
        "config",
        "private, link-local and metadata addresses need `allow` in the probe's config",
    ),
    "secret_missing": Reason(
        "this probe does not have a secret that the check names",
        "config",
        "the detail in the findings: [secrets.NAME] in this probe's config",
    ),
    "secret_withheld": Reason(
        "the check would send a secret to a host that this probe's config does not allow",
        "config",
        "the host in the findings; hosts in [secrets.NAME] of this probe's config, if that is right",
    ),
    "value_missing": Reason(
        "a step uses a value that no step before it has set",
        "config",
        "the value in the findings; a capture in an earlier step",
    ),
    "over_budget": Reason(
        "not asked: this probe's share of what the operator may be sent is spent",
        "config",
        "longer periods, fewer checks, or a higher [dns] most_per_operator",
    ),
    "unsupported": Reason("this probe does not know what the check asks for", "config", "upgrade the probe"),
    "local_error": Reason(
        "this host could not run the check", "probe", "file descriptors, memory, network interfaces of the probe"
    ),
    "probe_error": Reason("a bug in the probe", "probe", "the probe's log; please report it"),
    "overrun": Reason("the run did not end at its deadline", "probe", "the probe's load; please report it"),
}
