"""A plan with nothing to do over an ssh link of 30 ms, beside Compose over the same link."""

from __future__ import annotations

from pathlib import Path

from fleet import Fleet
from timing import Pair, in_turn, run

from ground import RunningEngine
from relay import Relay
from ssh_server import SshServer

EACH_WAY_S = 0.015


def measure_link(engine: RunningEngine, fleet: Fleet, command: list[str], scratch: Path) -> Pair:
    """Both fleets run already. The other end of the link is this machine; what is added is the delay."""
    # Compose's client logs in and starts `docker system dial-stdio` there, which is to find this engine.
    settings = (f"SetEnv DOCKER_HOST={engine.docker_host} PATH={Path(engine.docker).parent}:/usr/bin:/bin",)
    with SshServer(scratch / "ssh", settings) as server, Relay(server.port, delay_s=EACH_WAY_S) as relay:
        server.configure(relay.port)
        variables = {**engine.environment, **server.client(engine.environment["PATH"])}
        variables["DOCKER_HOST"] = "ssh://engine-1"
        ours = {**variables, "DOCKER_HOST": f"ssh://engine-1{engine.socket}"}
        return in_turn(
            lambda: run([*command, "plan", "dev"], fleet.folder, ours),
            lambda: run([engine.docker, *fleet.compose_up], fleet.folder, variables),
        )
