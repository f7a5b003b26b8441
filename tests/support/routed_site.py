"""A site whose environment has a proxy: who answers there, and which table leads where."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from e2e import ENVIRONMENT, Site
from local_registry import find_free_port

HOST = "shop.example.com"
ROLLOUT = {"monitor": "300ms", "deadline": "20s", "drain": "5s"}
READY = {"http": "/healthz", "interval": "200ms", "healthy_for": "200ms"}


def serving(words: str) -> str:
    """A server that answers with these words, and is gone at once when it is told to end."""
    files = f"mkdir -p /www; echo {words} > /www/index.html; echo ok > /www/healthz"
    return f"trap 'exit 0' TERM; {files}; httpd -f -p 8080 -h /www & wait"


class RoutedSite(Site):
    """A site whose environment has a proxy on a port of loopback."""

    port: int

    def __enter__(self) -> RoutedSite:
        super().__enter__()
        self.port = find_free_port()
        self.environment()
        return self

    def environment(self, *, proxy: dict[str, object] | None = None, **spec: object) -> None:
        """Declare the environment, with other words of its proxy or its own."""
        given: dict[str, object] = {
            "image": f"{self.registry}/caddy:2",
            "http": self.port,
            "https": "none",
            "address": "127.0.0.1",
            **(proxy or {}),
        }
        self.declare("Environment", ENVIRONMENT, project=self.project, proxy=given, **spec)

    def web(self, words: str, script: str | None = None, name: str = "web", **spec: object) -> None:
        """Declare a routed service that answers with these words, or runs a script of its own."""
        given: dict[str, object] = {
            "route": {"host": HOST, "port": 8080, "ready": READY},
            "rollout": ROLLOUT,
            "healthcheck": {"disable": True},
            **spec,
        }
        self.service(name, script or serving(words), **given)

    def read(self, path: str = "/", host: str = HOST) -> tuple[int, str]:
        """Status and body of one request through the edge."""
        asked = Request(f"http://127.0.0.1:{self.port}{path}", headers={"Host": host})
        try:
            with urlopen(asked, timeout=10) as answer:
                return int(answer.status), answer.read().decode().strip()
        except HTTPError as error:
            return error.code, error.read().decode().strip()

    def says(self, words: str, path: str = "/") -> bool:
        """Whether a request is answered so now; a connection that fails is another answer."""
        try:
            return self.read(path) == (200, words)
        except OSError:
            return False

    def folder_of_tables(self, service_name: str = "web") -> Path:
        """Where the tables of a service lie on this machine."""
        volume = self.ask("GET", f"/volumes/{self.project}_{ENVIRONMENT}_reconciler-proxy")
        return Path(volume["Mountpoint"]) / "routes" / service_name

    def slots(self, service_name: str = "web") -> set[str]:
        """The ids that the slots of a service hold, read as the proxies read them."""
        current = self.folder_of_tables(service_name) / "current"
        return {(current / str(slot)).read_text()[:12] for slot in range(100)}

    def short_ids(self, service_name: str = "web") -> set[str]:
        """The short ids of the live instances of a service."""
        return {identity[:12] for identity, _ in self.live(service_name).values()}

    def start_dying(self, moment: str, *words: str) -> subprocess.Popen[bytes]:
        """`reconciler WORDS`, which is killed at a moment of the first switch that it makes."""
        program = Path(__file__).with_name("dying_command.py")
        return subprocess.Popen(
            [sys.executable, str(program), moment, *words],
            cwd=self.repository.path,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def end_process(self, service_name: str) -> None:
        """kill -9 of the one process of a service, as a crash is: `docker kill` would be a stop by hand."""
        os.kill(self.containers()[self.one(service_name)]["State"]["Pid"], signal.SIGKILL)

    def tell_proxy(self, service_name: str, method: str, path: str) -> None:
        """One call of a proxy's admin socket, behind the command's back."""
        name = f"{self.live(service_name)[self.one(service_name)][0][:12]}.sock"
        folder = os.open(self.folder_of_tables().parent.parent, os.O_RDONLY)
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(f"/proc/self/fd/{folder}/{name}")  # paths of sockets are short
            line.sendall(f"{head}\r\n".encode())
            assert line.recv(1000).startswith(b"HTTP/1.1 200"), (method, path)
        os.close(folder)
