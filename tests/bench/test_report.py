"""The page of benchmarks keeps what is not measured anew."""

from bench.report import sections, table, written


def test_a_section_takes_the_place_of_its_own_and_the_others_stay() -> None:
    page = written("# Benchmarks\n\nA machine.", {"One": "| a | 1 |", "Two": "| b | 2 |"})
    assert page == "# Benchmarks\n\nA machine.\n\n## One\n\n| a | 1 |\n\n## Two\n\n| b | 2 |\n"
    assert sections(page) == {"One": "| a | 1 |", "Two": "| b | 2 |"}
    anew = sections(page) | {"Two": "| b | 3 |"}
    assert written("# Benchmarks\n\nA machine.", anew) == page.replace("2", "3")


def test_figures_within_figures_have_dotted_names() -> None:
    assert table({"rate": {"per_s": 12_000}, "kept": True})[2:] == ["| rate.per s | 12,000 |", "| kept | yes |"]
