"""The application as an image: packed from this machine's own Python where no image registry can be reached,
else built on `python:3-slim`."""

from __future__ import annotations

import io
import json
import py_compile
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

from engines import gather_tools
from ground import MACHINE, Ground, RunningEngine
from local_images import LayerTar, LocalImage, make_busybox, push_image

NAME = "loss-app"
PORT = 8080
_FILES = ("loss_app.py", "loss_frames.py")
_HERE = Path(__file__).resolve().parent
_ASKED = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
import loss_app, encodings.idna, encodings.latin_1, encodings.ascii, runpy
print(json.dumps([m.__spec__.origin for m in list(sys.modules.values()) if getattr(m, "__spec__", None)]))
"""
_CHECK = "#!/bin/sh\nexec wget -q -O /dev/null http://127.0.0.1:8080/healthz\n"
_DOCKERFILE = f"""\
FROM python:3-slim
COPY {" ".join(_FILES)} check /app/
ENV PYTHONPATH=/app PYTHONUNBUFFERED=1
CMD ["python3", "/app/loss_app.py"]
"""
_CHECK_BY_PYTHON = (
    "#!/usr/bin/env python3\nimport urllib.request\n"
    "urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)\n"
)
CHECK = ["CMD", "/app/check"]


def make_app_image(ground: Ground) -> str:
    """The name by which every engine of the ground can have it."""
    if MACHINE in ground.engines:
        return _build(ground.engines[MACHINE])
    digest = push_image(int(ground.registry.rpartition(":")[2]), _pack())
    return f"{ground.registry}/{NAME}@{digest}"


def _build(engine: RunningEngine) -> str:
    with tempfile.TemporaryDirectory(prefix="loss-image-") as scratch:
        folder = Path(scratch)
        for name in _FILES:
            (folder / name).write_bytes((_HERE / name).read_bytes())
        (folder / "check").write_text(_CHECK_BY_PYTHON)
        (folder / "check").chmod(0o755)
        (folder / "Dockerfile").write_text(_DOCKERFILE)
        engine.cli("build", "--quiet", "--tag", f"{NAME}:1", scratch)
    return f"{NAME}:1"


def _pack() -> LocalImage:
    """Only the modules that the application imports, compiled, and the libraries that they are linked to."""
    tar = LayerTar()
    with tarfile.open(fileobj=io.BytesIO(make_busybox(gather_tools([]).machine).layer)) as busybox:
        for member in busybox:
            tar.tar.addfile(member, busybox.extractfile(member) if member.isfile() else None)
    program = Path(sys.executable).resolve()
    standard = Path(sysconfig.get_path("stdlib"))
    native = [program]
    for origin in _modules(program):
        path = Path(origin)
        if path.suffix == ".py":
            inside = path.relative_to(standard) if path.is_relative_to(standard) else None
            name = f"python/lib/{standard.name}/{inside}c" if inside else f"app/{path.name}c"
            tar.add_file(name, _compiled(path))
        elif path.suffix == ".so":
            native.append(path)
            tar.add_file(f"python/lib/{standard.name}/lib-dynload/{path.name}", path.read_bytes(), 0o755)
    tar.add_file("python/bin/python3", program.read_bytes(), 0o755)
    # Not where libraries usually lie: the static busybox would load parts of that C library, and crash.
    libraries = sorted({found for path in native for found in _libraries(path)})
    for library in libraries:
        tar.add_file(f"python/libraries/{Path(library).name}", Path(library).read_bytes(), 0o755)
    tar.add_file("app/check", _CHECK.encode(), 0o755)
    loader = next(Path(library).name for library in libraries if Path(library).name.startswith("ld-"))
    start = [f"/python/libraries/{loader}", "--library-path", "/python/libraries", "/python/bin/python3"]
    settings = {
        "Env": ["PATH=/bin:/usr/bin", "PYTHONHOME=/python", "PYTHONPATH=/app"],
        "Cmd": [*start, "-S", "/app/loss_app.pyc"],
    }
    return LocalImage(NAME, ("1",), tar.close(), settings)


def _modules(program: Path) -> list[str]:
    command = [str(program), "-S", "-c", _ASKED, str(_HERE)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sorted({origin for origin in json.loads(told) if origin and origin.startswith("/")})


def _libraries(path: Path) -> list[str]:
    told = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(/\S+) \(0x", told)


def _compiled(path: Path) -> bytes:
    """Its bytecode, which stands for the source and is never compared with it."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "compiled"
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(path), str(place), doraise=True, invalidation_mode=mode)
        return place.read_bytes()
