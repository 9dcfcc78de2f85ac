"""When a probe pages by itself."""

from probe.dead_man import AGAIN_S, CALM_S, DeadMan, Say, due, reached, said


def man() -> DeadMan:
    return DeadMan(after_s=90, reached_at=0)


def play(it: DeadMan, moments: range, *, reaches: range = range(0), uplink: bool = True) -> list[tuple[int, Say]]:
    """Looks each second; what was said, and when."""
    found: list[tuple[int, Say]] = []
    for now in moments:
        if now in reaches:
            reached(it, now)
        if (say := due(it, now, uplink=uplink)) is not None:
            said(it, say, now)
            found.append((now, say))
    return found


def test_it_pages_once_no_collector_has_taken_anything_for_a_while() -> None:
    assert play(man(), range(200)) == [(90, "trigger")]


def test_it_says_nothing_while_its_own_uplink_is_bad() -> None:
    it = man()
    assert play(it, range(200), uplink=False) == []
    assert play(it, range(200, 210)) == [(200, "trigger")]


def test_it_says_nothing_while_a_collector_takes_batches() -> None:
    assert play(man(), range(1000), reaches=range(0, 1000, 80)) == []


def test_it_says_it_again_while_it_lasts() -> None:
    assert [at for at, _ in play(man(), range(800))] == [90, 90 + AGAIN_S, 90 + 2 * AGAIN_S]


def test_it_closes_the_page_once_a_collector_takes_batches_for_a_while() -> None:
    it = man()
    assert play(it, range(300), reaches=range(150, 300)) == [(90, "trigger"), (150 + CALM_S, "resolve")]
    assert play(it, range(300, 600)) == [(299 + 90, "trigger")]


def test_a_short_return_closes_nothing() -> None:
    it = man()
    assert play(it, range(160), reaches=range(150, 151)) == [(90, "trigger")]
    assert play(it, range(160, 500)) == [(90 + AGAIN_S, "trigger")]


def test_what_could_not_be_sent_stays_due() -> None:
    it = man()
    assert due(it, 90, uplink=True) == "trigger"
    assert due(it, 91, uplink=True) == "trigger"
