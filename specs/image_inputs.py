"""From a tree of files and an Image's ``build`` to its inputs, its key, and what is wrong with them."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from specs.context import context_tar
from specs.dockerfile import BaseUse, Dockerfile, read_dockerfile
from specs.ignore import IgnoreRules, InvalidIgnoreRule, parse_ignore
from specs.image import Build
from specs.image_problem import ImageProblem
from specs.inputs import Inputs, input_document, input_key
from specs.manifest import LINK, ContextFile, Manifest, ManifestEntry, is_ours, make_manifest, records_of
from specs.reference import Digest

File = TypeVar("File", bound=ContextFile)
_SYNTAX_ARG = "BUILDKIT_SYNTAX"
_YAML = (".yaml", ".yml")
_OURS: dict[str, bool] = {}
"""By content id: whether a YAML file is a document of ours. Bounded; only a saving of reads."""
_MAX_KNOWN = 100_000


class Source(Protocol[File]):
    """A tree of files, as ``reconciler.provider.Tree`` is one."""

    def files(self, folder: str) -> Sequence[File]: ...
    def read(self, files: Sequence[File]) -> Mapping[str, bytes]: ...
    def special_paths(self, files: Sequence[File]) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class ImageInputs:
    """Everything that a build of an image needs. While there are ``problems`` nothing is to be built."""

    key: str
    document: bytes = field(repr=False)
    dockerfile: bytes = field(repr=False)
    manifest: Manifest = field(repr=False)
    uses: tuple[BaseUse, ...]
    """Where the Dockerfile names images: what ``specs.dockerfile.pin`` replaces."""
    bases: tuple[str, ...]
    """The references as written, without the names of additional contexts."""
    problems: tuple[ImageProblem, ...] = ()


def image_inputs(
    source: Source[File],
    build: Build,
    locks: Mapping[str, Digest] | None = None,
    image_keys: Mapping[str, str] | None = None,
) -> ImageInputs:
    """The inputs of an image whose ``build`` this is, from the files of ``source``.

    ``locks`` maps references as written to digests (``lock.yaml``); ``image_keys`` maps the names of images
    of ours, which ``build.contexts`` may name, to their input keys. YAML files that carry our apiVersion are
    known by their content, wherever they lie. Raises what ``source`` raises.
    """
    reading = _Reading(source, build)
    reading.read()
    dockerfile = read_dockerfile(reading.dockerfile, build.args, build.platforms, tuple(build.contexts))
    if not reading.problems:
        reading.problems += _dockerfile_problems(dockerfile, build, reading.path)
    manifest = reading.manifest()
    keys = image_keys or {}
    images = {name: keys[context.image] for name, context in build.contexts.items() if context.image in keys}
    reading.problems += [
        ImageProblem(reading.path, None, "IMG016", f"context {name} names no Image", "an Image", "correct it")
        for name in build.contexts.keys() - images.keys()
    ]
    bases = tuple(name for name in dockerfile.references if name not in build.contexts)
    locked = {name: (locks or {}).get(name) for name in bases}
    document = input_document(Inputs(reading.dockerfile, manifest, build, build.args, locked, images))
    problems = tuple(sorted(set(reading.problems), key=_order))
    return ImageInputs(
        input_key(document), document, reading.dockerfile, manifest, dockerfile.bases, bases, problems
    )


def context_of(
    source: Source[File], manifest: Manifest, make: Callable[[str, int, str], File]
) -> Iterator[bytes]:
    """The tar of a manifest whose contents are in ``source``; ``make`` is its kind of file, of path from the
    root, git mode and content id. Raises ``specs.context.UnfitFile``, and what ``source`` raises."""
    root = "" if manifest.folder == "." else f"{manifest.folder}/"

    def read(entries: Sequence[ManifestEntry]) -> Mapping[str, bytes]:
        files = [make(root + entry.path, entry.git_mode, entry.oid) for entry in entries]
        contents = source.read(files)
        return {entry.path: contents[root + entry.path] for entry in entries}

    return context_tar(manifest, read)


@dataclass(slots=True)
class _Reading(Generic[File]):
    """The one look at the tree: one listing, one batch of contents."""

    source: Source[File]
    build: Build
    folder: str = ""
    path: str = ""
    """The Dockerfile's path from the repository's root."""
    files: Sequence[File] = ()
    dockerfile: bytes = b""
    rules: IgnoreRules = field(default_factory=IgnoreRules)
    ours: frozenset[str] = frozenset()
    problems: list[ImageProblem] = field(default_factory=list)

    def read(self) -> None:
        self.folder = posixpath.normpath(self.build.context.strip("/") or ".")
        self.path = posixpath.normpath(posixpath.join(self.folder, self.build.dockerfile))
        if _escapes(self.folder) or _escapes(self.path):
            return self._problem("IMG014", "a path outside the repository", "a path below its root")
        self.files = self.source.files(self.folder)
        if not self.files:
            self.path = self.folder
            return self._problem("IMG008", "a build context without any file", "a folder of the commit")
        picked = self._picked()
        unknown = [file for file in picked.values() if not (_is_yaml(file.path) and file.oid in _OURS)]
        contents = self.source.read(unknown)
        self.ours = frozenset(path for path, file in picked.items() if _known_as_ours(file, contents))
        self._take_dockerfile(picked, contents)
        return self._take_rules(contents)

    def _picked(self) -> Mapping[str, File]:
        """The files whose content decides: the Dockerfile, ignore files, and YAML, by path."""
        named = tuple(f"\t{path}" for path in self._decisive())
        endings = (*named, *_YAML)
        listed = [n for n, record in enumerate(records_of(self.files)) if record.endswith(endings)]
        picked = {file.path: file for file in (self.files[n] for n in listed)}
        if self.folder != "." and not self.path.startswith(f"{self.folder}/"):
            outside = self.source.files(posixpath.dirname(self.path) or ".")
            picked |= {file.path: file for file in outside if file.path in self._decisive()}
        return picked

    def _decisive(self) -> tuple[str, str, str]:
        root = "" if self.folder == "." else f"{self.folder}/"
        return self.path, f"{self.path}.dockerignore", f"{root}.dockerignore"

    def _take_dockerfile(self, picked: Mapping[str, File], contents: Mapping[str, bytes]) -> None:
        if self.path not in picked:
            self._problem("IMG001", "no Dockerfile there", "a file of the commit")
        elif picked[self.path].mode == int(LINK, 8):
            self._problem("IMG001", "a symbolic link", "a Dockerfile that is a file of its own")
        else:
            self.dockerfile = contents.get(self.path, b"")

    def _take_rules(self, contents: Mapping[str, bytes]) -> None:
        _, own, shared = self._decisive()
        path = own if own in contents else shared
        try:
            self.rules = parse_ignore(contents.get(path, b"").decode("utf-8", "surrogateescape"))
        except InvalidIgnoreRule as error:
            seen = f"{error.rule!r}: {error.reason}"
            self.problems.append(
                ImageProblem(path, error.line, "IMG013", seen, "a pattern", "correct the pattern")
            )

    def manifest(self) -> Manifest:
        manifest, problems = make_manifest(records_of(self.files), self.folder, self.rules, self.ours)
        self.problems += problems
        if special := self.source.special_paths(self.files):
            root = "" if self.folder == "." else f"{self.folder}/"
            here = {root + record.partition("\t")[2] for record in manifest.records} | {self.path}
            self.problems += [_special(path) for path in special if path in here]
        return manifest

    def _problem(self, code: str, seen: str, expected: str) -> None:
        remedy = "correct build.context or build.dockerfile, or add the file to the commit"
        self.problems.append(ImageProblem(self.path, None, code, seen, expected, remedy))


def _known_as_ours(file: ContextFile, contents: Mapping[str, bytes]) -> bool:
    if not _is_yaml(file.path):
        return False
    if file.oid not in _OURS:
        if len(_OURS) >= _MAX_KNOWN:
            _OURS.clear()
        _OURS[file.oid] = file.mode != int(LINK, 8) and is_ours(contents.get(file.path, b""))
    return _OURS[file.oid]


def _is_yaml(path: str) -> bool:
    return path.endswith(_YAML)


def _escapes(path: str) -> bool:
    return path == ".." or path.startswith(("../", "/"))


def _dockerfile_problems(dockerfile: Dockerfile, build: Build, path: str) -> Iterator[ImageProblem]:
    for fault in dockerfile.faults:
        yield ImageProblem(path, fault.line, fault.code, fault.seen, fault.expected, fault.remedy)
    for name in build.args:
        if name not in dockerfile.args:
            remedy = f"write 'ARG {name}' in the Dockerfile, or remove it from build.args"
            yield ImageProblem(
                path, None, "IMG006", f"no ARG {name}", "an ARG for each of build.args", remedy
            )
    if _SYNTAX_ARG in build.args:
        remedy = "write '# syntax=' in the Dockerfile"
        yield ImageProblem(path, None, "IMG006", _SYNTAX_ARG, "a frontend that the file names", remedy)
    if build.target is not None and not dockerfile.has_target(build.target):
        stages = ", ".join(filter(None, dockerfile.stages)) or "none has a name"
        seen = f"no stage {build.target} (stages: {stages})"
        yield ImageProblem(path, None, "IMG007", seen, "the name of a stage", "correct build.target")


def _special(path: str) -> ImageProblem:
    return ImageProblem(
        path,
        None,
        "IMG011",
        "git attributes (eol, ident, filter, working-tree-encoding; git-lfs) change its bytes on checkout",
        "the same bytes in the commit and in every checkout",
        "exclude it in .dockerignore, or remove the attribute",
    )


def _order(problem: ImageProblem) -> tuple[str, int, str, str]:
    return problem.file, problem.line or 0, problem.code, problem.seen
