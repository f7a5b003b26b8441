"""Hooks through faults, kills, rivals and lost hints: none is started twice for one generation, and what was
asked for runs in the end."""

from __future__ import annotations

from dataclasses import dataclass, replace

from crash_scenes import HOOKS, hook_starts
from providers.memory import Behaviour
from simulated_laws import check_end
from simulator import Simulation
from sketches import Sketch
from virtual_time import run_virtually

_SEEDS = range(12)
_SLOW = Behaviour(hooks={("migrate",): Behaviour(exits_after=4.0, exit_code=0)})
"""Long enough for something to happen meanwhile."""


@dataclass
class HookedSimulation(Simulation):
    """Every service has hooks. A killed one holds its version, rightly: the last commit has another."""

    def _first(self) -> tuple[Sketch, ...]:
        self.must_change = True
        return tuple(replace(sketch, words=(("hooks", HOOKS),)) for sketch in super()._first())

    def commit_these(self, sketches: tuple[Sketch, ...]) -> None:
        for sketch in sketches:
            if sketch.image != "ours:bad":
                self.driver.world.behave(sketch, _SLOW)
        super().commit_these(sketches)


def test_no_hook_is_started_twice_whatever_happens() -> None:
    started = 0
    for seed in _SEEDS:
        simulation = HookedSimulation(seed)
        seen = run_virtually(simulation.run())
        check_end(simulation.wanted, seen, simulation.about())
        starts = hook_starts(simulation.driver)
        assert set(starts.values()) <= {1}, (starts, simulation.about())
        started += len(starts)
    assert started > len(_SEEDS)
