"""A Caddy of its own on this machine: its folder, a name server that knows instances, and a way to ask it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from providers.caddy.place import Place
from providers.caddy.proxies import CaddyProxies
from reconciler.handle import Handle
from reconciler.ownership import Owner
from reconciler.proxies import ProbeRequest, ProxyQuestion, ProxyWorld, RunningProxy
from reconciler.traffic import EDGE, DesiredProxy, DesiredRoute, share
from specs.proxy import Proxy
from specs.route import Route

OWNER = Owner("shop", "test")
PROGRAM = Path(sys.executable).parent / "caddy"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class NameServer(asyncio.DatagramProtocol):
    """Answers for the names that it was given, with or without a dot at their end."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, query: bytes, client: tuple[str, int]) -> None:
        labels, at = [], 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode())
            at += 1 + length
        question, kind = query[12 : at + 5], query[at + 2]
        address = self.names.get(".".join(labels))
        answer = b""
        if address and kind == 1:
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(address)
        code = 0x8180 if address else 0x8183
        head = query[:2] + code.to_bytes(2, "big") + b"\0\1" + bytes((0, bool(answer))) + b"\0\0\0\0"
        self.transport.sendto(head + question + answer, client)  # type: ignore[attr-defined]


@dataclass
class LocalInsides:
    """Stands for an engine on this machine: the folder is here, and commands run here."""

    folder: str

    async def run_inside(
        self, owner: Owner, handle: Handle, command: Sequence[str], stdin: bytes = b"", deadline: float = 10.0
    ) -> tuple[int, bytes]:
        path = f"{PROGRAM.parent}:{os.environ['PATH']}"
        process = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PATH": path}
        )
        written, _ = await asyncio.wait_for(process.communicate(stdin), deadline)
        return process.returncode or 0, written

    async def folder_of(self, owner: Owner, volume: str) -> str | None:
        return self.folder


@dataclass
class LocalCaddy:
    """One Caddy process, used as edge or inner proxy, and the instances that its tables can name."""

    folder: Path
    service_name: str = EDGE
    handle: Handle = field(default_factory=lambda: Handle("here", os.urandom(32).hex()))
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self.names = NameServer()
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self.names, ("127.0.0.1", 0))
        port = self.transport.get_extra_info("sockname")[1]
        self.place = Place(
            folder=str(self.folder),
            http=free_port(),
            https=free_port(),
            address="127.0.0.1",
            door=f"127.0.0.1:{free_port()}",
            resolver=f"udp/127.0.0.1:{port}",
            patience="300ms",
        )
        self.proxies = CaddyProxies(LocalInsides(str(self.folder)), self.place)
        self.running = RunningProxy(self.handle, self.service_name, "volume")
        self.launch()
        await self.ready()

    def launch(self) -> None:
        """Run it as its container would."""
        settings = {
            "HOSTNAME": self.handle.id[:12],
            "CADDY_ADMIN": f"unix/{self.folder}/{{env.HOSTNAME}}.sock",
            "XDG_CONFIG_HOME": str(self.folder / "edge"),
            "XDG_DATA_HOME": str(self.folder / "data"),
        }
        log = (self.folder / "log").open("ab")
        environ = {**os.environ, **settings}
        self.process = subprocess.Popen([PROGRAM, "run", "--resume"], env=environ, stdout=log, stderr=log)
        log.close()

    async def ready(self) -> None:
        """Wait until it listens."""
        for _ in range(500):
            if self.process is None or self.process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())
            world = await self.look(None)
            if not world.proxies[0].problem:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(world.proxies[0].problem)

    async def look(self, proxy: DesiredProxy | None, *probes: ProbeRequest) -> ProxyWorld:
        question = ProxyQuestion(OWNER, proxy, (self.running,), probes)
        return await self.proxies.observe(question)

    async def load(self, proxy: DesiredProxy, **secrets: str) -> None:
        self.routed = {it.service_name: it.route.port for it in proxy.routes}
        await self.proxies.load(OWNER, self.running, proxy, secrets)

    async def switch(self, service_name: str, *ids: str) -> None:
        """Requests for the service go to these instances, in equal parts."""
        ports = dict.fromkeys(ids, self.routed.get(service_name, 8080))
        await self.proxies.switch(OWNER, self.running, service_name, share((), dict.fromkeys(ids, 1)), ports)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.transport.close()


def proxy_of(*routes: tuple[str, dict[str, object]], **settings: object) -> DesiredProxy:
    """What proxies are to do, as documents say it."""
    found = tuple(DesiredRoute(name, Route.model_validate(route)) for name, route in sorted(routes))
    return DesiredProxy(Proxy.model_validate({"https": "none", **settings}), found)
