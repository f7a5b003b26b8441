"""A private image registry on a loopback port, from Debian's docker-registry."""

from __future__ import annotations

import http.client
import socket
import subprocess
from pathlib import Path

from debian_packages import GroundError
from processes import wait_until

REGISTRY_CONFIG = """\
version: 0.1
log: {{level: warn}}
storage:
  delete: {{enabled: true}}
  filesystem: {{rootdirectory: {folder}/storage}}
http:
  addr: 127.0.0.1:{port}
"""


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_registry_answering(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_for_registry(port: int, process: subprocess.Popen[bytes]) -> bool:
    wait_until(lambda: is_registry_answering(port) or process.poll() is not None, 20)
    return process.poll() is None and is_registry_answering(port)


def start_registry(folder: Path, root: Path) -> int:
    """Start docker-registry on a free loopback port, with deletion; returns the port."""
    folder.mkdir(parents=True)
    for _ in range(5):
        port = find_free_port()
        (folder / "config.yml").write_text(REGISTRY_CONFIG.format(folder=folder, port=port))
        with (folder / "registry.log").open("ab") as log:
            process = subprocess.Popen(
                [str(root / "usr/bin/docker-registry"), "serve", str(folder / "config.yml")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"},
                start_new_session=True,
            )
        if wait_for_registry(port, process):
            return port
    tail = (folder / "registry.log").read_text(errors="replace")[-1500:]
    raise GroundError(f"the registry did not start:\n{tail}")
