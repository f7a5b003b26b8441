"""Tags of a real repository: which commits they stand for."""

from __future__ import annotations

from pathlib import Path

from git_repository import WrittenRepository
from providers.git.repository import GitRepository


def test_each_tag_stands_for_the_commit_behind_it(tmp_path: Path) -> None:
    repository = WrittenRepository(tmp_path)
    assert GitRepository(tmp_path).tags() == {}
    first = repository.commit({"a": "1"})
    repository.git("tag", "light")
    repository.git("tag", "-a", "-m", "x", "v1.0.0")
    repository.git("tag", "-a", "-m", "of a tag", "nested", "v1.0.0")
    repository.git("tag", "tree", f"{first}^{{tree}}")
    repository.git("branch", "v9.0.0")
    repository.git("update-ref", "refs/tags/odd;name", first)
    repository.git("update-ref", "refs/tags/a/b", first)
    tags = GitRepository(tmp_path).tags()
    assert {name: tag.commit for name, tag in tags.items()} == dict.fromkeys(
        ("light", "v1.0.0", "nested", "a/b"), first
    )
    assert tags["light"].oid == first
    assert tags["v1.0.0"].oid == repository.git("rev-parse", "refs/tags/v1.0.0") != first
    assert tags["nested"].ref == "refs/tags/nested"
