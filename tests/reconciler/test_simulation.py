"""The loop through faults, kills, rivals and lost hints, seed by seed: what was asked for runs in the end.

``RECONCILER_SEEDS=FIRST:COUNT`` runs others than those of every run. A seed that fails is printed with the
laws that it broke and with all that had happened; ``RECONCILER_SEEDS=SEED:1`` plays the same again.
"""

from __future__ import annotations

import os

import pytest

from simulated_laws import check_end
from simulator import Simulation
from virtual_time import run_virtually

_FIRST, _COUNT = (int(part) for part in os.environ.get("RECONCILER_SEEDS", "0:200").split(":"))
_AT_ONCE = 20


@pytest.mark.parametrize("first", range(_FIRST, _FIRST + _COUNT, _AT_ONCE))
def test_after_all_faults_what_was_asked_for_runs(first: int) -> None:
    for seed in range(first, min(first + _AT_ONCE, _FIRST + _COUNT)):
        simulation = Simulation(seed)
        try:
            seen = run_virtually(simulation.run())
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(simulation.about()) from error
        check_end(simulation.wanted, seen, simulation.about())
