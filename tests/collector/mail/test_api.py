"""A probe asks its collector after mail: over HTTP, with a token, until some comes."""

from pathlib import Path

import pytest
import trio

from collector.tokens import add_token
from parallax.config import CollectorAddress, MailServer
from parallax.secret import Secret
from parallax.values import Address, DnsName, Url
from probe.client import open_client
from probe.mailbox import CollectorMailbox, MailboxError
from tests.collector.mail.plans import plan_for
from tests.collector.mail.test_smtp import deliver, mail
from tests.collector.serving import Served, collector, until

MAIL = MailServer(listen=Address("127.0.0.1:0"), domains=[DnsName("mx.example")])
PLAN = plan_for("probe", "probe+1", "probe+2", "a", "b")


def mail_address(served: Served) -> Address:
    found = served.running.mail
    assert found is not None
    status = found.status
    assert status is not None
    return Address(status.listen)


async def test_a_probe_gets_the_mail_that_it_waits_for(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=PLAN, mail=MAIL) as served:
        token = served.token()
        config = CollectorAddress(url=Url(served.running.url), token="env:NONE")
        async with open_client(config, lambda: Secret(token)) as client:
            box, began = CollectorMailbox([client]), trio.current_time()
            assert await box.wait("probe+1@mx.example", began, 0.0) == []
            found = []

            async def wait() -> None:
                found.extend(await box.wait("probe+1@mx.example", began, 20))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait)
                await deliver(mail_address(served), mail(), "probe+2@mx.example")
                await deliver(mail_address(served), mail("654321"), "probe+1@mx.example")
            assert [letter.text.strip() for letter in found] == ["654321"]
            assert await box.wait("probe+1@mx.example", trio.current_time(), 0.0) == []
            with pytest.raises(MailboxError, match=r"mail is taken for mx\.example only"):
                await box.wait("probe@elsewhere.example", began, 20)
            with pytest.raises(MailboxError, match="wants a mail address"):
                await box.wait("nobody", began, 20)


async def test_of_two_collectors_one_has_the_mail_and_the_other_is_dead(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=PLAN, mail=MAIL) as served:
        token = served.token()
        alive = CollectorAddress(url=Url(served.running.url), token="env:NONE")
        dead = CollectorAddress(url=Url("http://127.0.0.1:9"), token="env:NONE")
        async with open_client(alive, lambda: Secret(token)) as one, open_client(dead, lambda: Secret(token)) as two:
            began = trio.current_time()
            await deliver(mail_address(served), mail(), "probe@mx.example")
            assert len(await CollectorMailbox([two, one]).wait("probe@mx.example", began, 5)) == 1
            with pytest.raises(MailboxError, match="cannot be asked after mail"):
                await CollectorMailbox([two]).wait("probe@mx.example", began, 0)


async def test_without_mail_in_the_config_a_probe_is_told(tmp_path: Path) -> None:
    async with collector(tmp_path) as served:
        token = served.token()
        config = CollectorAddress(url=Url(served.running.url), token="env:NONE")
        async with open_client(config, lambda: Secret(token)) as client:
            with pytest.raises(MailboxError, match=r"takes no mail; write \[mail\]"):
                await CollectorMailbox([client]).wait("probe@mx.example", trio.current_time(), 20)


async def test_mail_is_for_probes_and_counted_in_the_status(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=PLAN, mail=MAIL) as served:
        token = add_token(served.state, "viewer", "kim")
        async with served.client() as client:
            assert (await client.request("GET", "/v1/mail?to=a@mx.example", token=token)).status == 403
        await deliver(mail_address(served), mail(), "a@mx.example", "b@mx.example")
        found = served.running.mail
        assert found is not None
        await until(lambda: found.status is not None and found.status.taken == 2)
        async with served.client() as client:
            status = (await client.request("GET", "/v1/status", token=token)).json["mail"]
        assert (status["kept"], status["taken"], status["domains"]) == (2, 2, ["mx.example"])
