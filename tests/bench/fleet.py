"""The same services twice: as specs in a git repository of ours, and as a Compose file."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fleet:
    """``size`` services in a folder; ``project`` names ours, ``peer`` Compose's."""

    folder: Path
    size: int
    project: str
    peer: str

    @property
    def apply(self) -> list[str]:
        return ["apply", "dev"]

    @property
    def compose_up(self) -> list[str]:
        return ["compose", "--project-name", self.peer, "up", "--detach", "--quiet-pull"]

    @property
    def compose_dry_run(self) -> list[str]:
        return ["compose", "--dry-run", *self.compose_up[1:]]

    @property
    def compose_down(self) -> list[str]:
        return ["compose", "--project-name", self.peer, "down", "--timeout", "0"]


def write_fleet(folder: Path, size: int, image: str) -> Fleet:
    """Write and commit both forms."""
    (folder / "specs").mkdir(parents=True)
    fleet = Fleet(folder, size, f"bench{size}", f"peer{size}")
    (folder / "specs" / "fleet.yaml").write_text(_specs(fleet, image))
    (folder / "compose.yaml").write_text(_compose(size, image))
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "fleet"]):
        author = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
        subprocess.run(["git", *author, *command], cwd=folder, check=True)
    return fleet


def _specs(fleet: Fleet, image: str) -> str:
    environment = (
        "apiVersion: reconciler/v1\nkind: Environment\nmetadata: {name: dev}\n"
        f"spec: {{project: {fleet.project}}}\n"
    )
    service = (
        "---\napiVersion: reconciler/v1\nkind: Service\nmetadata: {{name: s{n}}}\nspec:\n"
        "  image: {image}\n  command: [sleep, '1000000']\n  environment: {{NUMBER: '{n}', LEVEL: info}}\n"
        "  labels: {{team: shop}}\n  stop_grace_period: 1s\n  rollout: {{monitor: 1s}}\n"
    )
    return environment + "".join(service.format(n=n, image=image) for n in range(fleet.size))


def _compose(size: int, image: str) -> str:
    service = (
        "  s{n}:\n    image: {image}\n    command: [sleep, '1000000']\n"
        "    environment: {{NUMBER: '{n}', LEVEL: info}}\n    labels: {{team: shop}}\n"
        "    stop_grace_period: 1s\n    restart: unless-stopped\n"
    )
    return "services:\n" + "".join(service.format(n=n, image=image) for n in range(size))
