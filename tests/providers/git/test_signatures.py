"""What counts as signed: verified by the real git, ssh-keygen and gpg."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from git_repository import WrittenRepository
from providers.git.repository import GitRepository
from providers.git.signatures import Keys, commits_since, open_verifier
from reconciler.provider import Refused
from signers import GpgSigner, SshSigner, signed_commit, signed_tag


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> WrittenRepository:
    return WrittenRepository(tmp_path / "repository")


@pytest.fixture(name="ann")
def _ann(tmp_path: Path) -> SshSigner:
    return SshSigner.make(tmp_path / "keys", "ann")


@pytest.fixture(name="mallory")
def _mallory(tmp_path: Path) -> SshSigner:
    return SshSigner.make(tmp_path / "keys", "mallory")


@pytest.fixture(name="gpg")
def _gpg(tmp_path: Path) -> Iterator[GpgSigner]:
    signer = GpgSigner.make(tmp_path / "gpg", "greta")
    yield signer
    signer.end()


def allowed(tmp_path: Path, *signers: SshSigner) -> Keys:
    path = tmp_path / "allowed"
    path.write_text("".join(signer.allowed_line for signer in signers))
    return Keys(path)


def first_bad(repository: WrittenRepository, keys: Keys, *before: str) -> str | None:
    git = GitRepository(repository.path).git
    with open_verifier(git, keys) as verifier:
        found = verifier.first_unverified(commits_since(git, repository.git("rev-parse", "HEAD"), before))
    return found and found.commit


def test_every_commit_since_counts_merged_ones_too(
    repository: WrittenRepository, ann: SshSigner, tmp_path: Path
) -> None:
    keys, start = allowed(tmp_path, ann), repository.commit({"a": "1"})
    signed_commit(repository, ann)
    assert first_bad(repository, keys, start) is None
    assert first_bad(repository, keys) is None, "the tip alone"
    repository.git("switch", "-q", "-c", "side", start)
    unsigned = repository.commit({"b": "1"})
    repository.git("switch", "-q", "main")
    repository.git(*ann.options, "merge", "-q", "-S", "--no-ff", "-m", "merged", "side")
    assert first_bad(repository, keys) is None
    assert first_bad(repository, keys, start) == unsigned


def test_a_key_that_nobody_named_signs_nothing_though_it_is_called_good(
    repository: WrittenRepository, ann: SshSigner, mallory: SshSigner, tmp_path: Path
) -> None:
    keys, bad = allowed(tmp_path, ann), signed_commit(repository, mallory)
    with open_verifier(GitRepository(repository.path).git, keys) as verifier:
        said = verifier.git.ask(*verifier.options, "verify-commit", "--raw", bad)
        assert 'Good "git" signature' in said.stderr, "that is why no word of it is believed"
        found = verifier.first_unverified([bad])
    assert found is not None
    assert (found.commit, found.author, found.reason) == (
        bad,
        "A <a@example.com>",
        "is signed by nobody whom the keys name",
    )
    # what the repository's own settings name counts for nothing
    (tmp_path / "theirs").write_text(mallory.allowed_line)
    repository.git("config", "gpg.ssh.allowedSignersFile", str(tmp_path / "theirs"))
    repository.git("config", "gpg.minTrustLevel", "undefined")
    repository.git("config", "gpg.ssh.program", "true")
    assert first_bad(repository, keys) == bad
    assert first_bad(repository, Keys(tmp_path / "theirs")) is None


def test_a_changed_commit_a_revoked_key_and_another_namespace_do_not_verify(
    repository: WrittenRepository, ann: SshSigner, tmp_path: Path
) -> None:
    keys, good = allowed(tmp_path, ann), signed_commit(repository, ann, {"a": "1"})
    forged = repository.git("cat-file", "commit", good).replace("\n\nsigned", "\n\nsigned by ann")
    oid = repository.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=forged.encode() + b"\n")
    repository.git("update-ref", "refs/heads/main", oid)
    assert first_bad(repository, keys) == oid
    repository.git("update-ref", "refs/heads/main", good)
    for line in (f'a@b namespaces="file" {ann.public}\n', f'a@b valid-before="20200101" {ann.public}\n', ""):
        (tmp_path / "allowed").write_text(line)
        assert first_bad(repository, keys) == good


def test_gpg_counts_by_the_keyring_that_is_given_and_no_other(
    repository: WrittenRepository, gpg: GpgSigner, ann: SshSigner, tmp_path: Path
) -> None:
    start = repository.commit()
    by_gpg = signed_commit(repository, gpg)
    keyring = gpg.export(tmp_path / "keys.gpg")
    assert first_bad(repository, Keys(gpg_keys=keyring), start) is None
    assert first_bad(repository, allowed(tmp_path, ann), start) == by_gpg
    by_ann = signed_commit(repository, ann)
    assert first_bad(repository, Keys(gpg_keys=keyring), start) == by_ann
    assert first_bad(repository, Keys(allowed(tmp_path, ann).allowed_signers, keyring), start) is None


def test_a_signed_tag_speaks_for_its_own_name_and_commit(
    repository: WrittenRepository, ann: SshSigner, mallory: SshSigner, tmp_path: Path
) -> None:
    keys, first = allowed(tmp_path, ann), repository.commit({"a": "1"})
    signed_tag(repository, ann, "v1.0.0")
    signed_tag(repository, mallory, "v1.1.0")
    repository.git("tag", "-a", "-m", "x", "v1.2.0")
    repository.git("tag", "v1.3.0")
    oid = repository.git("rev-parse", "refs/tags/v1.0.0")
    repository.git("update-ref", "refs/tags/v9.0.0", oid)
    repository.git("tag", "-a", "-m", "x", "v8.0.0", "v1.0.0")
    tags = GitRepository(repository.path).tags()
    assert {tag.commit for tag in tags.values()} == {first}
    with open_verifier(GitRepository(repository.path).git, keys) as verifier:
        assert [name for name, tag in sorted(tags.items()) if verifier.is_signed(tag)] == ["v1.0.0"]


@pytest.mark.parametrize("field", ["allowed_signers", "gpg_keys"])
def test_keys_that_cannot_be_read_are_an_error_of_their_own(
    field: str, repository: WrittenRepository, tmp_path: Path
) -> None:
    repository.commit()
    missing = Keys(**{field: tmp_path / "none"})
    with pytest.raises(Refused) as refused, open_verifier(GitRepository(repository.path).git, missing):
        pass
    assert refused.value.code == "POL021"


def test_without_gpg_a_keyring_is_an_error_that_says_so(
    repository: WrittenRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit()
    git = GitRepository(repository.path).git
    (tmp_path / "keys.gpg").write_bytes(b"x")
    with (
        pytest.raises(Refused, match="cannot read keys"),
        open_verifier(git, Keys(None, tmp_path / "keys.gpg")),
    ):
        pass
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="install gnupg"), open_verifier(git, Keys(None, tmp_path / "keys.gpg")):
        pass
