"""Dynamic update of a zone (RFC 2136), signed by TSIG (RFC 8945): the records that lead to a member are its fence, too.

An update is carried out whole or not at all, and only where its prerequisites hold. So it is a compare-and-swap:

- the records are, value for value, those of the member that the command takes to be serving;
- the TXT record of the epoch is as it was read a moment ago, and what was read is lower than the command's.

Of controllers that race exactly one finds both so; a late one finds a higher epoch. The epoch stands beside the
command's id, `"42" "<id>"`: whoever does not get the answer reads it back and knows whether its own command was carried
out. The epoch is read and not taken to be one less, as a command that was refused is counted as well.
"""

from collections.abc import Sequence

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.rrset
import dns.tsig
import dns.update
import msgspec

from collector.actions.actor import Command, Result, Standing
from collector.actions.dns_answers import NOT_AS_EXPECTED, by_rcode
from collector.actions.dns_primary import Primary, Unusable
from parallax.config import CollectorConfig
from parallax.dialling.route import Routes
from parallax.plan.failover_types import Action, Record

READ_BACK_TRIES = 2
LOOK_ID = "parallax-look"
_IN = dns.rdataclass.IN


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """What the epoch's TXT record says. `rdata` is the record as it was read, None where there is none."""

    number: int = 0
    id: str = ""
    rdata: dns.rdata.Rdata | None = None


class DnsUpdate:
    """One action of the kind dns-update."""

    def __init__(self, action: Action, config: CollectorConfig) -> None:
        assert action.zone is not None  # the plan's loader has seen to it
        self._action, self._zone = action, dns.name.from_text(action.zone)
        self._epoch_name = dns.name.from_text(action.epoch or f"_epoch.{action.records[0].name}")
        routes = Routes.of(((entry.source, entry.to) for entry in config.connect_to), config.allow)
        self._primary = Primary(action, config.secrets, routes)
        self._granted = False

    async def prepare(self) -> str:
        return self._primary.read_key()

    async def look(self, group: str, standing: Standing) -> Result:
        """The prerequisites of a switch without its changes. Until the key was once seen to be allowed to change the
        records, it deletes, too, what the prerequisites say is not there."""
        try:
            epoch = await self._read_epoch()
            if epoch.number > standing.epoch:
                text = (
                    f"the epoch at {self._epoch_name} is {epoch.number}, and the group's is {standing.epoch}: another "
                    f"controller commands as well, or this one lost its state; delete the record once that is settled"
                )
                return Result(outcome="unreachable", text=text, before=(self._shown(epoch),))
            update = self._compare(standing.serving, epoch)
            if not self._granted:
                self._delete_what_is_not_there(update, standing)
            reply = await self._primary.exchange(update)
            if reply.rcode() == dns.rcode.NOERROR:
                self._granted = True
                return Result(
                    outcome="reachable", text="the server would carry it out", before=self._values(standing.serving)
                )
            result = await self._refused(reply.rcode(), standing.serving)
        except Unusable as error:
            result = error.result
        self._granted = False
        return msgspec.structs.replace(result, outcome="unreachable", then="done")

    async def carry_out(self, command: Command) -> Result:
        data = command.data
        current = data.expected_current or data.source
        standing = Standing(serving=current, target=data.target, epoch=data.epoch - 1)
        if data.dry_run:
            result = await self.look(data.group, standing)
            ok = result.outcome == "reachable"
            return msgspec.structs.replace(
                result, outcome="dry_run" if ok else "refused", then="done" if ok else "next"
            )
        try:
            epoch = await self._read_epoch()
            if found := self._stands(command, epoch):
                return found
            update = self._compare(current, epoch)
            self._swap(update, command)
            reply = await self._primary.exchange(update)
            if reply.rcode() == dns.rcode.NOERROR:
                return self._applied(command)
            # It may be our own: an answer that got lost before, and the same update once more.
            late = reply.rcode() in NOT_AS_EXPECTED
            if late and (found := self._stands(command, await self._read_epoch())):
                return found
            return await self._refused(reply.rcode(), current)
        except Unusable as error:
            if error.result.then != "again" or not error.result.sent:
                return error.result
            return await self._read_back(command, error.result)

    async def _read_back(self, command: Command, lost: Result) -> Result:
        """Whether a command was carried out whose answer was lost."""
        for _ in range(READ_BACK_TRIES):
            try:
                return self._stands(command, await self._read_epoch()) or lost
            except Unusable:
                continue
        return lost

    def _stands(self, command: Command, epoch: Epoch) -> Result | None:
        """What an epoch that was read says of the command; None: it may be carried out."""
        if epoch.number < command.data.epoch:
            return None
        if epoch.number == command.data.epoch and epoch.id == command.id:
            return self._applied(command)
        text = (
            f"the epoch at {self._epoch_name} is {epoch.number} by then, and the command's is {command.data.epoch}: "
            "another controller was first, or the command is late"
        )
        return Result(outcome="refused", then="stop", text=text, before=(self._shown(epoch),))

    def _applied(self, command: Command) -> Result:
        data = command.data
        return Result(
            outcome="applied",
            text=f"the records lead to {data.target}",
            before=self._values(data.expected_current or data.source),
            after=(*self._values(data.target), f'{self._epoch_name} TXT "{data.epoch}" "{command.id}"'),
        )

    def _compare(self, current: str, epoch: Epoch) -> dns.update.UpdateMessage:
        update = dns.update.UpdateMessage(self._zone)
        for record in self._action.records:
            rdatas = _rdatas(record, current)
            name = dns.name.from_text(record.name)
            if rdatas:
                update.present(name, *rdatas)
            else:
                update.absent(name, record.type)
        if epoch.rdata is None:
            update.absent(self._epoch_name, "TXT")
        else:
            update.present(self._epoch_name, epoch.rdata)
        return update

    def _swap(self, update: dns.update.UpdateMessage, command: Command) -> None:
        for record in self._action.records:
            rdatas, name = _rdatas(record, command.data.target), dns.name.from_text(record.name)
            if rdatas:
                update.replace(name, dns.rdataset.from_rdata_list(round(record.ttl), rdatas))
            else:
                update.delete(name, record.type)
        stamp = dns.rdtypes.ANY.TXT.TXT(_IN, dns.rdatatype.TXT, [str(command.data.epoch), command.id])
        ttl = min(round(record.ttl) for record in self._action.records)
        update.replace(self._epoch_name, dns.rdataset.from_rdata_list(ttl, [stamp]))

    def _delete_what_is_not_there(self, update: dns.update.UpdateMessage, standing: Standing) -> None:
        """A change that is none where the prerequisites hold, and that the server allows only whom it lets change."""
        for record in self._action.records:
            there = _rdatas(record, standing.serving)
            for rdata in _rdatas(record, standing.target):
                if rdata not in there:
                    update.delete(dns.name.from_text(record.name), rdata)
        update.delete(self._epoch_name, dns.rdtypes.ANY.TXT.TXT(_IN, dns.rdatatype.TXT, [LOOK_ID]))

    async def _read_epoch(self) -> Epoch:
        rrset = await self._primary.read(self._epoch_name, "TXT")
        if rrset is None:
            return Epoch()
        rdata = rrset[0]
        texts = [text.decode("ascii", "replace") for text in rdata.strings]
        if len(rrset) > 1 or not (texts[0].isascii() and texts[0].isdigit() and len(texts[0]) < 19):
            text = f"what stands at {self._epoch_name} TXT is no epoch of ours: {rdata.to_text()[:100]}; delete it"
            raise Unusable(Result(outcome="refused", then="next", text=text))
        return Epoch(number=int(texts[0]), id=texts[1] if len(texts) > 1 else "", rdata=rdata)

    async def _refused(self, rcode: dns.rcode.Rcode, current: str) -> Result:
        """What a code that is no success means; where the records are not as expected, with what was found."""
        if rcode not in NOT_AS_EXPECTED:
            return by_rcode(rcode, self._primary.address, self._primary.key_name)
        found: list[str] = []
        for record in self._action.records:
            rrset = await self._primary.read(dns.name.from_text(record.name), record.type)
            values = sorted(rdata.to_text() for rdata in rrset) if rrset else ["none"]
            found.append(f"{record.name} {record.type} {' '.join(values)}")
        text = f"the records are not those of {current} any more: {'; '.join(found)}"
        return Result(outcome="refused", then="stop", text=text[:500], before=tuple(found))

    def _values(self, member: str) -> tuple[str, ...]:
        return tuple(
            f"{record.name} {record.type} {' '.join(rdata.to_text() for rdata in _rdatas(record, member)) or 'none'}"
            for record in self._action.records
        )

    def _shown(self, epoch: Epoch) -> str:
        return f"{self._epoch_name} TXT {epoch.rdata.to_text()[:200] if epoch.rdata else 'none'}"


def _rdatas(record: Record, member: str) -> Sequence[dns.rdata.Rdata]:
    """The values of a record while a member serves, names in them absolute."""
    return [
        dns.rdata.from_text(_IN, record.type, value, origin=dns.name.root, relativize=False)
        for value in record.values.get(member, [])
    ]
