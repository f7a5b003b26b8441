"""Routed services through commits, kills, faults and lost hints, seed by seed: no request is lost.

``RECONCILER_ROUTED_SEEDS=FIRST:COUNT`` runs others than those of every run.
"""

from __future__ import annotations

import os

import pytest

from routed_simulator import RoutedSimulation
from simulated_laws import check_end
from virtual_time import run_virtually

_FIRST, _COUNT = (int(part) for part in os.environ.get("RECONCILER_ROUTED_SEEDS", "0:60").split(":"))
_AT_ONCE = 20


@pytest.mark.parametrize("first", range(_FIRST, _FIRST + _COUNT, _AT_ONCE))
def test_no_request_is_lost(first: int) -> None:
    for seed in range(first, min(first + _AT_ONCE, _FIRST + _COUNT)):
        simulation = RoutedSimulation(seed)
        try:
            seen = run_virtually(simulation.run())
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(simulation.about()) from error
        check_end(simulation.wanted, seen, simulation.about())
