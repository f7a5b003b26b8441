"""A service that speaks, and the command with its streams as pipes: for tests of logs, exec and task."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from e2e import ALIVE, Ran, Site
from warm_command import listen_to_interrupts, program

PASSWORD = "a-very-long-password"
SPEAKING = f"echo version one; echo oops >&2; echo key=$$PASSWORD; {ALIVE}"


def prepare(site: Site) -> None:
    """Web speaks and has a secret, a Config and a volume; a job has ended. Both are applied."""
    site.secret("password", PASSWORD)
    site.declare("Secret", "password")
    site.declare("Volume", "state")
    site.declare("Config", "page", content="the page\n")
    declare_web(site, SPEAKING)
    site.service("job", "echo done", healthcheck=None, restart="no")
    site.commit()
    site.apply()


def declare_web(site: Site, script: str) -> None:
    site.service(
        "web",
        script,
        environment={"PASSWORD": {"secret": "password"}},
        secrets=["password"],
        configs=[{"source": "page", "target": "/etc/page"}],
        volumes=["state:/state"],
        rollout={"monitor": "200ms", "deadline": "20s", "order": "start-first"},
    )


def command(site: Site, *words: str) -> list[str]:
    return [*program(), *words]


def piped(site: Site, *words: str) -> subprocess.Popen[str]:
    """The command with all three streams as pipes."""
    return subprocess.Popen(
        command(site, *words),
        cwd=site.repository.path,
        env=site.variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        preexec_fn=listen_to_interrupts,
    )


def say(site: Site, text: str, *words: str) -> Ran:
    """Run to the end with this text as standard input."""
    process = piped(site, *words)
    out, err = process.communicate(text, timeout=60)
    assert "Traceback" not in err, err
    return Ran(words, process.returncode, out, err)


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f"no {words!r} in {lines}")


def until(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def tasks(site: Site) -> list[str]:
    return [name for name in site.containers() if "_task_" in name]
