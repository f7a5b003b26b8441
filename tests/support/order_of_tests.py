"""Which tests share a process, and in which order they are handed out where several processes run them.

Tests of engines mostly wait, the others mostly compute: mixed, each fills the pauses of the other. The
longest come first, so that no process is left alone with one at the end.
"""

from __future__ import annotations

import pytest

USUAL_SECONDS = 1.0
UNUSUAL_SECONDS: dict[str, float] = {
    "test_the_demo_does_what_it_says": 77,
    "test_every_field_that_a_hand_changes_is_seen_named_and_healed": 35,
    "test_without_an_engine_or_a_memory_it_waits_and_goes_on": 34,
    "test_strategies_streams_and_neighbours": 33,
    "test_killed_at_every_boundary_of_an_update_nothing_is_lost": 32,
    "test_files_and_a_rotated_secret_in_a_read_only_container": 30,
    "test_a_changed_file_of_variables_replaces_its_services_alone": 30,
    "test_what_is_no_good_is_told_and_the_old_one_serves": 29,
    "test_over_ssh_a_key_may_push_and_do_nothing_else": 27,
    "test_only_signed_history_that_goes_on_is_deployed": 26,
    "test_back_and_forward": 26,
    "test_what_somebody_changes_on_the_way_is_told_and_healed": 25,
    "test_every_example_runs_and_never_drifts_by_itself": 25,
    "test_killed_at_a_call_the_next_apply_ends_the_same": 24,
    "test_a_list_that_fails_is_not_an_empty_list": 24,
    "test_of_two_loops_one_acts_and_the_other_takes_over": 23,
    "test_secrets_are_asked_for_by_name_and_their_values_stay_in_the_container": 22,
    "test_a_step_that_was_begun_is_finished_and_a_second_signal_ends_at_once": 22,
    "test_the_main_job": 21,
    "test_a_lock_restarts_nobody_and_an_update_its_users_alone": 21,
    "test_taking_over_what_compose_runs": 19,
    "test_every_problem_of_the_specs_is_printed_at_once_and_nothing_is_done": 19,
    "test_two_applies_at_once_make_nothing_twice": 18,
    "test_what_left_git_goes_and_a_guard_asks_before_most_of_it_goes": 17,
    "test_scale_up_and_down_touches_nobody_else": 17,
    "test_every_meddling_is_seen_named_and_healed": 17,
    "test_a_second_start_finds_the_first_one_and_repairs_a_broken_one": 17,
    "test_a_push_shows_build_rollout_and_why_it_failed_as_it_happens": 17,
    "test_a_migration_succeeds_fails_and_is_killed_in_the_middle": 17,
    "test_a_loop_that_is_killed_at_a_call_is_gone_on_with_by_the_next": 17,
    "test_registries_that_are_down_refuse_or_are_full": 16,
    "test_killed_at_random_moments_the_next_apply_ends_the_same": 16,
    "test_every_word_runs_without_drift_and_follows_what_it_joins": 16,
    "test_an_engine_that_goes_away_in_the_middle_costs_nothing": 15,
    "test_a_generation_that_never_gets_healthy_is_held_and_the_fix_ends_it": 15,
    "test_stop_removes_an_engine_whose_processes_were_killed": 14,
    "test_an_apply_through_faults_ends_the_same": 14,
    "test_the_status_is_shown_as_it_changes": 12,
    "test_on_a_full_disk_it_deploys_and_says_once_what_is_lost": 12,
    "test_requests_are_led_over_ssh_and_none_is_lost": 11,
    "test_nothing_is_lost_in_updates": 11,
    "test_hands_off_while_git_is_broken_and_the_marker_comes_back": 11,
    "test_everything_goes_over_ssh_with_one_login_a_command": 11,
    "test_an_image_that_is_retagged_underneath_changes_nothing": 11,
    "test_stop_first_that_fails_starts_the_kept_one_again": 10,
    "test_services_of_every_field_never_drift_by_themselves": 10,
    "test_projects_of_the_corpus_run_as_under_compose_and_never_drift": 10,
    "test_killed_while_building_and_pushing": 10,
    "test_drift_is_reported_and_left_alone_where_the_environment_says_so": 10,
    "test_destroy_removes_everything_but_data": 10,
    "test_a_port_that_a_stranger_holds_is_told_and_the_old_one_goes_on": 10,
    "test_what_cannot_be_read_as_an_environment_names_the_next_command": 9,
    "test_logs_name_instances_mask_secrets_and_go_by_time": 9,
    "test_an_environment_that_waits_for_apply_is_healed_and_follows_it": 9,
    "test_rename_of_a_service_starts_the_new_and_removes_the_old": 8,
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
