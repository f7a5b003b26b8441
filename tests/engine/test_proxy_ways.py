"""Both ways into a proxy, on a real engine: what one does, the other reads."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from ground import RunningEngine
from local_caddy import proxy_of
from providers.caddy import CaddyProxies
from providers.docker.runtime import DockerRuntime, open_runtime
from reconciler.handle import Handle
from reconciler.ownership import OWNER, Owner
from reconciler.provider import Insides, ProviderError, Refused, Stale
from reconciler.proxies import Answer, ProbeRequest, ProxyQuestion, RunningProxy
from reconciler.traffic import EDGE, Flow, share, short_id
from small_app import client_of
from specs.proxied import proxy_services
from specs.route import Route
from specs.service import Service

pytestmark = pytest.mark.engine
ROUTE: dict[str, object] = {"host": "web.test", "port": 8080, "ready": {"http": "/ready"}}
PROXY = proxy_of(("web", ROUTE))


@dataclass
class FarAway:
    """An engine whose folders are not on this machine."""

    insides: Insides
    commands: list[str] = field(default_factory=list)

    async def run_inside(
        self,
        owner: Owner,
        handle: Handle,
        command: Sequence[str],
        stdin: bytes = b"",
        deadline: float = 10.0,
    ) -> tuple[int, bytes]:
        self.commands.append(command[0])
        return await self.insides.run_inside(owner, handle, command, stdin, deadline)

    async def folder_of(self, owner: Owner, volume: str) -> str | None:
        return None


@dataclass
class Site:
    """A network with a proxy, an instance that answers and one that keeps everybody waiting."""

    engine: RunningEngine
    name: str = field(default_factory=lambda: f"ways{secrets.token_hex(3)}")
    owner: Owner = field(init=False)

    def __post_init__(self) -> None:
        self.owner = Owner(self.name, "test")
        self.volume = f"{self.owner.prefix}reconciler-proxy"
        label = ("--label", f"{OWNER}={self.owner}")
        self.engine.cli("network", "create", self.name)
        self.engine.cli("volume", "create", *label, self.volume)
        form = proxy_services(
            PROXY.settings, {"web": Service.model_validate({"image": "x", "route": ROUTE})}
        )[EDGE]
        settings = [word for name, value in form.environment.items() for word in ("--env", f"{name}={value}")]
        mount = ("--volume", f"{self.volume}:/run/reconciler")
        self.edge = self._run(
            *label, *mount, *settings, "--entrypoint", "caddy", "caddy:2", "run", "--resume"
        )
        serve = "mkdir /www; echo yes >/www/ready; exec httpd -f -p 8080 -h /www"
        self.quick = self._run("busybox:1.36", "sh", "-c", serve)
        self.slow = self._run("busybox:1.36", "nc", "-lk", "-p", "8080", "-e", "sleep", "60")
        self.running = RunningProxy(self.edge, EDGE, self.volume)

    def _run(self, *words: str) -> Handle:
        found = self.engine.cli(
            "run", "--detach", "--network", self.name, "--label", f"of={self.name}", *words
        )
        return Handle("", found.strip())

    def address(self) -> str:
        found = json.loads(self.engine.cli("inspect", self.edge.id))
        return str(found[0]["NetworkSettings"]["Networks"][self.name]["IPAddress"])

    def remove(self) -> None:
        self.engine.cli("rm", "--force", "--volumes", self.edge.id, self.quick.id, self.slow.id)
        self.engine.cli("volume", "rm", self.volume)
        self.engine.cli("network", "rm", self.name)


@pytest.fixture
def site(newest_engine: RunningEngine) -> Iterator[Site]:
    found = Site(newest_engine)
    yield found
    found.remove()


async def test_both_ways_read_the_same_and_both_switch(site: Site) -> None:
    runtime = open_runtime(site.engine.docker_host)
    try:
        await _use_both(site, runtime)
    finally:
        await runtime.close()


async def _use_both(site: Site, runtime: DockerRuntime) -> None:
    away = FarAway(runtime)
    near, far = CaddyProxies(runtime), CaddyProxies(away)
    assert await runtime.folder_of(site.owner, site.volume) is not None
    with pytest.raises(Stale, match="DKR013"):
        await runtime.folder_of(Owner("other", "test"), site.volume)
    with pytest.raises(ProviderError, match="DKR003"):
        await runtime.run_inside(site.owner, site.edge, ("sleep", "9"), deadline=0.3)
    ready = Route.model_validate(ROUTE).ready
    probes = tuple(ProbeRequest(it.id, 8080, ready, "web") for it in (site.quick, site.slow))
    question = ProxyQuestion(site.owner, PROXY, (site.running,))

    empty = await near.observe(question)
    assert (empty.proxies[0].diffs, (await far.observe(question)).proxies[0].diffs) == (("",), ("",))
    await far.load(site.owner, site.running, PROXY, {})
    world = await near.observe(question)
    assert world.proxies[0].agrees, world
    assert await far.observe(question) == world

    for proxies, target in ((far, site.quick), (near, site.slow)):
        slots = share((), {short_id(target): 1})
        await proxies.switch(site.owner, site.running, "web", slots, {short_id(target): 8080})
        for reader in (near, far):
            assert (await reader.observe(question)).tables == {"web": slots}

    async with client_of(80, site.address()) as client:
        client.send("/", "web.test")
        while not (await near.observe(question)).flows:
            await asyncio.sleep(0.05)
        assert (await near.observe(question)).flows == {short_id(site.slow): Flow(requests=1)}
        assert (await far.observe(question)).flows == {short_id(site.slow): Flow(requests=1)}

    quick = ready.model_copy(update={"timeout": 0.5})
    asked = replace(question, probes=tuple(replace(it, ready=quick) for it in probes))
    for reader in (near, far):
        answers = (await reader.observe(asked)).answers
        assert answers is not None
        assert answers[site.quick.id] == Answer()
        assert "no answer" in answers[site.slow.id].problem

    wrong = proxy_of(("web", ROUTE), trusted_proxies=["::1/999"])
    with pytest.raises(Refused, match="999"):
        await far.load(site.owner, site.running, wrong, {})
    assert (await near.observe(question)).proxies[0].agrees
    assert set(away.commands) == {"sh", "caddy"}
