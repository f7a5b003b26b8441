"""The files that services get from git: their digests, and the entries behind a digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.files import ConfigDigest, FileLine, FilesKey, files_digest, files_keys, lay_out
from reconciler.provider import FileEntry, Tree, TreeFile
from specs.effective import Effective
from specs.problem import Problem


@dataclass(frozen=True, slots=True)
class Configs:
    """Every Config as it is used."""

    digests: Mapping[FilesKey, ConfigDigest]
    lines: Mapping[str, tuple[FileLine, ...]] = field(repr=False)
    """By digest."""
    contents: Mapping[str, str] = field(repr=False)
    """Digest -> the content that a document itself holds."""
    problems: tuple[Problem, ...] = ()


def know_configs(effective: Effective, files: Sequence[TreeFile]) -> Configs:
    """Lay out every Config that a service mounts. Problems say which cannot be."""
    listing = [(file.path, file.mode, file.oid) for file in files]
    digests: dict[FilesKey, ConfigDigest] = {}
    lines: dict[str, tuple[FileLine, ...]] = {}
    contents: dict[str, str] = {}
    problems: list[Problem] = []
    for key in files_keys(effective.services.values()):
        config = effective.configs[key.config_name]
        try:
            entries, single = lay_out(key, config, listing)
        except ValueError as error:
            subject = f"Config {key.config_name}"
            problems.append(Problem("SPEC031", "error", None, None, None, subject, str(error)))
            continue
        digest = files_digest(entries)
        digests[key] = ConfigDigest(digest, single)
        lines[digest] = entries
        if config.content is not None:
            contents[digest] = config.content
    return Configs(digests, lines, contents, tuple(problems))


def read_entries(configs: Configs, digest: str, tree: Tree, files: Sequence[TreeFile]) -> list[FileEntry]:
    """The entries behind a digest with their bytes. Raises KeyError for an unknown digest, ProviderError."""
    lines = configs.lines[digest]
    wanted = {line.source for line in lines if line.source is not None}
    contents = tree.read([file for file in files if file.path in wanted])
    return [_entry(line, contents, configs.contents.get(digest, "")) for line in lines]


def _entry(line: FileLine, contents: Mapping[str, bytes], own: str) -> FileEntry:
    content = own.encode() if line.source is None else contents[line.source]
    link = content.decode("utf-8", "surrogateescape") if line.link else None
    return FileEntry(line.path, line.mode, line.uid, line.gid, b"" if line.link else content, link)
