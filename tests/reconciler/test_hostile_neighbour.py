"""Two projects in one process, one of them hostile: the good one neither notices nor leaks anything."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from git_repository import WrittenRepository
from providers.memory import MemoryEngine, MemoryRegistry
from reconciler.cli.loop_audience import Refusal
from reconciler.cli.loop_process import Loop
from reconciler.cli.loop_runtimes import Runtimes
from reconciler.cli.onlookers import Said
from reconciler.cli.reach import Reach
from reconciler.keeper_report import Heard
from reconciler.ownership import Owner
from reconciler.provider import Runtime
from reconciler.render_action import describe
from specs.reference import ImageRef
from specs.run_file import RunFile, load_run
from specs.run_repository import may_share
from watched_repository import HEAD, SERVICE, Told, written

GOOD = Owner("shop", "prod")
CANARY, LOGIN = "canary-of-the-database", "canary-of-the-registry"
DOCKER = "unix:///var/run/docker.sock"
BANK = "unix:///run/bank.sock"
_ROLLOUT = "rollout: {monitor: 1s, deadline: 20s}"


def environment(project: str, words: str = "") -> str:
    return f"{HEAD}Environment\nmetadata: {{name: prod}}\nspec: {{project: {project}{words}}}\n---\n"


def service(image: str, words: str) -> str:
    return f"{HEAD}Service\nmetadata: {{name: web}}\nspec: {{image: '{image}', {_ROLLOUT}{words}}}\n---\n"


def document(kind: str, name: str, spec: str) -> str:
    return f"{HEAD}{kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"


def hostile_paths(image: str) -> dict[str, str]:
    """What the hostile repository tries, each under a spec path of its own."""
    plain = service(image, "")
    borrowed = ", environment: {P: {secret: db-password}, Q: '${secret:registry-password}'}"
    climbing = ", environment: {P: {secret: ../../shop/prod/db-password}}"
    stolen = "{url: registry.shop.test, auth: {username: ci, password: {secret: registry-password}}}"
    built = document("Image", "app", "{registry: main, repository: app, build: {}}")
    return {
        "project": environment("shop") + plain,
        "endpoint": environment("evil", f", runtime: {{endpoint: '{BANK}'}}") + plain,
        "network": environment("evil")
        + document("Network", "net", "{external: true, name: shop_prod_default}")
        + service(image, ", networks: [net]"),
        "volume": environment("evil")
        + document("Volume", "data", "{external: true, name: shop_prod_data}")
        + service(image, ", volumes: ['data:/data']"),
        "registry": environment("evil") + document("Registry", "main", stolen) + built + service("app", ""),
        "host": environment("evil", ", allow: {host_mounts: [/run/secrets]}")
        + service(image, ", volumes: ['/run/secrets:/s']"),
        "climbing": environment("evil") + service(image, climbing),
        "labels": environment("evil") + service(image, ", labels: {reconciler.owner: shop/prod}"),
        "secrets": environment("evil") + service(image, borrowed),
    }


CODES = {
    "project": "POL010", "endpoint": "POL010", "network": "POL010", "volume": "POL010",
    "registry": "POL010", "host": "POL010", "climbing": "SPEC015", "labels": "SPEC015", "secrets": "",
}  # fmt: skip


class MemoryRuntimes(Runtimes):
    """Engines in memory, by their endpoints."""

    engines: dict[str, MemoryEngine]

    def open(self, reach: Reach) -> Runtime:
        return self.engines[str(reach.chosen.endpoint)]


@dataclass
class Ears:
    """Everything that listeners are told."""

    refusals: list[Refusal] = field(default_factory=list)
    told: dict[Owner, list[str]] = field(default_factory=dict)

    def heard(self, owner: Owner, repository: str) -> Heard:
        lines = self.told.setdefault(owner, [])
        return Heard(passed=lambda desired, report, seconds: lines.extend(map(describe, report.started)))

    def refused(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)


@dataclass
class Host:
    """One machine: its engines, the good repository, the hostile one, and the Run file."""

    folder: Path
    image: str
    engines: dict[str, MemoryEngine]
    port: int

    def config(self, names: list[str], order: Callable[[list[str]], list[str]] = list) -> RunFile:
        shop = f"{{name: shop, folder: {self.folder}/shop, poll: 50ms, endpoints: {{prod: '{BANK}'}}}}"
        evil = [
            f"{{name: {name}, folder: {self.folder}/evil, path: {name}, poll: 50ms, bounds: {bounds}}}"
            for name, bounds in ((n, "any" if n == "any" else "{project: evil}") for n in names)
        ]
        entries = "".join(f"    - {entry}\n" for entry in order([shop, *evil]))
        words = f"  secrets: {self.folder}/secrets\n  listen: 127.0.0.1:{self.port}\n"
        text = f"{HEAD}Run\nmetadata: {{name: r}}\nspec:\n  repositories:\n{entries}{words}"
        found, problems = load_run("run.yaml", text.encode())
        assert found is not None, [str(problem) for problem in problems]
        return found

    def ask(self, path: str, body: bytes | None = None) -> str:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return str(error.read().decode())

    def containers(self) -> list[tuple[str, dict[str, str]]]:
        found = self.engines[BANK].ground.containers.values()
        return sorted((c.name, dict(c.labels)) for c in found)


@pytest.fixture(name="host")
def _host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    registry = MemoryRegistry("docker.io")
    digest = registry.push(ImageRef.parse("redis:7"))
    image = f"redis:7@{digest}"
    engines = {BANK: MemoryEngine("bank"), DOCKER: MemoryEngine("docker")}
    for engine in engines.values():
        engine.connect(registry)
    wanted = ", environment: {PASSWORD: {secret: db-password}}"
    shop = WrittenRepository(tmp_path / "shop")
    shop.commit({"specs/all.yaml": environment("shop") + service(image, wanted)})
    evil = WrittenRepository(tmp_path / "evil")
    paths = {**hostile_paths(image), "any": environment("shop") + service(image, "")}
    evil.commit(
        {f"{path}/all.yaml": text for path, text in paths.items()} | {"Dockerfile": f"FROM {image}\n"}
    )
    for name, value in (("db-password", CANARY), ("registry-password", LOGIN)):
        path = tmp_path / "secrets" / "shop" / "prod" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Host(tmp_path, image, engines, port)


async def keep(host: Host, config: RunFile, is_over: Callable[[Loop], bool]) -> tuple[Ears, list[str]]:
    """A loop until it is over: what listeners and onlookers were told, and what it answers over HTTP."""
    ears = Ears()
    runtimes = MemoryRuntimes()
    runtimes.engines = host.engines
    loop = Loop(config, listeners=[ears], runtimes=runtimes)
    running = asyncio.create_task(loop.run())
    answers: list[str] = []
    with contextlib.ExitStack() as stack:
        names = [entry.name for entry in config.spec.repositories]
        queues = [stack.enter_context(loop.onlookers.follow(name)) for name in names]
        limit = asyncio.get_running_loop().time() + 20.0
        while not is_over(loop):
            assert not running.done(), running.exception()
            assert asyncio.get_running_loop().time() < limit, (ears.refusals, ears.told)
            for engine in host.engines.values():
                engine.advance(0.5)
            for keeper in loop.keepers.values():
                keeper.hint()
            await asyncio.sleep(0.02)
        for path, body in (
            ("/healthz", None),
            ("/readyz", None),
            ("/metrics", None),
            ("/v1/webhook/shop", b"{}"),
        ):
            answers.append(await asyncio.to_thread(host.ask, path, body))
        loop.stop()
        await running
        news = [queue.get_nowait() for queue in queues for _ in range(queue.qsize())]
        lines = [said.line for said in news if isinstance(said, Said)]
    return ears, [*answers, *lines]


def is_settled(loop: Loop, owner: Owner = GOOD) -> bool:
    keeper = loop.keepers.get(owner)
    return keeper is not None and keeper.rest is not None and keeper.rest.result == "settled"


async def test_nothing_of_the_good_one_is_taken_changed_or_told(
    host: Host, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    alone, _ = await keep(host, host.config([]), is_settled)
    expected = host.containers()
    assert [labels["reconciler.owner"] for _, labels in expected] == ["shop/prod"]
    host.engines[BANK], registry = MemoryEngine("bank"), host.engines[BANK].ground.registries["docker.io"]
    host.engines[BANK].connect(registry)
    for path in (tmp_path / "state" / "reconciler" / "accepted").glob("*"):
        path.unlink()

    names = list(hostile_paths(host.image))

    def is_over(loop: Loop) -> bool:
        everybody = all(loop.watches[name].was_asked.is_set() for name in names if name in loop.watches)
        blocked = loop.keepers.get(Owner("evil", "prod"))
        return is_settled(loop) and everybody and blocked is not None and blocked.rest is not None

    beside, said = await keep(host, host.config(names), is_over)
    assert beside.told[GOOD] == alone.told[GOOD], "the same plan, action by action"
    assert host.containers() == expected
    codes = {r.repository: r.problems[0].code for r in beside.refusals}
    assert codes == {name: code for name, code in CODES.items() if code}
    mine = host.engines[DOCKER].ground
    assert not mine.containers, "what it may run would need a secret of another"
    assert {v.labels.get("reconciler.owner") for v in mine.volumes.values()} <= {"evil/prod"}
    out, err = capfd.readouterr()
    written = [p.read_text(errors="replace") for p in (tmp_path / "state").rglob("*") if p.is_file()]
    told = [*(str(p) for r in beside.refusals for p in r.problems), *beside.told[Owner("evil", "prod")]]
    for text in (out, err, *said, *written, *told, *map(str, host.containers()), str(mine.volumes)):
        assert CANARY not in text
        assert LOGIN not in text
    assert "reconciler_passes_total" in "".join(said), "the answers were answers"
    assert os.sep + "secrets" in err or "POL010" in err, "the log was a log"


async def test_of_two_claims_to_one_owner_the_first_entry_stays(host: Host) -> None:
    def is_over(loop: Loop) -> bool:
        return is_settled(loop) and loop.watches["any"].was_asked.is_set()

    ears, _ = await keep(host, host.config(["any"]), is_over)
    assert [(r.repository, r.problems[0].code) for r in ears.refusals] == [("any", "CLI043")]
    assert [labels["reconciler.owner"] for _, labels in host.containers()] == ["shop/prod"]
    assert not host.engines[DOCKER].ground.containers
    assert not host.engines[DOCKER].ground.volumes, "what was refused left no marker"


async def test_a_later_entry_waits_until_an_earlier_one_was_asked(tmp_path: Path) -> None:
    repository, first = written(tmp_path, environment("shop") + SERVICE)
    later, earlier = Told(repository), Told(repository)
    later.watch.rivals = [earlier.watch]
    stopping = asyncio.Event()
    watching = asyncio.create_task(later.watch.watch(stopping))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not later.offered
    earlier.watch.was_asked.set()
    while not later.offered:
        await asyncio.sleep(0.01)
    assert later.offered == [("prod", first)]
    stopping.set()
    await watching


@pytest.mark.parametrize(
    ("one", "other", "is_possible"),
    [
        ("bounds: any", "bounds: any", True),
        ("bounds: any", "bounds: {}", True),
        ("bounds: {}", "bounds: {}", False),
        ("bounds: {project: p}", "bounds: {project: p}", True),
        ("bounds: {project: one}", "bounds: {}", False),
        ("bounds: any, environments: [a, b]", "bounds: any, environments: [c]", False),
        ("bounds: any, environments: [a, b]", "bounds: any, environments: [b, c]", True),
        ("bounds: any, environments: [a, b]", "bounds: any", True),
    ],
)
def test_which_entries_may_have_one_owner(one: str, other: str, is_possible: bool) -> None:
    entries = [f"    - {{name: e{n}, folder: /x, {words}}}\n" for n, words in enumerate((one, other))]
    text = f"{HEAD}Run\nmetadata: {{name: r}}\nspec:\n  repositories:\n{''.join(entries)}"
    found, problems = load_run("run.yaml", text.encode())
    assert found is not None, problems
    assert may_share(*found.spec.repositories) is is_possible
    assert may_share(*reversed(found.spec.repositories)) is is_possible
