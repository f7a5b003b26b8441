"""What a loop has signed counts for Releases alone; whoever has its key can change nothing else by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_repository import WrittenRepository
from providers.git.repository import GitRepository
from reconciler.cli.acceptance import Judge, Lineage
from reconciler.cli.tracked import Tracked
from signers import SshSigner, signed_commit
from specs.run_repository import RunRepository

_HEAD = "apiVersion: reconciler/v1\nkind: Environment\n"
ENVIRONMENTS = (
    f"{_HEAD}metadata: {{name: dev}}\nspec: {{project: shop}}\n"
    f"---\n{_HEAD}metadata: {{name: prod}}\nspec: {{project: shop, follows: dev}}\n"
)
PLACE = "specs/releases/prod.yaml"


def release(serial: int) -> str:
    return (
        "apiVersion: reconciler/v1\nkind: Release\nmetadata: {name: prod}\nspec:\n"
        f"  services: {{}}\n  removed: {{web: {{serial: {serial}}}}}\n"
    )


class Keyed:
    """A repository whose first commit Ann has signed, and a loop with a key of its own."""

    def __init__(self, folder: Path) -> None:
        self.ann, self.loop = (SshSigner.make(folder / "keys", name) for name in ("ann", "loop"))
        self.repository = WrittenRepository(folder / "shop")
        # Both in one file: that the loop's key is named there gives it no more.
        self.signers = folder / "allowed"
        self.signers.write_text(self.ann.allowed_line + self.loop.allowed_line)
        self.first = self.sign(self.ann, {"specs/all.yaml": ENVIRONMENTS, PLACE: release(1)})

    def sign(self, signer: SshSigner, files: dict[str, str]) -> str:
        return signed_commit(self.repository, signer, files)

    def entry(self, own_key: bool = True) -> RunRepository:
        push = {"author": "Loop <loop@example.com>", "signing_key": str(self.loop.folder / "loop")}
        signatures = {"allowed_signers": str(self.signers), "since": self.first}
        if not own_key:
            theirs = self.signers.with_name("loops")
            theirs.write_text(self.loop.allowed_line)
            signatures["release_signers"] = str(theirs)
        words = {"name": "shop", "folder": str(self.repository.path), "signatures": signatures}
        return RunRepository.model_validate(words | ({"push": push} if own_key else {}))

    def refused(self, own_key: bool = True) -> str:
        """What speaks against the newest commit; nothing where it may be taken."""
        judge = Judge.of(self.entry(own_key), GitRepository(self.repository.path), "prod")
        tip = self.repository.git("rev-parse", "HEAD")
        return "; ".join(str(p) for p in judge.problems(Tracked("main", tip), Lineage((self.first,))))


@pytest.fixture
def keyed(tmp_path: Path) -> Keyed:
    return Keyed(tmp_path)


def test_a_release_counts_and_what_follows_is_judged_on(keyed: Keyed) -> None:
    keyed.sign(keyed.loop, {PLACE: release(2)})
    keyed.sign(keyed.ann, {"specs/all.yaml": ENVIRONMENTS, "README": "words\n"})
    keyed.sign(keyed.loop, {PLACE: release(3)})
    assert keyed.refused() == ""
    assert keyed.refused(own_key=False) == ""
    keyed.repository.commit({PLACE: release(4)})
    assert "is not signed" in keyed.refused()


def other_document(keyed: Keyed) -> None:
    keyed.sign(keyed.loop, {"specs/all.yaml": ENVIRONMENTS + "# more\n"})


def beside_a_release(keyed: Keyed) -> None:
    keyed.sign(keyed.loop, {PLACE: release(2), "web/app": "mine\n"})


def another_kind_in_its_place(keyed: Keyed) -> None:
    keyed.sign(keyed.loop, {"specs/releases/web.yaml": ENVIRONMENTS.replace("dev", "qa")})


def a_second_document(keyed: Keyed) -> None:
    keyed.sign(keyed.loop, {PLACE: f"{release(2)}---\n{ENVIRONMENTS}"})


def a_link(keyed: Keyed) -> None:
    place = keyed.repository.path / PLACE
    place.unlink()
    place.symlink_to("../all.yaml")
    keyed.sign(keyed.loop, {})


def gone(keyed: Keyed) -> None:
    (keyed.repository.path / PLACE).unlink()
    keyed.sign(keyed.loop, {})


def back_to_what_was(keyed: Keyed) -> None:
    """A merge whose content is that of an older accepted commit: it takes back what Ann wrote."""
    keyed.sign(keyed.ann, {"web/app": "new\n"})
    git = keyed.repository.git
    line = ("-S", "-p", keyed.first, "-p", "HEAD", "-m", "merge", f"{keyed.first}^{{tree}}")
    git("update-ref", "refs/heads/main", git(*keyed.loop.options, "commit-tree", *line))


ELSE = (
    other_document,
    beside_a_release,
    another_kind_in_its_place,
    a_second_document,
    a_link,
    gone,
    back_to_what_was,
)


def test_anything_else_by_that_key_does_not_count(keyed: Keyed) -> None:
    for write in ELSE:
        keyed.repository.git("reset", "-q", "--hard", keyed.first)
        write(keyed)
        said = keyed.refused()
        assert "POL020" in said, write.__name__
        assert "changes more than Releases" in said, write.__name__


def test_a_branch_for_review_that_was_written_again_counts(keyed: Keyed) -> None:
    git = keyed.repository.git
    git("switch", "-q", "-c", "promote/prod")
    keyed.sign(keyed.loop, {PLACE: release(2)})
    git("switch", "-q", "main")
    tip = keyed.sign(keyed.ann, {"web/app": "new\n"})
    git("switch", "-q", "--detach", tip)
    keyed.sign(keyed.loop, {PLACE: release(3)})
    line = ("-S", "-p", "promote/prod", "-p", tip, "-m", "promote", "HEAD^{tree}")
    git("update-ref", "refs/heads/main", git(*keyed.loop.options, "commit-tree", *line))
    assert keyed.refused() == ""


def test_a_key_that_cannot_be_read_is_said(keyed: Keyed) -> None:
    (keyed.loop.folder / "loop").write_text("no key\n")
    keyed.sign(keyed.ann, {})
    assert "POL021" in keyed.refused()
