"""Private container engines and a registry for tests, demos and development.

    python3 tests/support/engines.py start --state DIR [--engine 20.10] [--engine 26.1] [--registry]
    python3 tests/support/engines.py stop --state DIR

`start` prints one JSON object and leaves everything running; run again, it prints the same. `stop` removes
all that was started, however it ended. Needs root and Debian 12 or later; the programs are Debian's packages.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from debian_packages import GroundError, cache_folder, locked, read_codename, unpack
from engine_process import Engine, Programs, is_answering, read_version, start_engine, stop_engine
from local_images import LocalImage, load_image, make_busybox, make_caddy, make_registry, push_image
from local_registry import is_registry_answering, start_registry
from processes import end, find_pids, remove_folder

CODENAMES = {"20.10": "bookworm", "26.1": "trixie"}
CLIENT_CODENAME = "trixie"
CLIENT_PACKAGES = ("docker-cli", "docker-buildx", "docker-compose")
PLUGIN_FOLDER = "usr/libexec/docker/cli-plugins"
MACHINE_PACKAGES = (
    *("runc", "tini", "docker-registry", "busybox-static", "libdevmapper1.02.1", "libseccomp2"),
    *("iptables", "libxtables12", "libip4tc2", "libip6tc2", "libnftnl11", "libmnl0", "libnfnetlink0"),
    "libnetfilter-conntrack3",
)


@dataclass(frozen=True)
class Tools:
    """Unpacked packages: of the machine's own release, of the client's, and of each engine's by version."""

    machine: Path
    client: Path
    engines: dict[str, Path]

    def programs(self, version: str) -> Programs:
        root = self.engines[version]
        libraries = sorted((self.machine / "usr/lib").glob("*-linux-gnu*"))
        libraries += sorted((self.machine / "lib").glob("*-linux-gnu*"))
        return Programs(
            daemon=root / "usr/sbin/dockerd",
            proxy=root / "usr/sbin/docker-proxy",
            init=self.machine / "usr/bin/tini-static",
            path=(*(self.machine / name for name in ("firewall", "usr/sbin", "usr/bin")), root / "usr/bin"),
            libraries=tuple(libraries),
        )


def gather_tools(versions: Sequence[str]) -> Tools:
    """Unpack what the wanted engines need; runc and libraries are those of the machine's own release."""
    machine = unpack(read_codename(), MACHINE_PACKAGES, ["usr/sbin/runc", "usr/bin/docker-registry"])
    firewall = machine / "firewall"
    if not firewall.is_dir():
        firewall.mkdir(exist_ok=True)
    for name in ("iptables", "ip6tables"):
        link = firewall / name
        if not link.is_symlink():
            link.symlink_to(machine / "usr/sbin" / f"{name}-nft")
    client = unpack(CLIENT_CODENAME, CLIENT_PACKAGES, ["usr/bin/docker", f"{PLUGIN_FOLDER}/docker-buildx"])
    engines = {
        version: unpack(
            CODENAMES[version], ("docker.io", "containerd"), ["usr/sbin/dockerd", "usr/bin/containerd"]
        )
        for version in versions
    }
    return Tools(machine, client, engines)


def make_docker_config(folder: Path, client: Path) -> None:
    """A DOCKER_CONFIG folder without credentials, with buildx and compose as plugins."""
    plugins = folder / "cli-plugins"
    plugins.mkdir(parents=True)
    (folder / "config.json").write_text("{}\n")
    for plugin in (client / PLUGIN_FOLDER).iterdir():
        (plugins / plugin.name).symlink_to(plugin)


def start_with_images(engine: Engine, tools: Tools, images: Sequence[LocalImage]) -> dict[str, str]:
    start_engine(engine, tools.programs(engine.version))
    for image in images:
        load_image(engine.socket, image)
    version, api = read_version(engine.socket)
    return {
        "version": engine.version,
        "exact_version": version,
        "api": api,
        "socket": str(engine.socket),
        "docker_host": f"unix://{engine.socket}",
    }


def start_set(state: Path, versions: Sequence[str], with_registry: bool) -> dict[str, object]:
    """Start everything below `state` and describe it."""
    tools = gather_tools(versions)
    images = [make(tools.machine) for make in (make_busybox, make_registry, make_caddy)]
    make_docker_config(state / "docker-config", tools.client)
    engines = [Engine(version, state / version) for version in versions]
    with ThreadPoolExecutor(len(engines) or 1) as pool:
        running = [pool.submit(start_with_images, engine, tools, images) for engine in engines]
        port = start_registry(state / "registry", tools.machine) if with_registry else None
        for image in images if port else []:
            push_image(port or 0, image)
        rows = [future.result() for future in running]
    return {
        "state": str(state),
        "engines": rows,
        "sockets": {row["version"]: row["socket"] for row in rows},
        "registry": f"127.0.0.1:{port}" if port else None,
        "registry_port": port,
        "docker": str(tools.client / "usr/bin/docker"),
        "docker_config": str(state / "docker-config"),
        "images": [f"{image.repository}:{tag}" for image in images for tag in image.tags],
    }


def is_whole(state: Path, versions: Sequence[str], with_registry: bool) -> bool:
    """Whether a set that was started earlier has what is asked for and still answers."""
    try:
        ground = json.loads((state / "env.json").read_text())
    except (OSError, ValueError):
        return False
    sockets, port = ground["sockets"], ground["registry_port"]
    if set(versions) - set(sockets) or (with_registry and not port):
        return False
    alive = all(is_answering(Path(path)) for path in sockets.values())
    return alive and (not port or is_registry_answering(port)) and Path(ground["docker"]).exists()


def start(state: Path, versions: Sequence[str], with_registry: bool) -> dict[str, object]:
    """Start, or find started, the wanted engines and registry; the set's description, as in env.json."""
    if os.geteuid() != 0:
        raise GroundError("private engines need root, or a machine where `docker info` answers")
    missing = [name for name in ("ip", "apt-get", "dpkg", "ldd") if not shutil.which(name)]
    if missing:
        raise GroundError(f"missing programs: {', '.join(missing)}; run `make setup`")
    state = state.resolve()
    with locked(cache_folder() / "ground.lock"):
        if not is_whole(state, versions, with_registry):
            stop_set(state)
            state.mkdir(parents=True)
            try:
                ground = start_set(state, versions, with_registry)
            except BaseException:
                stop_set(state)
                raise
            written = state / "env.json.new"
            written.write_text(json.dumps(ground, indent=2) + "\n")
            written.rename(state / "env.json")
        found: dict[str, object] = json.loads((state / "env.json").read_text())
        return found


def stop_set(state: Path) -> None:
    with ThreadPoolExecutor(len(CODENAMES)) as pool:
        list(pool.map(stop_engine, [Engine(version, state / version) for version in CODENAMES]))
    end(lambda: find_pids(state / "registry", "docker-registry"), grace_s=3)
    remove_folder(state)


def stop(state: Path) -> None:
    """Remove all that `start` made below `state`; nothing when there is nothing."""
    with locked(cache_folder() / "ground.lock"):
        stop_set(state.resolve())


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="engines.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("verb", choices=("start", "stop"))
    parser.add_argument("--state", type=Path, required=True, help="a short path, made and removed")
    parser.add_argument("--engine", action="append", choices=sorted(CODENAMES), default=[])
    parser.add_argument("--registry", action="store_true")
    wanted = parser.parse_args(argv)
    try:
        if wanted.verb == "stop":
            stop(wanted.state)
        else:
            print(json.dumps(start(wanted.state, wanted.engine, wanted.registry), indent=2))
    except GroundError as error:
        print(f"engines: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
