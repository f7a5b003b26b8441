"""The tags of a clone, each with the commit that it stands for: annotated ones are peeled to their end."""

from __future__ import annotations

from providers.git.command import GitCommand
from providers.git.ref import ref_paths
from reconciler.fault import Refused
from reconciler.repository import TAGS, Tag


def list_tags(git: GitCommand) -> dict[str, Tag]:
    """Every tag that can be written as a ref and stands for a commit, by name. Raises ProviderError."""
    lines = git.read("for-each-ref", "--format=%(objectname) %(refname)", TAGS).text.splitlines()
    found = [(oid, ref) for oid, _, ref in (line.partition(" ") for line in lines) if _is_plain(ref)]
    asked = "".join(f"{ref}^{{commit}}\n" for _, ref in found).encode()
    answers = git.read("cat-file", "--batch-check", stdin=asked).text.splitlines() if found else []
    tags: dict[str, Tag] = {}
    for (oid, ref), answer in zip(found, answers, strict=True):
        commit, _, rest = answer.partition(" ")
        if rest.startswith("commit "):
            name = ref.removeprefix(TAGS)
            tags[name] = Tag(name, oid, commit)
    return tags


def _is_plain(ref: str) -> bool:
    try:
        return ref_paths(ref) == (ref,)
    except Refused:
        return False
