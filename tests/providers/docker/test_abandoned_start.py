from __future__ import annotations

import pytest

from providers.docker.live import NetworkNames, live_instance
from reconciler.observed import Instance
from reconciler.ownership import OWNER, SERVICE, Owner
from reconciler.readiness import start_error


def read(error: str) -> Instance:
    container = {
        "Id": "c1",
        "Name": "/shop_dev_web_0123abcd_1",
        "Config": {"Labels": {OWNER: "shop/dev", SERVICE: "web"}},
        "State": {"Status": "created", "ExitCode": 128, "Error": error},
    }
    instance = live_instance(Owner("shop", "dev"), "h", container, {}, NetworkNames({}))
    assert instance is not None
    return instance


@pytest.mark.parametrize(
    "error",
    [
        "context canceled",
        "failed to create task for container: context canceled",
        "failed to create shim task: context deadline exceeded: unknown",
    ],
)
def test_a_start_whose_caller_went_away_is_no_failure_of_the_instance(error: str) -> None:
    """Seen: a killed client under stop-first had its good new version held and rolled back."""
    instance = read(error)
    assert (instance.error, instance.exit_code) == ("", None)


def test_a_program_called_so_is_still_missing() -> None:
    error = 'exec: "context canceled": executable file not found in $PATH: unknown'
    assert start_error(read(error)) == error
