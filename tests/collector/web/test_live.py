"""What changes on an open page: over real sockets, and the pace in virtual time."""

from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Any

import msgspec
import pytest
import trio
from starlette.requests import Request

from collector.board import Board
from collector.tokens import Identity
from collector.web import Pages, live
from tests.collector.serving import until
from tests.collector.web.asking import ask
from tests.collector.web.serving import serving
from tests.fakes.boards import INCIDENT, NOW, FakeView, empty_board, full_board, large_board

S = 1_000_000_000


def later(board: Board, **more: Any) -> Board:
    return msgspec.structs.replace(board, at=board.at + S, **more)


@pytest.mark.slow
async def test_only_what_changed_is_sent() -> None:
    async with serving() as site, site.listen() as stream:
        assert stream.status == 200
        name, data = await stream.event()
        assert (name, data["sections"]) == ("message", {})  # the browser has it all
        assert data["now"] == NOW // 1_000_000
        board = full_board()
        site.fake.show(later(board, risks=()))
        name, data = await stream.event()
        assert set(data["sections"]) == {"asof", "headline", "incidents"}
        hash_, html = data["sections"]["incidents"]
        assert "Risks" not in html
        assert INCIDENT.title in html
        assert len(hash_) == 6


@pytest.mark.slow
async def test_a_section_that_only_time_touches_is_not_sent() -> None:
    now = NOW
    async with serving(lambda listen: FakeView(listen=listen, now=lambda: now)) as site, site.listen() as stream:
        await stream.event()
        now += 5 * S  # every "3 min" on the page is another one
        site.fake.show(msgspec.structs.replace(full_board(), position=99))
        assert (await stream.event())[1]["sections"] == {}


@pytest.mark.slow
async def test_a_page_with_other_sections_is_loaded_anew() -> None:
    async with serving() as site, site.listen() as stream:
        await stream.event()
        site.fake.show(large_board())
        assert (await stream.event())[0] == "reload"
        assert (await stream.event())[0] == "end"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "have", "event"),
    [
        ("/nothing", "", "gone"),
        ("/incident/none", "", "gone"),
        ("/live?path=/", "", "gone"),
        ("//evil.example/", "", "reload"),
        ("/\x00\ud83d\ude00%ff%zz", "", "gone"),
        ("http://[", "", "gone"),
        ("/", "a:b,,:,c", "reload"),
        ("/", "x" * 4000, "reload"),
    ],
)
async def test_odd_questions(path: str, have: str, event: str) -> None:
    async with serving() as site, site.listen(path.encode("utf-16", "surrogatepass").decode("utf-16"), have) as stream:
        assert (await stream.event())[0] == event
        assert (await stream.event())[0] == "end"


@pytest.mark.slow
async def test_streams_are_bounded_and_readers_that_leave_make_room() -> None:
    async with serving() as site, AsyncExitStack() as stack:
        have = await site.sections("/")
        opened = [await stack.enter_async_context(site.listen("/", have)) for _ in range(live.MAX_STREAMS)]
        assert {stream.status for stream in opened} == {200}
        for stream in opened:
            await stream.event()
        async with site.listen("/", have) as one_more:
            assert one_more.status == 503
        site.fake.show(later(full_board(), risks=()))
        for stream in opened:
            assert "incidents" in (await stream.event())[1]["sections"]
        await opened[0].stream.aclose()
        await until(lambda: site.pages.live.streams == live.MAX_STREAMS - 1)
        async with site.listen("/", have) as one_more:
            assert one_more.status == 200
        for stream in opened[1:]:
            await stream.stream.aclose()
        await until(lambda: site.pages.live.streams == 0)


@pytest.mark.slow
async def test_a_reader_that_reads_nothing_holds_nobody() -> None:
    async with serving() as site, site.listen() as deaf, site.listen() as stream:
        await stream.event()
        assert deaf.status == 200
        site.fake.show(later(full_board(), risks=()))
        assert "incidents" in (await stream.event())[1]["sections"]


class LostToken:
    """Knows two tokens of one person until one is revoked."""

    def __init__(self) -> None:
        self.known = {"t", "other"}

    def identify(self, text: str) -> Identity | None:
        return Identity("viewer", "eve") if text in self.known else None


@pytest.mark.slow
async def test_whoever_loses_the_token_loses_the_stream() -> None:
    tokens = LostToken()

    class View(FakeView):
        def view(self) -> Any:
            return msgspec.structs.replace(super().view(), tokens=tokens, open=False)

    async with serving(lambda listen: View(listen=listen)) as site:
        async with site.listen("/", "", authorization="Bearer t") as stream:
            assert (await stream.event())[0] == "reload"
        have = ",".join(f"{id_}:x" for id_ in await sections_of(site.pages, site.host))
        async with (
            site.listen("/", have, authorization="Bearer other") as kept,
            site.listen("/", have, authorization="Bearer t") as stream,
        ):
            assert (await kept.event())[0] == (await stream.event())[0] == "message"
            tokens.known.remove("t")
            site.fake.show(later(full_board(), risks=()))
            assert (await stream.event())[0] == "gone"
            assert (await kept.event())[0] == "message"
        async with site.listen("/", have, authorization="Bearer t") as stream:
            assert stream.status == 401


async def sections_of(pages: Pages, host: str) -> list[str]:
    answer = await ask(pages, "/", host=host, headers={"authorization": "Bearer t"})
    return [part.partition('"')[0] for part in answer.text.split('data-live="')[1:]]


@pytest.mark.slow
async def test_the_end_comes_at_once_with_streams_open() -> None:
    async with AsyncExitStack() as stack:
        async with serving() as site:
            have = await site.sections("/")
            streams = [await stack.enter_async_context(site.listen("/", have)) for _ in range(20)]
            for stream in streams:
                await stream.event()
        for stream in streams:
            assert await stream.event() == ("end", "")


class Counting:
    """A page's route that counts how often it is rendered, and takes its time."""

    def __init__(self, fake: FakeView, takes_s: float = 0.0) -> None:
        self.fake, self.takes_s, self.times = fake, takes_s, [0.0][:0]
        self.pages = Pages(fake.view())

    def source(self) -> live.Source:
        from starlette.routing import Route

        async def endpoint(request: Request) -> Any:
            self.times.append(trio.current_time())
            await trio.sleep(self.takes_s)
            return self.pages.render(request, "not_found.html", what=str(self.fake.board.position), way_out="")

        return live.Source(
            board=lambda: self.fake.board,
            wait_changed=self.fake.wait_changed,
            stop=self.fake.stop,
            now=lambda: NOW,
            version="1",
            admit=lambda request: Identity("viewer", "eve"),
            routes=[Route("/", endpoint)],
        )


async def run_streams(
    source: live.Source, number: int, until_s: float, apart_s: float = 0.0, *, own_pages: bool = False
) -> list[tuple[float, str, int]]:
    """What `number` streams, of one page or each of its own, that begin a while apart, are sent: when (virtual time),
    what, and which."""
    sent: list[tuple[float, str, int]] = []
    streams = live.Live(source)
    began = trio.current_time()

    async def receive() -> Any:
        await trio.sleep_forever()

    async def run(which: int) -> None:
        async def send(message: Any) -> None:
            if text := message.get("body", b"").decode():
                sent.append((trio.current_time() - began, text.partition("\n")[0].removeprefix("event: "), which))

        await trio.sleep(which * apart_s)
        query = f"path=/?{which if own_pages else 0}&have=asof:x,headline:x"
        request = Request({**scope, "query_string": query.encode()})
        await (await streams.get(request, Identity("viewer", "eve")))(request.scope, receive, send)

    scope = {"type": "http", "method": "GET", "path": "/live", "headers": [], "state": {}}
    with trio.move_on_after(until_s):
        async with trio.open_nursery() as nursery:
            for which in range(number):
                nursery.start_soon(run, which)
    assert streams.streams == 0  # whatever they were cancelled in
    return sent


async def busy(fake: FakeView) -> None:
    """A board that changes ten times a second."""
    while True:
        await trio.sleep(0.1)
        fake.show(msgspec.structs.replace(fake.board, at=fake.board.at + S // 10, position=fake.board.position + 1))


async def test_at_most_one_message_a_second(autojump_clock: trio.abc.Clock, nursery: trio.Nursery) -> None:
    fake = FakeView(empty_board())
    nursery.start_soon(busy, fake)
    counting = Counting(fake)
    sent = await run_streams(counting.source(), 1, 10.5)
    assert [name for _, name, _ in sent] == ["message"] * len(sent)
    assert 9 <= len(sent) <= 11
    assert all(b - a >= live.PACE_S for (a, *_), (b, *_) in pairwise(sent))


async def test_streams_of_one_page_share_its_rendering(autojump_clock: trio.abc.Clock, nursery: trio.Nursery) -> None:
    fake = FakeView(empty_board())
    nursery.start_soon(busy, fake)
    counting = Counting(fake)
    sent = await run_streams(counting.source(), 20, 10.5, apart_s=0.04)
    assert len(sent) >= 20 * 9
    assert len(counting.times) <= 11
    for which in range(20):
        own = [at for at, _, stream in sent if stream == which]
        assert all(b - a >= live.PACE_S for a, b in pairwise(own))


async def test_a_page_that_is_slow_to_render_is_rendered_less_often(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    fake = FakeView(empty_board())
    nursery.start_soon(busy, fake)
    counting = Counting(fake, takes_s=0.5)
    await run_streams(counting.source(), 3, 100)
    assert 8 <= len(counting.times) <= 10


async def test_pages_that_all_take_their_time_leave_most_of_it_to_others(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    fake = FakeView(empty_board())
    nursery.start_soon(busy, fake)
    counting = Counting(fake, takes_s=0.03)
    sent = await run_streams(counting.source(), live.MAX_STREAMS, 60, own_pages=True)
    assert 0.03 * len(counting.times) <= 60 / live.SHARE_OF_ALL + 0.1
    assert all(b - a >= 0.1 for a, b in pairwise(counting.times))  # never in a row
    for which in range(live.MAX_STREAMS):
        assert len([1 for *_, stream in sent if stream == which]) >= 6, "each has its turn"


async def test_a_quiet_world_is_heard_of_as_well(autojump_clock: trio.abc.Clock) -> None:
    sent = await run_streams(Counting(FakeView(empty_board())).source(), 1, 50)
    assert [name for _, name, _ in sent] == ["message", "quiet", "quiet", "quiet"]
    assert max(b - a for (a, *_), (b, *_) in pairwise(sent)) <= live.QUIET_S + live.PACE_S


async def test_a_stream_that_ends_in_the_middle_leaves_the_others_what_they_need(
    autojump_clock: trio.abc.Clock,
) -> None:
    """The one that renders is cancelled in it: the next one renders."""
    fake = FakeView(empty_board())
    counting = Counting(fake, takes_s=1.0)
    streams, request = live.Live(counting.source()), Request({"type": "http", "method": "GET", "headers": []})
    page = streams.join("/", Identity("viewer", "eve"))
    with trio.move_on_after(0.5):
        await streams.refresh(page, "/", request)
    assert page.sections is None
    await streams.refresh(page, "/", request)
    assert page.sections is not None
    assert len(counting.times) == 2


async def test_asking_for_the_head_of_a_stream_opens_none() -> None:
    answer = await ask(FakeView(), "/live?path=/", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
