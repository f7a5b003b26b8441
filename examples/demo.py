"""The whole story on a real engine: build, deploy, meddle, heal, change, fail, prune. Run by `make demo`.

Needs `docker` and an engine that answers; every step is checked, and the first that did not do what it says
ends the demo with 1. With RECONCILER_REGISTRY=host:port the images come from that registry instead of Docker
Hub, for machines without internet. Everything is made under a project of its own and removed at the end.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = "shop-demo"
SHOP = Path(__file__).resolve().parent / "shop"
STEPS = 8


class DemoFailed(Exception):
    """A step did not do what it says."""


@dataclass
class Story:
    """The repository, the command, and how both are shown."""

    folder: Path
    port: int
    began: float = field(default_factory=time.monotonic)
    step_number: int = 0

    def step(self, title: str) -> None:
        self.step_number += 1
        took = time.monotonic() - self.began
        print(f"\n{paint('1', f'{self.step_number}/{STEPS} {title}')}  ({took:.0f} s)", flush=True)

    def check(self, is_true: bool, words: str) -> None:
        if not is_true:
            raise DemoFailed(words)
        print(f"  {paint('32', 'ok')} {words}", flush=True)

    def run(self, *words: str, exits: int = 0) -> str:
        """Run `reconciler` as a user would, show what it prints, and check its exit code."""
        print(f"  {paint('36', '$ reconciler ' + ' '.join(words))}", flush=True)
        environment = {**os.environ, "RECONCILER_LOG": "text"}
        done = subprocess.run(
            command(words), cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
        print("".join(f"    {line}\n" for line in done.stdout.splitlines()), end="", flush=True)
        if done.returncode != exits:
            raise DemoFailed(f"`reconciler {' '.join(words)}` exited {done.returncode}, not {exits}")
        return done.stdout

    def commit(self, message: str) -> None:
        for words in (["add", "-A"], ["commit", "-q", "-m", message]):
            execute(["git", "-C", str(self.folder), *words])
        print(f"  {paint('36', '$ git commit -m')} '{message}'", flush=True)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        if old not in text:
            raise DemoFailed(f"{name} does not contain {old!r}")
        path.write_text(text.replace(old, new, 1))

    def page(self) -> str:
        """What the shop answers to a visitor."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/cgi-bin/shop", timeout=10) as answer:
            return str(answer.read().decode())

    def instances(self, service_name: str) -> dict[str, str]:
        """Names of the live containers of a service, and their ids."""
        pattern = re.compile(rf"{PROJECT}_dev_{service_name}_[0-9a-f]{{8}}_[0-9]+")
        listed = execute(["docker", "ps", "--all", "--no-trunc", "--format", "{{.Names}} {{.ID}}"])
        pairs = [line.split() for line in listed.splitlines()]
        return {name: identity for name, identity in sorted(pairs) if pattern.fullmatch(name)}


def paint(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stdout.isatty() else text


def command(words: Sequence[str]) -> list[str]:
    installed = Path(sys.executable).with_name("reconciler")
    return [str(installed), *words] if installed.exists() else [sys.executable, "-m", "reconciler", *words]


def execute(words: Sequence[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DemoFailed(f"`{' '.join(words)}` failed: {done.stderr.strip()}")
    return done.stdout.strip()


def prepare(story: Story) -> None:
    """A fresh repository of the shop, with a project, a port and, where needed, a base of its own."""
    shutil.copytree(SHOP, story.folder, dirs_exist_ok=True)
    story.edit("specs/environment.yaml", "project: shop", f"project: {PROJECT}\n  prune: {{limit: 0}}")
    ports = f'{{"8080->8080/tcp": null, "{story.port}->8080/tcp": {{target: 8080, published: {story.port}}}}}'
    patches = [f"{{kind: Service, name: web, spec: {{ports: {ports}}}}}"]
    registry = os.environ.get("RECONCILER_REGISTRY")
    if registry:
        base = f"{registry}/busybox:1.36"
        patches += [
            f'{{kind: Image, name: {n}, spec: {{build: {{args: {{BASE: "{base}"}}}}}}}}'
            for n in ("web", "api")
        ]
        patches += [f'{{kind: Service, name: {n}, spec: {{image: "{base}"}}}}' for n in ("seed", "pages")]
    written = "  patches:\n" + "".join(f"    - {patch}\n" for patch in patches)
    story.edit("specs/environment.yaml", "---\n", written + "---\n")
    execute(["git", "-C", str(story.folder), "init", "-q", "-b", "main"])
    for name, value in (
        ("user.name", "Demo"),
        ("user.email", "demo@example.com"),
        ("commit.gpgsign", "false"),
    ):
        execute(["git", "-C", str(story.folder), "config", name, value])


def deploy(story: Story) -> None:
    story.step("A repository of specs and sources")
    prepare(story)
    story.commit("The shop")
    story.run("validate")
    story.step("Plan: what would happen, and why. Nothing is changed")
    story.run("plan", "dev")
    story.check(not story.instances("web"), "no container was made")
    story.step("Apply: build two images, push them, run a job, start everything in order")
    story.run("apply", "dev")
    page = story.page()
    story.check("Welcome to the shop" in page and "apples 12" in page, "the shop answers through web and api")
    story.check("nothing to do" in story.run("apply", "dev"), "a second apply finds nothing to do")


def meddle(story: Story) -> None:
    story.step("Meddling by hand: a limit, a network, a stop")
    first, second = story.instances("api")
    network = f"{PROJECT}_dev_default"
    attached = execute(["docker", "network", "ls", "--filter", f"name={network}", "--format", "{{.Name}}"])
    pages = next(iter(story.instances("pages")))
    before = [story.instances(name) for name in ("web", "api", "pages")]
    for words in (
        ["docker", "update", "--memory", "128m", "--memory-swap", "128m", first],
        ["docker", "network", "disconnect", attached.splitlines()[0], second],
        ["docker", "stop", "--time", "2", pages],
    ):
        print(f"  {paint('36', '$ ' + ' '.join(words))}", flush=True)
        execute(words)
    told = story.run("drift", "dev", exits=2)
    story.check("deploy.resources.limits.memory" in told, "drift names the field and both its values")
    story.run("apply", "dev")
    story.check("no drift" in story.run("drift", "dev"), "no drift is left")
    after = [story.instances(name) for name in ("web", "api", "pages")]
    story.check(before == after, "and it was mended in place: every container is the same one as before")


def change(story: Story) -> None:
    story.step("A line of source changes: only what depends on it is built and replaced")
    untouched = {name: story.instances(name) for name in ("web", "pages")}
    story.edit("api/www/cgi-bin/stock", 'echo "stock:"', 'echo "in stock today:"')
    story.commit("Say today")
    story.run("apply", "dev")
    story.check("in stock today" in story.page(), "the new version answers")
    story.check(
        all(story.instances(n) == ids for n, ids in untouched.items()), "web and pages were left alone"
    )
    told = story.run("why", "dev", "api")
    story.check("file www/cgi-bin/stock" in told, "`why` names the file")


def fail(story: Story) -> None:
    story.step("A bad version: tried, held with its last words, while the old one serves")
    running = story.instances("api")
    story.edit("api/serve.sh", 'echo "api: serving"', 'echo "api: the table of prices is missing"\nexit 1')
    story.commit("Look for a table")
    told = story.run("apply", "dev", exits=5)
    story.check("the table of prices is missing" in told, "its last words are shown")
    story.check(story.instances("api") == running, "the instances of the version before were never touched")
    story.check("in stock today" in story.page(), "and they answer")
    story.run("status", "dev")
    story.step("The way back is a commit")
    execute(["git", "-C", str(story.folder), "revert", "--no-edit", "HEAD"])
    story.run("apply", "dev")
    story.check(story.instances("api") == running, "nothing had to be restarted for it")


def prune(story: Story) -> None:
    story.step("A service leaves git: a guard asks before it goes (prune: {limit: 0} here)")
    (story.folder / "specs/pages.yaml").unlink()
    environment = story.folder / "specs/environment.yaml"
    lines = environment.read_text().splitlines(keepends=True)
    environment.write_text("".join(line for line in lines if "name: pages" not in line))
    story.commit("No pages")
    told = story.run("apply", "dev", exits=4)
    found = re.search(r"--allow-prune=([0-9a-f]+)", told)
    story.check(bool(found), "the guard names the set by an id")
    story.run("apply", "dev", f"--allow-prune={found[1] if found else ''}")
    story.check(not story.instances("pages"), "now it is gone")
    story.check("apples 12" in story.page(), "and the shop answers")


def clean_up(story: Story) -> None:
    """Remove everything of the demo's project, whatever state it is in."""
    pattern = f"^{PROJECT}_"
    for kind, listing in (
        ("container", ["docker", "ps", "--all", "--format", "{{.Names}}"]),
        ("network", ["docker", "network", "ls", "--format", "{{.Name}}"]),
        ("volume", ["docker", "volume", "ls", "--quiet"]),
    ):
        names = [name for name in execute(listing).splitlines() if re.search(pattern, name)]
        if names:
            force = ["--force", "--volumes"] if kind == "container" else []
            execute(["docker", kind, "rm", *force, *names])
    shutil.rmtree(story.folder, ignore_errors=True)


def main() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    story = Story(Path(tempfile.mkdtemp(prefix="shop-")), port)
    try:
        execute(["docker", "version", "--format", "{{.Server.Version}}"])
        clean_up(story)
        deploy(story)
        meddle(story)
        change(story)
        fail(story)
        prune(story)
        print(f"\n{paint('1', 'All of it did what it says')}, in {time.monotonic() - story.began:.0f} s.")
    except (DemoFailed, OSError) as error:
        print(f"\n{paint('31', 'failed')}: {error}", file=sys.stderr)
        return 1
    finally:
        clean_up(story)
    return 0


if __name__ == "__main__":
    sys.exit(main())
