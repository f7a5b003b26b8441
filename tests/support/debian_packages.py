"""Debian packages unpacked into a cache folder, with nothing of the machine changed.

A package is fetched by apt with lists, cache and dpkg status of its own, and unpacked by `dpkg -x`. The
source is the machine's own apt source with another suite's name, so one machine can hold programs of two
Debian releases side by side. Only the standard library is used: this runs before any environment exists.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CACHE_FORMAT = "1"
APT_FOLDER = Path("/etc/apt")
SUITE_ENDINGS = ("", "-updates", "-security")


class GroundError(Exception):
    """What the machine lacks, and the remedy."""


@dataclass(frozen=True)
class AptSource:
    """One archive that the machine reads: where it is, its suites, components, and what verifies it."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str

    def render(self, old_codename: str, new_codename: str) -> str:
        """The same archive as a deb822 stanza for another release."""
        suites = " ".join(suite.replace(old_codename, new_codename, 1) for suite in self.suites)
        signed_by = f"Signed-By: {self.signed_by}\n" if self.signed_by else ""
        return (
            f"Types: deb\nURIs: {' '.join(self.uris)}\nSuites: {suites}\n"
            f"Components: {' '.join(self.components)}\n{signed_by}\n"
        )


def read_codename() -> str:
    """The Debian release's name, such as bookworm; GroundError on another system."""
    text = Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if fields.get("ID", "").strip('"') != "debian" or "VERSION_CODENAME" not in fields:
        raise GroundError("private engines need Debian 12 or later, or a machine where `docker info` answers")
    return fields["VERSION_CODENAME"].strip('"')


def cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "gitops-reconciler"


def parse_deb822(text: str) -> Iterator[AptSource]:
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1] in (" ", "\t"):
                fields[name] += "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() != "no":
            yield AptSource(
                uris=tuple(fields.get("uris", "").split()),
                suites=tuple(fields.get("suites", "").split()),
                components=tuple(fields.get("components", "").split()),
                signed_by=fields.get("signed-by", ""),
            )


def parse_one_line(text: str) -> Iterator[AptSource]:
    for line in text.splitlines():
        found = re.match(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+?)\s*(?:#.*)?$", line.strip())
        if found:
            options, uri, suite, components = found.groups()
            signed = re.search(r"signed-by=(\S+)", options or "")
            yield AptSource((uri,), (suite,), tuple(components.split()), signed.group(1) if signed else "")


def read_debian_sources(codename: str, folder: Path = APT_FOLDER) -> list[AptSource]:
    """The sources of Debian's own archive that the machine reads, third parties' left out."""
    found: list[AptSource] = []
    for path in sorted([folder / "sources.list", *(folder / "sources.list.d").glob("*")]):
        if path.is_file() and path.suffix in (".list", ".sources"):
            parse = parse_deb822 if path.suffix == ".sources" else parse_one_line
            found.extend(parse(path.read_text()))
    wanted = [codename + ending for ending in SUITE_ENDINGS]
    ours = []
    for source in found:
        suites = tuple(suite for suite in source.suites if suite in wanted)
        names = {urlsplit(uri).path.rstrip("/").rsplit("/", 1)[-1] for uri in source.uris}
        if suites and "main" in source.components and names & {"debian", "debian-security"}:
            ours.append(AptSource(source.uris, suites, ("main",), source.signed_by))
    if not ours:
        raise GroundError(f"no apt source of Debian {codename} found below {folder}; add one and run again")
    return ours


@contextmanager
def locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def run(argv: Sequence[str], cwd: Path | None = None) -> str:
    """Standard output of a command; GroundError with its last lines when it fails."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise GroundError(f"`{' '.join(argv)}` ended with {done.returncode}:\n{tail}")
    return done.stdout


def apt_options(folder: Path) -> list[str]:
    settings = {
        "Dir::Etc::sourcelist": folder / "private.sources",
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def fetch(folder: Path, codename: str, package_names: Sequence[str]) -> None:
    """Unpack the packages of one release into `folder`/root; `folder` also holds apt's private files."""
    machine_codename = read_codename()
    for name in ("lists/partial", "cache/archives/partial", "debs", "root"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    sources = read_debian_sources(machine_codename)
    text = "".join(source.render(machine_codename, codename) for source in sources)
    (folder / "private.sources").write_text(text)
    run(["apt-get", *apt_options(folder), "update"])
    run(["apt-get", *apt_options(folder), "download", *package_names], cwd=folder / "debs")
    for archive in sorted((folder / "debs").glob("*.deb")):
        run(["dpkg", "-x", str(archive), str(folder / "root")])


def unpack(codename: str, package_names: Sequence[str], proof: Sequence[str]) -> Path:
    """The folder with these packages unpacked, from the cache where it is complete there.

    `proof` lists files that a complete folder has; a cache that lacks one is made anew. The folder appears by
    one rename, so a download that was killed leaves nothing that could be taken for a complete one.
    """
    cache = cache_folder()
    machine = f"{read_codename()} {run(['dpkg', '--print-architecture']).strip()}"
    text = "\n".join([CACHE_FORMAT, machine, codename, *sorted(package_names)])
    root = cache / f"{codename}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    with locked(cache / ".lock"):
        for leftover in cache.glob(f".making-{root.name}-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if all((root / name).exists() for name in proof):
            return root
        shutil.rmtree(root, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=f".making-{root.name}-", dir=cache))
        fetch(folder, codename, package_names)
        missing = [name for name in proof if not (folder / "root" / name).exists()]
        if missing:
            raise GroundError(f"the packages of {codename} lack {', '.join(missing)}")
        (folder / "root").rename(root)
        shutil.rmtree(folder)
    return root
