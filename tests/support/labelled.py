"""Remove from an engine what bears certain labels, running or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from engine_socket import request

AT_ONCE = 4


def remove_labelled(
    socket: Path, listed: Callable[[str, str], list[dict[str, Any]]], labels: Sequence[str]
) -> None:
    """Containers, several at once; then networks and volumes. `listed` takes kind and label."""
    found = {row["Id"] for label in labels for row in listed("containers/json", label)}
    targets = [f"/containers/{identity}?force=1&v=1" for identity in found]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda target: request(socket, "DELETE", target), targets))
    for label in labels:
        for row in listed("networks", label):
            request(socket, "DELETE", f"/networks/{row['Id']}")
        for row in listed("volumes", label):
            request(socket, "DELETE", f"/volumes/{row['Name']}?force=1")
