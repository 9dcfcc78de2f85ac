"""What a run may use of its probe."""

from collections.abc import Callable

import msgspec

from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.types import Operator, Resolver
from parallax.values import Address, Family
from probe.dns.client import Client
from probe.dns.memory import Memory
from probe.hidden import Hidden
from probe.kept import Kept
from probe.mailbox import Mailbox
from probe.pin import Pin
from probe.signin.memory import Signins
from probe.vault import Vault
from probe.waiting import Waits


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What a run may use of its probe: where dials go, whom TLS trusts, the addresses of the host's resolvers, what the
    plan says of DNS, and secrets."""

    routes: Routes
    trust: Trust
    resolvers: tuple[Address, ...]
    families: tuple[Family, ...] = (4, 6)
    """The address families that this probe can reach."""
    lacks: frozenset[str] = frozenset()
    """What this host lacks (probe.capabilities)."""
    memory: Memory = msgspec.field(default_factory=Memory)
    """What the probe remembers of DNS from run to run."""
    roots: tuple[Address, ...] = ()
    """Where walks begin; the root servers of the Internet if empty."""
    operators: tuple[Operator, ...] = ()
    named_resolvers: tuple[Resolver, ...] = ()
    """The plan's [[resolver]] entries."""
    pin: Pin | None = None
    """Where this run dials the hosts of its target, whatever the DNS says; None: where that leads."""
    kept: Kept = msgspec.field(default_factory=Kept)
    """Connections that checks with `reuse` keep from run to run."""
    vault: Vault = Vault()
    """The secrets that this probe's config binds to hosts."""
    hidden: Hidden = msgspec.field(default_factory=Hidden)
    """The secrets that this run knows: no observation has one."""
    signins: Signins = msgspec.field(default_factory=Signins)
    """What the probe remembers of its sign-ins from run to run."""
    on_step: Callable[[str], None] | None = None
    """Is told the name of each step of a flow as it begins: for a person who waits."""

    on_cancelled: Callable[[list[Observation]], None] | None = None
    """Takes what a flow saw that was cancelled, and so can return nothing."""
    on_first: Callable[[list[Observation]], None] | None = None
    """Takes what a run found whose control attempts go on; None: the run returns it with theirs."""
    asked: bool = False
    """The run was asked for, because another has failed: so it is a second look itself, and has no control attempt."""
    waits: Waits | None = None
    """Who is told of attempts that wait for long; None: nobody."""
    mailbox: Mailbox | None = None
    """Who is asked after mails that a run waits for; None: nobody can be."""

    @property
    def dns(self) -> Client:
        """What an exchange needs."""
        return Client(routes=self.routes, memory=self.memory, trust=self.trust)
