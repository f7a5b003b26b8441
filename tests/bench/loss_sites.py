"""Where the application is deployed: a class a way. Compose and a hand-made switch."""

from __future__ import annotations

import json
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

from loss_image import CHECK, PORT

from engine_socket import request
from ground import RunningEngine
from local_registry import find_free_port

GRACE_S = 20
HOST = "loss.example.com"
READY_WITHIN_S = 30.0
DRAIN_S = 2.0


class NotDeployed(Exception):
    """The deploy said so itself: the version that served before serves."""


@dataclass
class Site(ABC):
    """One way to deploy the application. ``folder`` is its own; instances write their logs below it."""

    engine: RunningEngine
    image: str
    caddy: str
    folder: Path
    port: int = field(default_factory=find_free_port)
    """Of loopback, where the load goes."""
    name: ClassVar[str]

    def __enter__(self) -> Self:
        self.log.mkdir(parents=True)
        try:
            self.begin()
        except BaseException:
            self.clear()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @abstractmethod
    def begin(self) -> None:
        """Make what stands before the first deploy."""

    @abstractmethod
    def deploy(self, version: str, fault: str = "") -> None:
        """As its users do; back when they would go on. NotDeployed when it refused the version."""

    @abstractmethod
    def clear(self) -> None:
        """Remove what it made, in whatever state."""

    def variables(self, version: str, fault: str) -> dict[str, str]:
        """The application's."""
        return {"VERSION": version, "FAULT": fault, "LOG": "/log"}

    def service(self, version: str, fault: str) -> dict[str, Any]:
        """The words that Compose and stacks share."""
        return {
            "image": self.image,
            "environment": self.variables(version, fault),
            "volumes": [f"{self.log}:/log"],
            "healthcheck": {"test": CHECK, "interval": "1s", "timeout": "2s", "retries": 3},
            "stop_grace_period": f"{GRACE_S}s",
        }


class Compose(Site):
    """``docker compose up -d`` of a service with a published port."""

    name = "docker compose up -d"

    def begin(self) -> None:
        """Nothing."""

    def deploy(self, version: str, fault: str = "") -> None:
        service = {**self.service(version, fault), "ports": [f"127.0.0.1:{self.port}:{PORT}"]}
        (self.folder / "compose.yaml").write_text(json.dumps({"services": {"web": service}}))
        self._compose("up", "--detach")

    def clear(self) -> None:
        if (self.folder / "compose.yaml").exists():
            self._compose("down", "--timeout", "1")

    def _compose(self, *words: str) -> None:
        self.engine.cli("compose", "-p", "losspeer", "-f", str(self.folder / "compose.yaml"), *words)


class HandMade(Site):
    """A script: start the new container, wait for health, load Caddy's configuration, wait, stop the old."""

    name = "hand-made switch"
    _NETWORK, _PROXY = "loss-switch", "loss-switch-proxy"
    _number = 0
    _serving = ""

    def begin(self) -> None:
        self.clear()
        self.engine.cli("network", "create", self._NETWORK)

    def deploy(self, version: str, fault: str = "") -> None:
        self._number += 1
        container = f"loss-switch-{self._number}"
        self.engine.cli(*self._run(container, self.variables(version, fault)))
        if not until(lambda: health(self.engine, container) == "healthy", READY_WITHIN_S):
            self.engine.cli("rm", "--force", container)
            raise NotDeployed(version)
        old, self._serving = self._serving, container
        if not old:
            return self._begin_proxy()
        self._load()
        time.sleep(DRAIN_S)
        self.engine.cli("stop", "--time", str(GRACE_S), old)
        self.engine.cli("rm", old)
        return None

    def clear(self) -> None:
        ids = self.engine.cli("ps", "--all", "--quiet", "--filter", "name=^loss-switch-").split()
        if ids:
            self.engine.cli("rm", "--force", *ids)
        subprocess.run(
            [self.engine.docker, "network", "rm", self._NETWORK],
            env=self.engine.environment,
            capture_output=True,
            check=False,
        )

    def _run(self, container: str, variables: Mapping[str, str]) -> list[str]:
        words = ["run", "--detach", "--name", container, "--network", self._NETWORK]
        words += [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
        words += ["--volume", f"{self.log}:/log", "--health-cmd", CHECK[1]]
        return [*words, "--health-interval", "1s", "--health-timeout", "2s", self.image]

    def _begin_proxy(self) -> None:
        place = self.folder / "caddy"
        place.mkdir()
        (place / "config.json").write_text(json.dumps(caddy_config(self._to_serving())))
        words = ["run", "--detach", "--name", self._PROXY, "--network", self._NETWORK]
        words += ["--publish", f"127.0.0.1:{self.port}:{PORT}", "--volume", f"{place}:/run/caddy", self.caddy]
        self.engine.cli(*words, "caddy", "run", "--config", "/run/caddy/config.json")

    def _load(self) -> None:
        body = json.dumps(caddy_config(self._to_serving())).encode()
        headers = {"Content-Type": "application/json"}
        status, answer = request(self.folder / "caddy/admin.sock", "POST", "/load", body, headers)
        assert status == 200, answer

    def _to_serving(self) -> dict[str, Any]:
        return {"upstreams": [{"dial": f"{self._serving}:{PORT}"}]}


def caddy_config(upstreams: Mapping[str, Any]) -> dict[str, Any]:
    """A proxy for all hosts. Streams of a configuration that is replaced may go on for a while."""
    proxy = {"handler": "reverse_proxy", "stream_close_delay": "60s", **upstreams}
    server = {
        "listen": [f":{PORT}"],
        "automatic_https": {"disable": True},
        "routes": [{"handle": [proxy]}],
    }
    return {
        "admin": {"listen": "unix//run/caddy/admin.sock"},
        "apps": {"http": {"servers": {"main": server}}},
    }


def health(engine: RunningEngine, container: str) -> str:
    """What the engine says of its health: starting, healthy, unhealthy; else its state."""
    _, body = request(engine.socket, "GET", f"/containers/{container}/json")
    state = json.loads(body).get("State", {})
    return str(state.get("Health", {}).get("Status") or state.get("Status", "gone"))


def until(seen: Callable[[], bool], seconds: float) -> bool:
    """Whether it was seen in time."""
    limit = time.monotonic() + seconds
    while not seen():
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True
