"""The offline plan of a thousand services between two commits, beside Compose's reading of the same twice."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from timing import Run, in_turn, run

SIZE = 1000
CHANGED = 20
AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")
ENVIRONMENT = "apiVersion: reconciler/v1\nkind: Environment\nmetadata: {name: dev}\nspec: {project: bench}\n"
SERVICE = """\
apiVersion: reconciler/v1
kind: Service
metadata: {{name: s{n}}}
spec:
  image: busybox:1.36
  command: [sleep, '1000000']
  environment: {{NUMBER: '{n}', LEVEL: {level}}}
  labels: {{team: shop}}
  stop_grace_period: 1s
  deploy: {{resources: {{limits: {{memory: 64M}}}}}}
"""
COMPOSE = """\
  s{n}:
    image: busybox:1.36
    command: [sleep, '1000000']
    environment: {{NUMBER: '{n}', LEVEL: {level}}}
    labels: {{team: shop}}
    stop_grace_period: 1s
    restart: unless-stopped
    deploy: {{resources: {{limits: {{memory: 64M}}}}}}
"""


def write_change(folder: Path, size: int = SIZE, changed: int = CHANGED) -> None:
    """Two commits, on branches ``main`` and ``change``; and both as Compose files, beside the repository."""
    specs = folder / "repository" / "specs"
    specs.mkdir(parents=True)
    (specs / "environment.yaml").write_text(ENVIRONMENT)
    git = ["git", *AUTHOR, "-C", str(specs.parent)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    for branch, level in (("main", "info"), ("change", "debug")):
        if branch != "main":
            subprocess.run([*git, "checkout", "-q", "-b", branch], check=True)
        levels = [level if n < changed else "info" for n in range(size)]
        for n in range(size):
            (specs / f"s{n}.yaml").write_text(SERVICE.format(n=n, level=levels[n]))
        services = "".join(COMPOSE.format(n=n, level=levels[n]) for n in range(size))
        (folder / f"{branch}.yaml").write_text(f"name: bench\nservices:\n{services}")
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-q", "-m", branch], check=True)


def measure_offline(command: Sequence[str], docker: str, environment: Mapping[str, str]) -> None:
    """Print both, whole processes. Compose compares nothing: it reads one file after the other."""
    with tempfile.TemporaryDirectory(prefix="bench-offline-") as scratch:
        folder = Path(scratch)
        write_change(folder)
        ours = [*command, "plan", "dev", "--base", "main", "--repo", str(folder / "repository")]

        def peer() -> Run:
            files = (folder / f"{branch}.yaml" for branch in ("main", "change"))
            reads = [_read(docker, file, folder, environment) for file in files]
            return Run(sum(r.wall for r in reads), sum(r.cpu for r in reads), max(r.peak for r in reads))

        pair = in_turn(lambda: run(ours, folder, environment), peer)
        print(
            f"{SIZE} services between two commits, {CHANGED} changed: plan --base {_words(pair.ours)}, "
            f"compose config of both {_words(pair.peer)}: ratio {pair.ratio:.2f}",
            flush=True,
        )


def _read(docker: str, file: Path, folder: Path, environment: Mapping[str, str]) -> Run:
    return run([docker, "compose", "--file", str(file), "config", "--quiet"], folder, environment)


def _words(it: Run) -> str:
    return f"{it.wall:.2f} s ({it.cpu:.2f} s of processor, {it.peak:.0f} MB)"
