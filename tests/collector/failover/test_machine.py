"""Scenes of a group, moment by moment."""

from collector.failover.following import TTLS
from collector.failover.move import LASTING_NS
from collector.failover.rules import RULES
from collector.failover.types import Override, ReadyLine
from parallax.clock import NS
from tests.collector.failover.scenes import EAST, MIN, SOUTH, START, WEST, Group, a_policy, ready, word, words


def failed_over(**policy: object) -> Group:
    """West is down, east serves."""
    group = Group(**policy)
    group.stands(10, west="down")
    group.serves(60, west=0.1, east=0.9)
    assert group.phase == "failover", group.log
    return group


def test_out_is_at_once_and_carries_all_rules() -> None:
    group = Group()
    [said] = group.stands(10, west="down")
    assert (said.word, said.direction, said.target, said.epoch) == ("command", "failover", EAST, 1)
    assert said.actions == ("webhook", "dns")
    assert said.not_after == group.situation.now + MIN
    assert tuple(rule.id for rule in said.rules) == tuple(RULES)
    assert all(rule.ok and rule.why for rule in said.rules)
    assert said.evidence["failing"] == "15"
    assert group.phase == "to_failover"
    assert not group.look()


def test_effective_is_what_four_fifths_see() -> None:
    group = Group()
    group.stands(10, west="down")
    assert not group.serves(30, west=0.21, east=0.79)
    [said] = group.serves(10, west=0.2, east=0.8)
    assert (said.word, said.epoch, group.phase) == ("effective", 1, "failover")
    assert said.title == "api serves from east, 40 s after it was commanded"


def test_back_after_the_middle_of_the_bounds_then_after_twice_the_gap() -> None:
    group = failed_over()
    group.stands(300, west="up")
    assert not group.run(29)
    assert words(group.run(2)) == ["failback.command"]
    group.serves(60, west=0.9, east=0.1)
    assert group.phase == "primary"
    # It relapses after 31 min and some of health: now it takes an hour.
    group.stands(10, west="down")
    group.serves(60, west=0, east=1)
    group.stands(300, west="up")
    assert not group.run(59)
    assert words(group.run(2)) == ["failback.command"]


def test_a_short_gap_waits_for_the_lower_bound_at_least() -> None:
    group = failed_over()
    group.stands(60, west="up")
    group.stands(300, west="down")
    group.stands(60, west="up")
    assert not group.run(14)
    assert words(group.run(2)) == ["failback.command"]


def test_after_an_hour_of_health_it_is_another_trouble() -> None:
    group = failed_over(back="manual")
    group.stands(60, west="up")
    group.run(61, every_s=30)
    group.stands(10, west="down")
    assert group.state.longest_gap == 0


def test_an_incident_of_the_vendor_doubles_the_wait() -> None:
    group = failed_over()
    group.stands(60, west="up")
    group.look(vendor_open=True)
    assert not group.run(59)
    assert words(group.run(2)) == ["failback.command"]


def test_time_that_nobody_can_tell_of_is_no_health() -> None:
    group = failed_over()
    group.stands(60, west="up")
    group.run(20)
    group.stands(west=word(WEST, "unknown", voters=0))
    assert not group.run(20)
    group.stands(west="up")
    assert not group.run(9)
    assert words(group.run(2)) == ["failback.command"]


def test_back_in_hours_only_and_by_hand_only() -> None:
    # START is a Friday, 08:00 UTC.
    group = failed_over(back="hours", hours="Fri 10:00-11:00 UTC")
    group.stands(60, west="up")
    assert not group.run(115, every_s=30)
    assert words(group.run(5, every_s=30)) == ["failback.command"]
    group = failed_over(back="manual")
    group.stands(60, west="up")
    assert words(group.run(40)) == ["failback.recommended"]
    assert words(group.look(asked=WEST, actor="ann")) == ["failback.command"]


def test_in_trouble_the_primary_need_be_well_for_a_minute_only() -> None:
    group = failed_over()
    group.stands(10, west="up")
    group.look(ready={**group.situation.ready, WEST: ready(WEST, is_ready=False)})
    assert not group.stands(10, east="down")
    assert not group.look(LASTING_NS / NS - 11)
    assert words(group.look(1)) == ["failback.command"]


def test_degraded_is_left_after_a_minute_for_one_that_is_clean() -> None:
    group = Group()
    heavy = word(WEST, "degraded", share=0.3)
    assert not group.stands(10, west=heavy)
    assert not group.look(59)
    assert words(group.look(1)) == ["failover.command"]
    group = Group()
    group.stands(10, west=heavy, east=word(EAST, "up", share=0.03))
    assert not group.run(5), "east is not clean"
    group.stands(10, west=word(WEST, "degraded", share=0.24), east="up")
    assert not group.run(5), "a fourth it must be"


def test_both_bad_holds_and_names_the_rule() -> None:
    group = Group()
    said = group.stands(10, west="down", east="down")
    assert words(said) == ["failover.both_bad", "failover.blocked"]
    assert said[1].title == (
        "failover of api from west to east is blocked by S1: east is not ready: it is down (and by S2, S4)"
    )
    assert {each.severity for each in said} == {"critical"}
    assert group.phase == "hold_both_bad"
    assert not group.run(30)
    group.stands(10, west="up", east="up")
    assert group.phase == "primary"


def test_grey_failure_of_all_is_blocked_by_s1() -> None:
    """19 February 2026: nearly all requests got 429, in each region alike."""
    group = Group()
    line = ReadyLine(id="checks", ok=False, why="api @ east: 429 for 95 %")
    group.look(ready={**group.situation.ready, EAST: ready(EAST, line)})
    grey = {name: word(name, "degraded", share=0.95) for name in (WEST, EAST)}
    group.stands(10, **grey)
    said = group.run(3)
    assert words(said) == ["failover.both_bad", "failover.blocked"]
    assert "is blocked by S1" in said[1].title
    assert "429" in said[1].title


def test_one_more_rule_that_forbids_it_is_no_news() -> None:
    group = Group()
    group.look(ready={**group.situation.ready, EAST: ready(EAST, ReadyLine(id="checks", ok=False, why="fails"))})
    assert words(group.stands(10, west="down")) == ["failover.blocked"]
    for frozen in ("by ann: a deploy", "", "by ann: another"):
        group.look(10, frozen=frozen)
        assert not group.run(10)
    [said] = group.look(10, ready={name: ready(name) for name in (WEST, EAST)})
    assert [rule.id for rule in said.rules if not rule.ok] == ["S7"], "what was said is no longer in the way"


def test_the_lesser_evil_must_be_far_better_for_a_minute() -> None:
    group = Group()
    bad, less = word(WEST, "down", share=0.9), word(EAST, "degraded", share=0.55)
    line = ReadyLine(id="checks: api", ok=False, why="fails")
    group.look(ready={**group.situation.ready, EAST: ready(EAST, line)})
    assert words(group.stands(10, west=bad, east=less)) == ["failover.both_bad", "failover.blocked"]
    assert not group.look(59)
    assert words(group.look(1)) == ["failover.command"]


def test_a_dns_outage_switches_no_region_and_a_region_outage_no_operator() -> None:
    for kind, cause in (("region", "dns"), ("region", "shared"), ("region", "probe"), ("dns-operator", "region")):
        group = Group(kind=kind)
        group.look(cause=cause)
        [said] = group.stands(10, west="down")
        assert (said.word, [rule.id for rule in said.rules if not rule.ok]) == ("blocked", ["S4"]), (kind, cause)
    group = Group(kind="dns-operator")
    group.look(cause="dns")
    assert words(group.stands(10, west="down")) == ["failover.command"]


def test_recommend_tells_people_and_takes_what_they_do() -> None:
    group = Group(mode="recommend")
    [said] = group.stands(10, west="down")
    assert (said.word, said.epoch) == ("recommended", 0)
    assert said.title == "switch api from west to east: west is down for 15 of 15 vantages"
    assert not group.run(20), "people take the time that they need"
    assert words(group.serves(10, east=1)) == ["failover.effective"]
    assert group.state.moves == [group.situation.now]


def test_a_recommendation_that_is_needless_is_withdrawn() -> None:
    group = Group(mode="recommend")
    group.stands(10, west="down")
    assert not group.stands(30, west="up")
    assert not group.look(59)
    assert words(group.look(1)) == ["failover.withdrawn"]
    assert group.phase == "primary"
    assert words(group.stands(10, west="down")) == ["failover.recommended"], "the next outage is news"


def test_observe_only_watches() -> None:
    group = Group(mode="observe")
    assert not group.stands(10, west="down")
    assert not group.serves(60, east=1)
    assert group.phase == "failover"
    assert group.state.serving == EAST
    assert words(group.stands(10, east="down")) == ["failover.both_bad"]


def test_somebody_elses_switch_is_taken_as_it_is() -> None:
    group = Group()
    assert not group.serves(10, west=0.5, east=0.5)
    assert not group.serves(10, east=1)
    assert (group.phase, len(group.state.moves)) == ("failover", 1)
    assert not group.run(29), "the wait begins when it was moved"
    assert words(group.run(31)) == ["failback.recommended"], "it was somebody's will"
    # The same while the primary is down is only what had to be done.
    group = Group(mode="auto", actions=())
    group.stands(10, west="down")
    group.policy = a_policy()
    group.serves(10, east=1)
    group.stands(10, west="up")
    assert words(group.run(31)) == ["failback.command"]


def test_what_a_person_asked_for_is_not_taken_back() -> None:
    group = Group()
    group.run(60, every_s=60)
    assert words(group.look(10, asked=EAST, actor="ann")) == ["failover.command"]
    group.serves(60, east=1)
    group.look(1, asked="", actor="")
    assert words(group.run(120, every_s=60)) == ["failback.recommended"]
    assert words(group.stands(10, east="down")) == ["failback.command"], "but in trouble it is left"


def test_not_effective_tries_the_next_action_once_each() -> None:
    group = Group()
    group.stands(10, west="down")
    said = group.run(TTLS)
    assert words(said) == ["failover.not_effective", "failover.command"]
    assert "by webhook is not effective: 0% of the vantages see it after 3 min 0 s" in said[0].title
    assert (said[1].actions, said[1].epoch) == (("dns",), 2)
    assert len(group.state.moves) == 1, "it is one failover"
    assert words(group.run(TTLS)) == ["failover.not_effective"]
    assert not group.run(6)
    again = group.run(2)
    assert (words(again), again[0].actions) == (["failover.command"], ("webhook", "dns"))


def test_what_was_refused_is_not_what_was_applied() -> None:
    group = Group(actions=("one", "two", "three"))
    group.stands(10, west="down")
    group.look(10, outcomes={"one": "refused", "two": "applied"})
    said = group.run(3)
    assert "by two is not effective" in said[0].title
    assert said[1].actions == ("three",)


def test_a_command_that_nobody_could_carry_out_failed() -> None:
    group = Group()
    group.stands(10, west="down")
    assert not group.look(5, outcomes={"webhook": "failed"})
    [said] = group.look(5, outcomes={"webhook": "failed", "dns": "refused"})
    assert (said.word, said.severity) == ("failed", "critical")
    group.look(outcomes={"webhook": "failed", "dns": "refused"})
    assert not group.run(9)
    assert words(group.look(60, outcomes={})) == ["failover.command"]


def test_a_command_that_never_came_about_is_withdrawn_when_needless() -> None:
    group = Group(actions=("webhook",))
    group.stands(10, west="down")
    group.run(3)
    group.stands(10, west="up")
    assert words(group.run(2)) == ["failover.withdrawn"]
    assert group.phase == "primary"


def test_what_moves_to_a_bad_member_turns_round() -> None:
    group = Group()
    group.stands(10, west="down")
    group.stands(10, west="up")
    assert not group.stands(10, east="down"), "west is well for ten seconds"
    said = group.look(51)
    assert words(said) == ["failback.command"]
    assert (said[0].source, said[0].epoch) == (EAST, 2)


def test_the_third_in_half_an_hour_takes_a_person() -> None:
    group = Group()
    for _ in range(2):
        assert words(group.stands(10, west="down")) == ["failover.command"]
        group.serves(60, east=1)
        group.stands(10, west="up")
        group.serves(60, west=1)
    [said] = group.stands(10, west="down")
    assert said.title.endswith("is blocked by S5: 2 failovers in 30 min are as many as may be; now it takes a person")
    [said] = group.look(10, asked=EAST, actor="ann")
    assert (said.word, said.actor) == ("command", "ann")


def test_what_a_person_asks_is_done_once_and_by_the_rules() -> None:
    group = Group(mode="recommend")
    group.look(ready={WEST: ready(WEST), EAST: ready(EAST, is_ready=False)})
    [said] = group.look(10, asked=EAST, actor="ann")
    assert (said.word, said.severity) == ("blocked", "warning")
    group.look(ready={WEST: ready(WEST), EAST: ready(EAST)})
    assert [each.word for each in group.log[-1:]] == ["command"]
    group.serves(60, east=1)
    group.serves(60, west=1)
    assert not group.look(60), "it is still asked, and was done"
    group.look(60, asked="")
    assert words(group.look(60, asked=EAST, actor="ann")) == ["failover.command"]


def test_overrides_count_by_rule_and_expire() -> None:
    group = Group()
    group.look(frozen="ann: release")
    said = Override(rule="S7", actor="ben", why="it burns", until=group.situation.now + MIN)
    [blocked] = group.stands(10, west="down")
    assert "is blocked by S7: it is frozen: ann: release" in blocked.title
    [command] = group.look(10, overrides=(said,))
    frozen = next(rule for rule in command.rules if rule.id == "S7")
    assert (command.word, frozen.ok, frozen.overridden_by) == ("command", False, "ben: it burns")
    group = Group()
    group.look(frozen="ann: release")
    group.stands(10, west="down")
    assert not group.look(60, overrides=(said,)), "it has expired"


def test_blind_decides_nothing_and_is_not_late() -> None:
    group = Group()
    group.stands(10, west="down")
    assert not group.look(10, blind=True)
    assert group.phase == "blind"
    assert not group.run(10)
    assert not group.look(1, blind=False)
    assert group.phase == "to_failover"
    assert words(group.run(3)) == ["failover.not_effective", "failover.command"]
    group = Group()
    group.look(blind=True)
    assert not group.stands(10, west="down")


def test_flickering_rules_are_no_flood() -> None:
    group = Group()
    group.look(frozen="ann")
    group.stands(10, west="down")
    began = len(group.log)
    for turn in range(360):
        group.look(10, frozen="ann" if turn % 2 else "", agreed=False)
    # S7 beside S10 is no news.
    assert words(group.log[began:]) == ["failover.blocked"]


def test_the_ready_member_that_stands_best_is_chosen() -> None:
    group = Group(members=(WEST, EAST, SOUTH))
    group.look(ready={EAST: ready(EAST, is_ready=False), SOUTH: ready(SOUTH)})
    assert group.stands(10, west="down")[0].target == SOUTH
    group = Group(members=(WEST, EAST, SOUTH))
    group.stands(10, east="degraded")
    assert group.stands(10, west="down")[0].target == SOUTH
    group = Group(members=(WEST, EAST, SOUTH))
    assert group.stands(10, west="down")[0].target == EAST


def test_a_drill_goes_there_and_back_with_a_report() -> None:
    group = Group(drill_ns=2 * 60 * MIN, hours="Mon-Fri 08:00-20:00 UTC")
    assert not group.run(119, every_s=60)
    assert words(group.run(2, every_s=60)) == ["failover.drill_started", "failover.command"]
    assert words(group.serves(60, east=1)) == ["failover.effective"]
    assert not group.run(4)
    assert words(group.run(2)) == ["failback.command"]
    said = group.serves(70, west=1)
    assert words(said) == ["failback.effective", "failover.drill_done"]
    assert said[1].title.startswith("drill of api is done: there in ")
    assert said[1].evidence["result"] == "done"
    assert group.state.moves == []
    assert group.phase == "primary"
    assert not group.run(60, every_s=60)


def test_a_drill_needs_every_rule_and_no_override() -> None:
    group = Group(drill_ns=60 * MIN, hours="")
    group.look(frozen="ann", overrides=(Override(rule="S7", actor="ann", why="w", until=START * 2),))
    assert not group.run(120, every_s=60)
    assert words(group.look(60, frozen="")) == ["failover.drill_started", "failover.command"]
    group = Group(mode="recommend")
    assert words(group.look(60, asked=EAST, drill=True, actor="ann")) == ["failover.drill_started", "failover.command"]


def test_a_drill_that_a_rule_forbids_says_so_once() -> None:
    group = Group()
    group.look(frozen="ann: release")
    [said] = group.look(60, asked=EAST, drill=True, actor="ben")
    assert (said.word, said.actor, group.state.epoch) == ("blocked", "ben", 0)
    assert "S7: it is frozen: ann: release" in said.title
    assert not group.run(10)


def test_trouble_ends_a_drill() -> None:
    group = Group(drill_ns=60 * MIN, hours="")
    group.run(61, every_s=60)
    group.serves(60, east=1)
    said = group.stands(10, east="down")
    assert words(said) == ["failover.drill_done", "failback.command"]
    assert said[0].title == "drill of api ended: east is down"
    assert said[0].severity == "warning"


def test_a_drill_that_nobody_sees_failed() -> None:
    group = Group(drill_ns=60 * MIN, hours="", actions=("webhook",))
    group.run(60, every_s=60)
    said = group.run(4)
    assert words(said) == ["failover.not_effective", "failover.drill_done"]
    assert said[1].evidence["result"] == "failed"
    assert group.phase == "primary"


def test_whatever_else_is_switched_ends_a_drill() -> None:
    group = Group(members=(WEST, EAST, SOUTH), drill_ns=60 * MIN, hours="")
    group.run(60, every_s=60)
    assert words(group.serves(60, south=1)) == ["failover.drill_done"]
    assert group.state.drill == ""
    group = Group(drill_ns=60 * MIN, hours="")
    group.run(60, every_s=60)
    said = group.stands(10, east="down")
    assert words(said) == ["failback.command"], "there is no need to see it arrive first"
    assert words(group.look(1)) == ["failover.drill_done"]


def test_with_a_short_hold_the_way_back_does_not_wait_for_ten_minutes() -> None:
    group = failed_over(hold_ns=(20 * NS, 60 * NS))
    group.look(ready={WEST: ready(WEST, is_ready=False), EAST: ready(EAST)})
    group.stands(10, west="up")
    assert words(group.run(1)) == ["failback.command"]


def test_a_restart_in_the_middle_changes_nothing() -> None:
    def night(restarts: bool) -> list[str]:
        group = Group()
        for minutes in (31, 20, 61, 10, 61, 40):
            group.stands(30, west="down")
            group.serves(40, west=0.4, east=0.6)
            if restarts:
                group.restart()
            group.serves(40, east=1)
            group.run(5)
            group.stands(10, west="up")
            if restarts:
                group.restart()
            group.run(minutes)
            group.serves(60, **({WEST: 1.0} if group.phase == "to_primary" else {EAST: 1.0}))
        return [each.title for each in group.log]

    assert night(True) == night(False)
    assert any("is back at" in title for title in night(True))


def test_a_member_that_is_renamed_in_mid_command_ends_it_with_a_word() -> None:
    group = Group()
    assert words(group.stands(10, west="down")) == ["failover.command"]
    group.policy = a_policy(members=(WEST, "east-2"))
    standing = {WEST: word(WEST, "down"), "east-2": word("east-2")}
    first, *more = group.look(10, members=standing, ready={"east-2": ready("east-2")})
    assert (first.word, first.severity, first.epoch) == ("withdrawn", "warning", 1)
    assert first.title == (
        "failover of api from west to east is followed no longer: the plan has no member east any more"
    )
    assert words(more) == ["failover.command"], "what is wanted is decided anew"
    assert more[0].target == "east-2"
    assert group.look(10) == []


def test_what_was_only_recommended_is_withdrawn_without_a_warning() -> None:
    group = Group(mode="recommend")
    assert words(group.stands(10, west="down")) == ["failover.recommended"]
    group.policy = a_policy(mode="recommend", members=(WEST, "east-2"))
    first, *_ = group.look(10, members={WEST: word(WEST, "down"), "east-2": word("east-2")})
    assert (first.word, first.severity) == ("withdrawn", "info")
