"""The walk through `examples/promotion`, line by line as its page has it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from e2e import Site
from ground import RunningEngine
from labelled import remove_labelled
from local_registry import find_free_port

pytestmark = pytest.mark.engine
FOLDER = Path(__file__).resolve().parents[2] / "examples/promotion"
PERSON = {
    f"GIT_{role}_{word}": "ann@example.com" for role in ("AUTHOR", "COMMITTER") for word in ("NAME", "EMAIL")
}


class Walk(Site):
    """The example under this site's project, on ports of this machine."""

    ports: dict[str, str]

    def take(self) -> None:
        self.forget("Environment", "dev")
        shutil.copytree(FOLDER, self.repository.path, dirs_exist_ok=True)
        self.ports = {port: str(find_free_port()) for port in ("8081", "8082", "8083")}
        for path in (*(self.repository.path / "specs").iterdir(), self.repository.path / "web/Dockerfile"):
            text = path.read_text().replace("busybox:1.36", self.busybox)
            path.write_text(self.here(text.replace("project: promotion", f"project: {self.project}")))

    def here(self, text: str) -> str:
        return re.sub(r"\b808[123]\b", lambda port: self.ports[port[0]], text)

    def walk(self, line: str) -> str:
        """What a line of the page prints."""
        words = shlex.split(line)
        if words[0] == "reconciler":
            return self.run(*words[1:]).all
        done = subprocess.run(
            ["sh", "-ec", line],
            cwd=self.repository.path,
            env={**self.variables, **PERSON, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (line, done.stderr)
        return done.stdout

    def clean(self) -> None:
        super().clean()
        for name in ("staging", "prod"):
            remove_labelled(self.engine.socket, self.listed, (f"reconciler.owner={self.project}/{name}",))


def test_its_page_says_what_happens(newest_engine: RunningEngine, registry_host: str) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if not line.startswith("cp ")]
    with Walk(newest_engine, registry_host, variables=PERSON) as site:
        site.take()
        for line in lines:
            command, _, printed = line.partition("#")
            said = site.walk(site.here(command.strip()))
            assert printed.strip() in said, (line, said)
