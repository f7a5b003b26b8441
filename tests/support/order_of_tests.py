"""Which tests share a process, and in which order they are handed out where several processes run them.

Tests of engines mostly wait, the others mostly compute: mixed, each fills the pauses of the other. The
longest come first, so that no process is left alone with one at the end.
"""

from __future__ import annotations

import pytest

USUAL_SECONDS = 2.0
UNUSUAL_SECONDS: dict[str, float] = {
    "test_killed_at_a_call_the_next_apply_ends_the_same": 45,
    "test_the_demo_does_what_it_says": 37,
    "test_every_field_that_a_hand_changes_is_seen_named_and_healed": 32,
    "test_every_example_runs_and_never_drifts_by_itself": 31,
    "test_taking_over_what_compose_runs": 24,
    "test_what_is_no_good_is_told_and_the_old_one_serves": 45,
    "test_killed_at_every_boundary_of_an_update_nothing_is_lost": 35,
    "test_strategies_streams_and_neighbours": 35,
    "test_back_and_forward": 33,
    "test_what_somebody_changes_on_the_way_is_told_and_healed": 30,
    "test_files_and_a_rotated_secret_in_a_read_only_container": 30,
    "test_secrets_are_asked_for_by_name_and_their_values_stay_in_the_container": 25,
    "test_a_loop_that_is_killed_at_a_call_is_gone_on_with_by_the_next": 25,
    "test_a_lock_restarts_nobody_and_an_update_its_users_alone": 25,
    "test_two_applies_at_once_make_nothing_twice": 23,
    "test_nothing_is_lost_in_updates": 23,
    "test_hands_off_while_git_is_broken_and_the_marker_comes_back": 23,
    "test_an_interrupt_ends_cleanly_and_a_later_apply_converges": 20,
    "test_registries_that_are_down_refuse_or_are_full": 20,
    "test_every_word_runs_without_drift_and_follows_what_it_joins": 20,
    "test_killed_while_building_and_pushing": 20,
    "test_a_migration_succeeds_fails_and_is_killed_in_the_middle": 18,
    "test_an_apply_through_faults_ends_the_same": 20,
    "test_services_of_every_field_never_drift_by_themselves": 18,
    "test_killed_at_random_moments_the_next_apply_ends_the_same": 18,
    "test_the_main_job": 15,
    "test_a_project_of_the_corpus_is_read_as_compose_reads_it": 0.4,
}
"""About how long tests of engines take that are far from usual; it need not be exact."""


def needs_engine(item: pytest.Item) -> bool:
    return item.get_closest_marker("engine") is not None or "ground" in getattr(item, "fixturenames", ())


def find_group(item: pytest.Item) -> str | None:
    """A module and the engine that its shared fixtures stand on; None where it has no fixture of its own."""
    definitions = getattr(item, "_fixtureinfo", None)
    shared = [
        found[-1]
        for found in (definitions.name2fixturedefs.values() if definitions else ())
        if found[-1].scope == "module"
    ]
    if not shared:
        return None
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return f"{item.path.name}-{parameters.get('engine', '')}"


def group_by_fixtures(items: list[pytest.Item]) -> None:
    """One process makes what a module's tests share, once."""
    for item in items:
        group = find_group(item)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))


def unit_of(item: pytest.Item) -> str:
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else item.nodeid


def expect_seconds(unit: list[pytest.Item]) -> float:
    return sum(UNUSUAL_SECONDS.get(getattr(item, "originalname", ""), USUAL_SECONDS) for item in unit)


def mix(items: list[pytest.Item]) -> list[pytest.Item]:
    """Units of tests, those of engines from the longest to the shortest, each at its share of the whole."""
    gathered: dict[str, list[pytest.Item]] = {}
    for item in items:
        gathered.setdefault(unit_of(item), []).append(item)
    waiting = sorted((u for u in gathered.values() if needs_engine(u[0])), key=expect_seconds, reverse=True)
    computing = [unit for unit in gathered.values() if not needs_engine(unit[0])]
    placed = [(number / len(computing), unit) for number, unit in enumerate(computing)]
    begun, whole = 0.0, sum(map(expect_seconds, waiting))
    for unit in waiting:
        placed.append((begun / whole, unit))
        begun += expect_seconds(unit)
    placed.sort(key=lambda one: one[0])
    return [item for _, unit in placed for item in unit]
