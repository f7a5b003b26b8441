"""How a proxy's container begins: by a plain shell, whatever Caddy its image has."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from specs.proxied import proxy_services
from specs.proxy import EDGE, Proxy
from specs.service import Service

CADDY = """#!/bin/sh
case $1 in
version) echo "VERSION" ;;
validate) grep -q '^{}$' "$3" ;;
*) echo "$@" ;;
esac
"""


def begin(folder: Path, version: str = "v2.11.2 h1:x=", autosave: str | None = None) -> tuple[int, str]:
    """Exit code and output of the container's command, with a Caddy that echoes how it is run."""
    routed = {"web": Service.model_validate({"image": "x", "route": {"host": "a.example.com", "port": 80}})}
    edge = proxy_services(Proxy(), routed)[EDGE]
    program = folder / "caddy"
    program.write_text(CADDY.replace("VERSION", version))
    program.chmod(0o755)
    if autosave is not None:
        (folder / "config/caddy").mkdir(parents=True)
        (folder / "config/caddy/autosave.json").write_text(autosave)
    done = subprocess.run(
        [*(edge.entrypoint or ()), *(edge.command or ())],
        env={"PATH": f"{folder}:/usr/bin:/bin", "XDG_CONFIG_HOME": str(folder / "config")},
        capture_output=True,
        text=True,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.mark.parametrize("version", ["v2.11.2 h1:x=", "v2.12.0-beta.1", "v3.0.0", "(devel)", "unknown"])
def test_it_runs_caddy(tmp_path: Path, version: str) -> None:
    assert begin(tmp_path, version) == (0, "run --resume")


@pytest.mark.parametrize("version", ["v2.11.1 h1:x=", "v2.6.4", "1.0.5"])
def test_a_caddy_that_is_too_old_is_told(tmp_path: Path, version: str) -> None:
    code, said = begin(tmp_path, version)
    assert code == 126, "which no second try helps"
    assert said.startswith(f"this is Caddy {version.split()[0]}: set proxy.image of the Environment to ")


def test_what_caddy_refuses_is_put_aside(tmp_path: Path) -> None:
    assert begin(tmp_path, autosave="{") == (0, "run --resume")
    assert [path.name for path in (tmp_path / "config/caddy").iterdir()] == ["autosave.json.damaged"]


def test_what_caddy_takes_stays(tmp_path: Path) -> None:
    assert begin(tmp_path, autosave="{}") == (0, "run --resume")
    assert (tmp_path / "config/caddy/autosave.json").exists()
