"""The loop through faults, kills, rivals and lost hints, seed by seed: what was asked for runs in the end.

``RECONCILER_SEEDS=FIRST:COUNT`` runs others than those of every run.
"""

from __future__ import annotations

import os

import pytest

from simulator import Simulation, check
from virtual_time import run_virtually

_FIRST, _COUNT = (int(part) for part in os.environ.get("RECONCILER_SEEDS", "0:200").split(":"))
_AT_ONCE = 20


@pytest.mark.parametrize("first", range(_FIRST, _FIRST + _COUNT, _AT_ONCE))
def test_after_all_faults_what_was_asked_for_runs(first: int) -> None:
    for seed in range(first, min(first + _AT_ONCE, _FIRST + _COUNT)):
        simulation = Simulation(seed)
        check(simulation, run_virtually(simulation.run()))
