"""The label ``reconciler.source``: where the specs of an instance came from. Pure."""

from __future__ import annotations


def source_text(remote: str | None, first_commit: str | None, path: str) -> str:
    """``remote#first-commit#path``, each empty where unknown."""
    return f"{remote or ''}#{first_commit or ''}#{path}"


def is_same_source(one: str, other: str) -> bool:
    """The remote's host and path agree, or the first commit does. Two sources of which nothing comparable
    is known are taken for the same: a missing remote must not block anybody."""
    (remote, first), (other_remote, other_first) = _parts(one), _parts(other)
    if remote and remote == other_remote:
        return True
    if first and first == other_first:
        return True
    return not ((remote and other_remote) or (first and other_first))


def _parts(text: str) -> tuple[str, str]:
    remote, _, rest = text.partition("#")
    return remote, rest.partition("#")[0]
