"""Routed services through commits, kills, faults and lost hints, seed by seed: no request is lost.

``RECONCILER_ROUTED_SEEDS=FIRST:COUNT`` runs others than those of every run.
"""

from __future__ import annotations

import os

import pytest

from reconciler.ownership import Role
from reconciler.plan import plan
from reconciler.traffic import short_id
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
        assert not plan(simulation.wanted, seen, seen.at).actions, simulation.about()
        for service in simulation.wanted.services.values():
            if service.form.spec.route is not None:
                live = [i for i in seen.instances if i.service_name == service.name and i.role is Role.LIVE]
                leading = set(seen.traffic.slots_of(service.name))
                assert leading == {short_id(i.handle) for i in live}, simulation.about()
