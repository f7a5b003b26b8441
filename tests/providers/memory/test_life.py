"""How a container's process lives: health, exits, restart policies, on a clock that the test moves."""

from __future__ import annotations

import pytest

from providers.memory import Behaviour
from providers.memory.container import Container
from reconciler.observed import Health, Phase


def born(behaviour: Behaviour, restart: str = "unless-stopped", *, has_check: bool = True) -> Container:
    container = Container("1", "web", "app@sha256:1", {}, behaviour, 0.0, restart, has_check)
    container.start(0.0)
    return container


def test_health_begins_as_starting_and_becomes_healthy() -> None:
    container = born(Behaviour(healthy_after=2.0))
    assert container.health(1.9) == (Health.STARTING, None)
    assert container.health(2.0) == (Health.HEALTHY, 2.0)


def test_health_turns_unhealthy() -> None:
    container = born(Behaviour(healthy_after=1.0, unhealthy_after=5.0))
    assert container.health(4.0)[0] is Health.HEALTHY
    assert container.health(5.0) == (Health.UNHEALTHY, None)


def test_a_check_that_never_passes_stays_starting() -> None:
    assert born(Behaviour(healthy_after=None)).health(500.0)[0] is Health.STARTING


def test_without_a_check_there_is_no_health() -> None:
    assert born(Behaviour(), has_check=False).health(9.0) == (Health.NONE, None)


def test_a_stopped_or_paused_container_reads_as_unhealthy() -> None:
    stopped, paused = born(Behaviour()), born(Behaviour())
    stopped.stop(3.0, 143)
    paused.pause()
    assert stopped.health(4.0)[0] is paused.health(4.0)[0] is Health.UNHEALTHY
    paused.unpause(5.0)
    assert paused.health(5.5)[0] is Health.STARTING  # unhealthy without a failed probe reads as starting
    assert paused.health(6.0) == (Health.HEALTHY, 6.0)


def test_a_restart_waits_longer_each_time_up_to_a_minute() -> None:
    container = born(Behaviour(exits_after=1.0))
    container.elapse(1.0)
    assert (container.phase, container.exits) == (Phase.RESTARTING, 1)
    container.elapse(1.1)
    assert container.phase is Phase.RUNNING
    assert container.started_at == pytest.approx(1.1)
    container.elapse(2.25)
    assert (container.phase, container.exits) == (Phase.RESTARTING, 2)
    container.elapse(1000.0)
    before = container.exits
    container.elapse(1610.0)
    assert container.exits - before == 10  # a minute's delay and a second's life each


def test_a_long_life_makes_the_delay_short_again() -> None:
    container = born(Behaviour(exits_after=11.0))
    container.elapse(11.15 * 20)
    assert container.exits == 20


def test_it_recovers_after_as_many_exits_as_told() -> None:
    container = born(Behaviour(exits_after=1.0, exit_times=2))
    container.elapse(100.0)
    assert (container.phase, container.exits) == (Phase.RUNNING, 2)


@pytest.mark.parametrize(
    ("restart", "code", "phase", "exits"),
    [
        ("no", 1, Phase.EXITED, 1),
        ("on-failure", 0, Phase.EXITED, 1),
        ("on-failure:2", 1, Phase.EXITED, 3),
        ("always", 0, Phase.RESTARTING, 10),
    ],
)
def test_the_policy_decides_what_follows_an_exit(restart: str, code: int, phase: Phase, exits: int) -> None:
    container = born(Behaviour(exits_after=1.0, exit_code=code), restart)
    while container.exits < exits and (at := container._next_event()) is not None:
        container.elapse(at)
    assert (container.phase, container.exits, container.exit_code) == (phase, exits, code)


def test_counts_begin_again_at_a_start_by_hand() -> None:
    container = born(Behaviour(exits_after=1.0), "no")
    container.elapse(2.0)
    container.start(3.0)
    assert (container.exits, container.exit_code, container.finished_at) == (0, None, 1.0)


def test_no_policy_undoes_a_stop() -> None:
    container = born(Behaviour(), "always")
    container.stop(1.0, 137)
    container.elapse(1000.0)
    assert container.phase is Phase.EXITED


@pytest.mark.parametrize(
    ("restart", "stopped", "phase"),
    [
        ("no", False, Phase.EXITED),
        ("unless-stopped", False, Phase.RUNNING),
        ("unless-stopped", True, Phase.EXITED),
        ("always", True, Phase.RUNNING),
        ("on-failure", True, Phase.RUNNING),
    ],
)
def test_a_restart_of_the_engine_revives_by_policy(restart: str, stopped: bool, phase: Phase) -> None:
    container = born(Behaviour(), restart)
    if stopped:
        container.stop(1.0, 143)
    container.outlive_engine(2.0)
    assert container.phase is phase
