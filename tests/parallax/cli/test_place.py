"""Where commands find the collector's state folder."""

from pathlib import Path

from parallax.cli.place import OWNER, collector_state


def test_the_state_folder_of_up_leads_to_the_collectors_in_it(tmp_path: Path) -> None:
    own, up = tmp_path / "own", tmp_path / "up"
    for collector in (own, up / "collector"):
        collector.mkdir(parents=True)
        (collector / OWNER).touch()
    assert collector_state(None, up) == up / "collector"
    assert collector_state(None, up / "collector") == up / "collector"
    assert collector_state(None, own) == own


def test_a_folder_in_which_nothing_runs_is_named_as_it_was_given(tmp_path: Path) -> None:
    assert collector_state(None, tmp_path) == tmp_path
