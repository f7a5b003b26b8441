"""One private container engine: its bridge, its daemon, and how both go away again.

The engine's own folder holds everything that it has: images, sockets, logs. It makes no firewall rule (two
engines with such rules remove each other's): published ports are served by the engine's userland proxy.
"""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from debian_packages import GroundError, run
from engine_socket import request
from forwarding import accept_within, forget
from processes import end, find_cgroup_pids, find_pids, remove_cgroups, remove_folder, wait_until

READY_WITHIN_S = 60.0
LONGEST_FOLDER = 60
NET_FOLDER = Path("/sys/class/net")


@dataclass(frozen=True)
class Engine:
    """A private engine: the version it should have and the folder that is its alone."""

    version: str
    folder: Path

    @property
    def socket(self) -> Path:
        return self.folder / "docker.sock"

    @property
    def log(self) -> Path:
        return self.folder / "dockerd.log"

    @property
    def mark(self) -> str:
        """What the bridge's alias says, so that a bridge is recognised as this engine's."""
        return f"gitops-reconciler {self.folder}"


@dataclass(frozen=True)
class Programs:
    """Where an engine's programs lie: folders for PATH in order, and for shared libraries."""

    daemon: Path
    proxy: Path
    init: Path
    path: tuple[Path, ...]
    libraries: tuple[Path, ...]

    def environment(self, folder: Path) -> dict[str, str]:
        system_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        modules = [str(path / "xtables") for path in self.libraries if (path / "xtables").is_dir()]
        return {
            "PATH": ":".join([*map(str, self.path), system_path]),
            "LD_LIBRARY_PATH": ":".join(map(str, self.libraries)),
            "HOME": str(folder),
            **({"XTABLES_LIBDIR": modules[0]} if modules else {}),
        }


def is_answering(socket_path: Path) -> bool:
    try:
        return request(socket_path, "GET", "/_ping", timeout=5)[0] == 200
    except OSError:
        return False


def read_version(socket_path: Path) -> tuple[str, str]:
    """The engine's version and newest API version, such as ("20.10.24", "1.41")."""
    _, body = request(socket_path, "GET", "/version")
    answer = json.loads(body)
    return str(answer["Version"]).split("+")[0], str(answer["ApiVersion"])


def list_routes() -> list[ipaddress.IPv4Network]:
    """Destinations of the machine's IPv4 routes, but the default one and other very wide ones."""
    routes = []
    for line in run(["ip", "-4", "route", "show", "table", "all"]).splitlines():
        word = line.split()[0] if line.split() else ""
        if re.fullmatch(r"[\d.]+(/\d+)?", word):
            network = ipaddress.IPv4Network(word, strict=False)
            routes.extend([network] if network.prefixlen > 8 else [])
    return routes


def find_bridges(engine: Engine) -> list[str]:
    """Bridges that bear this engine's mark, and those that it made for networks of its own."""
    marked = [
        path.parent.name for path in NET_FOLDER.glob("*/ifalias") if path.read_text().strip() == engine.mark
    ]
    store = engine.folder / "images/network/files/local-kv.db"
    content = store.read_bytes() if store.is_file() else b""
    made = {name.decode() for name in re.findall(rb'"BridgeName":"(br-[0-9a-f]{12})"', content)}
    return marked + sorted(name for name in made if (NET_FOLDER / name / "bridge").is_dir())


def subnet_of(bridge: str) -> str:
    return f"10.{bridge.removeprefix('recon')}.0.0/16"


def make_bridge(engine: Engine) -> str:
    """Make a bridge with a free /16 of its own; the name carries the subnet, so making it reserves both."""
    with Path("/run/gitops-reconciler-bridge.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        routes = list_routes()
        for number in range(200, 250):
            name = f"recon{number}"
            subnet = ipaddress.IPv4Network(subnet_of(name))
            if (NET_FOLDER / name).exists() or any(subnet.overlaps(route) for route in routes):
                continue
            run(["ip", "link", "add", name, "type", "bridge"])
            run(["ip", "link", "set", "dev", name, "alias", engine.mark])
            run(["ip", "address", "add", f"10.{number}.0.1/24", "dev", name])
            run(["ip", "link", "set", "dev", name, "up"])
            return name
    raise GroundError("no free subnet between 10.200.0.0/16 and 10.249.0.0/16 for an engine's bridge")


def daemon_arguments(engine: Engine, programs: Programs, bridge: str) -> list[str]:
    number = bridge.removeprefix("recon")
    folder = engine.folder
    return [
        str(programs.daemon),
        f"--config-file={folder}/daemon.json",
        f"--data-root={folder}/images",
        f"--exec-root={folder}/x",
        f"--pidfile={folder}/dockerd.pid",
        f"--host=unix://{engine.socket}",
        f"--bridge={bridge}",
        f"--default-address-pool=base=10.{number}.128.0/17,size=24",
        f"--userland-proxy-path={programs.proxy}",
        f"--init-path={programs.init}",
        f"--cgroup-parent=/{bridge}",
        "--exec-opt=native.cgroupdriver=cgroupfs",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-masq=false",
        "--shutdown-timeout=3",
    ]


def start_engine(engine: Engine, programs: Programs, extra: Mapping[str, str] | None = None) -> None:
    """Start the daemon and return when it answers; GroundError with the end of its log when it does not."""
    if len(str(engine.folder)) > LONGEST_FOLDER:
        raise GroundError(f"{engine.folder} is too long for unix sockets: use a state folder below /tmp")
    engine.folder.mkdir(parents=True)
    (engine.folder / "daemon.json").write_text("{}\n")
    bridge = make_bridge(engine)
    accept_within(subnet_of(bridge))
    arguments = daemon_arguments(engine, programs, bridge)
    with engine.log.open("wb") as log:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**programs.environment(engine.folder), **(extra or {})},
            cwd=engine.folder,
            start_new_session=True,
        )
    wait_until(lambda: is_answering(engine.socket) or process.poll() is not None, READY_WITHIN_S)
    if not is_answering(engine.socket):
        tail = "\n".join(engine.log.read_text(errors="replace").splitlines()[-15:])
        raise GroundError(f"engine {engine.version} did not start:\n{tail}")


def empty_engine(engine: Engine) -> None:
    """Remove containers and networks through the engine, so that it takes down what it set up for them."""
    try:
        _, body = request(engine.socket, "GET", "/containers/json?all=1", timeout=10)
        targets = [f"/containers/{row['Id']}?force=1&v=1" for row in json.loads(body)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda target: request(engine.socket, "DELETE", target, timeout=20), targets))
        _, body = request(engine.socket, "GET", "/networks", timeout=10)
        for row in json.loads(body):
            if row["Name"] not in ("bridge", "host", "none"):
                request(engine.socket, "DELETE", f"/networks/{row['Id']}", timeout=10)
    except (OSError, ValueError, TypeError, KeyError):
        return


def stop_engine(engine: Engine) -> None:
    """Take down whatever exists of the engine, in any half-started or half-stopped state."""
    bridges = find_bridges(engine)
    cgroup_names = [name for name in bridges if name.startswith("recon")]
    if find_pids(engine.folder, "dockerd") and engine.socket.exists():
        empty_engine(engine)
    end(lambda: find_pids(engine.folder, "dockerd"), grace_s=8)
    end(lambda: find_pids(engine.folder, "containerd"), grace_s=3)
    for name in cgroup_names:
        end(partial(find_cgroup_pids, name), grace_s=0)
    end(lambda: find_pids(engine.folder), grace_s=2)
    for name in cgroup_names:
        remove_cgroups(name)
        forget(subnet_of(name))
    bridges = find_bridges(engine)
    remove_folder(engine.folder)
    for name in bridges:
        subprocess.run(["ip", "link", "delete", name], capture_output=True)
    if engine.folder.exists():
        time.sleep(0.2)
        shutil.rmtree(engine.folder, ignore_errors=True)
    if engine.folder.exists():
        raise GroundError(f"{engine.folder} could not be removed: {', '.join(os.listdir(engine.folder))}")
