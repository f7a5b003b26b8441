"""Input documents: what enters them, what does not, and what a comparison names."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence

import pytest

from memory_tree import MemoryTree
from specs.context import MODIFIED_AT, UnfitFile, context_tar
from specs.image import Build, NamedContext
from specs.image_inputs import ImageInputs, image_inputs
from specs.inputs import InvalidDocument, compare, input_key
from specs.manifest import Manifest, ManifestEntry, is_ours
from specs.reference import Digest

WEB = {"web/Dockerfile": b"FROM redis:7\nARG V=1\n", "web/app.py": b"1", "other": b"x"}
BUILD = Build(context="web")
DIGEST = Digest("sha256:" + "a" * 64)


def _inputs(contents: Mapping[str, bytes], build: Build = BUILD, **kinds: list[str]) -> ImageInputs:
    return image_inputs(MemoryTree(contents, **kinds), build)


def _paths(inputs: ImageInputs) -> list[str]:
    return [entry.path for entry in inputs.manifest.entries()]


def test_the_key_is_a_tag_and_the_document_says_what_it_is() -> None:
    inputs = _inputs(WEB)
    assert inputs.key == input_key(inputs.document)
    assert inputs.key.startswith("in-")
    assert len(inputs.key) == len("in-") + 32
    document = json.loads(inputs.document)
    assert document["version"] == "reconciler.inputs/v1"
    assert document["bases"] == {"redis:7": None}
    assert inputs.bases == ("redis:7",)
    assert inputs.problems == ()


def test_a_known_document_keeps_its_key() -> None:
    assert _inputs(WEB).key == "in-cf524c236b7ccdb85c6194f4be5adc13"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"web/app.py": b"2"}, ["file app.py"]),
        ({"web/new": b""}, ["file new"]),
        (
            {"web/Dockerfile": b"FROM redis:8\nARG V=1\n"},
            ["Dockerfile", "base redis:7", "base redis:8", "file Dockerfile"],
        ),
        ({"other": b"y"}, []),
        ({"web/spec.yaml": b"apiVersion: reconciler/v1\nkind: Image\n"}, []),
        ({"web/plain.yaml": b"a: 1\n"}, ["file plain.yaml"]),
    ],
)
def test_what_changed_is_named(change: Mapping[str, bytes], named: list[str]) -> None:
    before, after = _inputs(WEB), _inputs({**WEB, **change})
    assert [name for name, _, _ in compare(before.document, after.document)] == named
    assert (before.key == after.key) == (not named)


def test_every_part_of_the_spec_is_compared() -> None:
    tree = MemoryTree(WEB)
    before = image_inputs(tree, BUILD)
    build = Build(
        context="web",
        target="0",
        args={"V": "2"},
        platforms=("linux/amd64",),
        contexts={"common": NamedContext(image="lib")},
        secrets=("token",),
    )
    after = image_inputs(tree, build, {"redis:7": DIGEST}, {"lib": "in-1"})
    assert after.problems == ()
    assert compare(before.document, after.document) == [
        ("arg V", None, "2"),
        ("base redis:7", "as written", str(DIGEST)),
        ("image common", None, "in-1"),
        ("platforms", None, "linux/amd64"),
        ("secrets", None, "token"),
        ("target", None, "0"),
    ]
    assert compare(after.document, after.document) == []


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"version":"x"}', b"\xff", b"[" * 100_000])
def test_other_bytes_are_no_document(document: bytes) -> None:
    with pytest.raises(InvalidDocument):
        compare(document, _inputs(WEB).document)


def test_ignore_rules_apply_and_the_own_file_takes_precedence() -> None:
    contents = {**WEB, "web/.dockerignore": b"*.py\n", "web/b.md": b""}
    assert _paths(_inputs(contents)) == [".dockerignore", "Dockerfile", "b.md"]
    contents["web/Dockerfile.dockerignore"] = b"*.md\nDockerfile*\n"
    inputs = _inputs(contents)
    assert _paths(inputs) == [".dockerignore", "app.py"]
    assert inputs.dockerfile == WEB["web/Dockerfile"]


def test_documents_of_ours_are_known_by_content_and_read_once() -> None:
    contents = {
        **WEB,
        "web/a.yml": b"# c\n---\napiVersion: reconciler/v1\n",
        "web/b.yaml": b"apiVersion: v1\n",
    }
    tree = MemoryTree(contents)
    assert [entry.path for entry in image_inputs(tree, BUILD).manifest.entries()] == [
        "Dockerfile",
        "app.py",
        "b.yaml",
    ]
    tree.reads.clear()
    image_inputs(tree, BUILD)
    assert tree.reads == ["web/Dockerfile"]


@pytest.mark.parametrize(
    ("content", "ours"),
    [
        (b"apiVersion: reconciler/v1\n", True),
        (b"kind: Image\napiVersion:   'reconciler/v1'\n", True),
        (b'--- {apiVersion: "reconciler/v1"}\n', True),
        (b"{kind: Lock, apiVersion: reconciler/v1}", True),
        (b'{\n  "apiVersion": "reconciler/v1"\n}', True),
        (b"# apiVersion: reconciler/v1\n", False),
        (b"apiVersion: apps/v1\n", False),
        (b"text: |\n  apiVersion: reconciler/v1\n", False),
        (b"", False),
    ],
)
def test_what_is_ours(content: bytes, ours: bool) -> None:
    assert is_ours(content) is ours


@pytest.mark.parametrize(
    ("contents", "build", "problem"),
    [
        ({"x": b""}, BUILD, "web: a build context without any file"),
        ({"web/x": b""}, BUILD, "web/Dockerfile: no Dockerfile there"),
        ({**WEB, "web/Dockerfile": b"FROM $X\n"}, BUILD, "web/Dockerfile:1: the image '$X' cannot be told"),
        (WEB, Build(context="../web"), "../web/Dockerfile: a path outside the repository"),
        (WEB, Build(context="web", dockerfile="../../D"), "../D: a path outside the repository"),
        (WEB, Build(context="web", args={"W": "1"}), "web/Dockerfile: no ARG W"),
        (WEB, Build(context="web", target="prod"), "web/Dockerfile: no stage prod"),
        (
            WEB,
            Build(context="web", contexts={"c": NamedContext(image="gone")}),
            "web/Dockerfile: context c names",
        ),
        ({**WEB, "web/.dockerignore": b"a\n[\n"}, BUILD, "web/.dockerignore:2: '['"),
    ],
)
def test_what_is_wrong_is_told(contents: Mapping[str, bytes], build: Build, problem: str) -> None:
    problems = _inputs(contents, build).problems
    assert [str(found)[: len(problem)] for found in problems] == [problem]
    assert all(found.code.startswith("IMG") and found.remedy for found in problems)


def test_gitlinks_links_and_special_paths() -> None:
    contents = {
        **WEB,
        "web/ln": b"../../etc/passwd",
        "web/crlf": b"x",
        "web/out": b"x",
        "web/.dockerignore": b"out",
    }
    inputs = _inputs(
        contents,
        links=["web/ln"],
        programs=["web/app.py"],
        gitlinks=["web/sub"],
        special=["web/crlf", "web/out"],
    )
    assert [(problem.file, problem.code) for problem in inputs.problems] == [
        ("web/crlf", "IMG011"),
        ("web/sub", "IMG009"),
    ]
    modes = {entry.path: (oct(entry.mode), entry.link) for entry in inputs.manifest.entries()}
    assert modes["ln"] == ("0o777", True)
    assert modes["app.py"] == ("0o755", False)
    assert modes["crlf"] == ("0o644", False)


def test_a_dockerfile_outside_its_context_is_found() -> None:
    contents = {"docker/D": b"FROM a\n", "docker/D.dockerignore": b"*.md\n", "web/a.md": b"", "web/b": b""}
    inputs = _inputs(contents, Build(context="web", dockerfile="../docker/D"))
    assert inputs.problems == ()
    assert inputs.dockerfile == b"FROM a\n"
    assert _paths(inputs) == ["b"]


def test_a_dockerfile_that_is_a_link_is_refused() -> None:
    assert [p.code for p in _inputs(WEB, links=["web/Dockerfile"]).problems] == ["IMG001"]


def test_the_tar_holds_exactly_the_manifest() -> None:
    contents = {"a": b"1" * 600, "d/run": b"x", "ln": b"/etc/passwd", "é" * 120: b"", "b\udce9": b"y"}
    tree = MemoryTree(contents, links=["ln"], programs=["d/run"])
    records = tuple(f"{f.mode:06o} blob {f.oid}\t{f.path}" for f in tree.files("."))
    manifest = Manifest(".", records)

    def read(entries: Sequence[ManifestEntry]) -> Mapping[str, bytes]:
        return {entry.path: contents[entry.path] for entry in entries}

    packed = b"".join(context_tar(manifest, read))
    assert packed == b"".join(context_tar(manifest, read))
    assert len(packed) % tarfile.RECORDSIZE == 0
    with tarfile.open(fileobj=io.BytesIO(packed), errors="surrogateescape") as archive:
        members = archive.getmembers()
        assert [member.name for member in members] == [entry.path for entry in manifest.entries()]
        for member in members:
            assert (member.uid, member.gid, member.uname, member.mtime) == (0, 0, "", MODIFIED_AT)
            file = archive.extractfile(member) if member.isreg() else None
            assert (file.read() if file else member.linkname.encode()) == contents[member.name]
        assert {member.name: oct(member.mode) for member in members}["d/run"] == "0o755"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("../x", b""),
        ("/x", b""),
        ("a/.GIT/config", b""),
        ("a", b"version https://git-lfs.github.com/spec/v1\noid x\n"),
    ],
)
def test_what_no_build_may_get_stops_the_tar(path: str, content: bytes) -> None:
    manifest = Manifest(".", (f"100644 blob {'0' * 40}\t{path}",))
    with pytest.raises(UnfitFile):
        list(context_tar(manifest, lambda entries: {entry.path: content for entry in entries}))
