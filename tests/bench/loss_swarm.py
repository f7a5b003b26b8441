"""``docker stack deploy`` with ``order: start-first`` on a swarm of one engine that is started for it.

The kernel may have no IPVS, and a port of the host cannot be held by two tasks at once: so a Caddy task holds
the port, and finds the application's tasks by the swarm's DNS, which it asks each second.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from loss_image import PORT
from loss_sites import NotDeployed, Site, caddy_config, until

from engine_process import Engine, start_engine, stop_engine
from engine_socket import request
from engines import gather_tools

_STACK, _SERVICE = "losspeer", "losspeer_web"
_DEPLOYED_WITHIN_S = 120.0
_BY_DNS = {
    "dynamic_upstreams": {
        "source": "a",
        "name": "web",
        "port": str(PORT),
        "refresh": "1s",
        "resolver": {"addresses": ["127.0.0.11"]},
    },
    "load_balancing": {"try_duration": "5s", "try_interval": "100ms"},
}


class Stack(Site):
    """Its engine goes with it."""

    name = "docker stack deploy, start-first"

    def begin(self) -> None:
        self._private = Engine(self.engine.version, self.folder / "e")
        programs = gather_tools([self.engine.version]).programs(self.engine.version)
        start_engine(self._private, programs)
        self.engine = replace(self.engine, docker_host=f"unix://{self._private.socket}")
        self.engine.cli("swarm", "init", "--advertise-addr", "127.0.0.1")
        for image in (self.image, self.caddy):
            self.engine.cli("pull", "--quiet", image)
        place = self.folder / "caddy"
        place.mkdir()
        (place / "config.json").write_text(json.dumps(caddy_config(_BY_DNS)))

    def deploy(self, version: str, fault: str = "") -> None:
        (self.folder / "stack.yaml").write_text(json.dumps(self._stack(version, fault)))
        before = self._updated_at()
        words = ("stack", "deploy", "--resolve-image", "never", "--compose-file", "stack.yaml", _STACK)
        self.engine.cli(*(str(self.folder / w) if w == "stack.yaml" else w for w in words))
        assert until(lambda: self._is_over(before), _DEPLOYED_WITHIN_S), self._service()
        if self._status().get("State") == "rollback_completed":
            raise NotDeployed(version)

    def clear(self) -> None:
        stop_engine(self._private)

    def _stack(self, version: str, fault: str) -> dict[str, Any]:
        update = {"order": "start-first", "failure_action": "rollback", "monitor": "5s"}
        deploy = {"replicas": 1, "endpoint_mode": "dnsrr", "update_config": update}
        web = {**self.service(version, fault), "deploy": deploy, "networks": ["loss"]}
        proxy = {
            "image": self.caddy,
            "command": ["caddy", "run", "--config", "/run/caddy/config.json"],
            "volumes": [f"{self.folder / 'caddy'}:/run/caddy"],
            "ports": [{"target": PORT, "published": self.port, "mode": "host"}],
            "networks": ["loss"],
        }
        return {
            "version": "3.8",
            "services": {"web": web, "proxy": proxy},
            "networks": {"loss": {"driver": "overlay"}},
        }

    def _service(self) -> dict[str, Any]:
        status, body = request(self.engine.socket, "GET", f"/services/{_SERVICE}?status=true")
        found: dict[str, Any] = json.loads(body) if status == 200 else {}
        return found

    def _status(self) -> dict[str, Any]:
        found: dict[str, Any] = self._service().get("UpdateStatus") or {}
        return found

    def _updated_at(self) -> str | None:
        return self._status().get("StartedAt") if self._service() else None

    def _is_over(self, before: str | None) -> bool:
        """Whether the update that began after ``before`` is, or the first task runs."""
        status = self._status()
        if not status:
            asked = quote(json.dumps({"service": [_SERVICE], "desired-state": ["running"]}))
            _, body = request(self.engine.socket, "GET", f"/tasks?filters={asked}")
            return any(task["Status"]["State"] == "running" for task in json.loads(body))
        ended = ("completed", "paused", "rollback_completed", "rollback_paused")
        return status.get("StartedAt") != before and status.get("State") in ended
