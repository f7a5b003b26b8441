"""Whether a commit may be taken after those that were accepted: it must contain them, and where the Run file
says whose commits count, every one since must be signed by somebody whom it names (contracts, section 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.envelope import failure, problem_of
from reconciler.cli.release_commits import ReleaseCommits, ReleaseKeys
from reconciler.cli.tracked import Tracked
from reconciler.fault import ProviderError
from reconciler.render import escape
from reconciler.repository import Kinship
from specs.problem import Problem
from specs.run_signatures import Signatures
from specs.semver import read_version

if TYPE_CHECKING:
    from providers.git.repository import GitRepository
    from providers.git.signatures import Keys, Unverified, Verifier
    from specs.run_repository import RunRepository

_LOOK_BACK = 100
_TOO_MUCH = "is signed by a loop, and changes more than Releases and the lock"


@dataclass(frozen=True, slots=True)
class Lineage:
    """From where on commits are judged: the commits that were accepted, all of which the next one contains;
    the tag by which the newest came. Empty: nothing was accepted yet."""

    commits: tuple[str, ...] = ()
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """The rules for one environment. Blocking: ask off the event loop."""

    repository: GitRepository
    environment_name: str
    signatures: Signatures | None
    pattern: str = "*"
    """Of the tags that are tracked."""
    signing_key: str | None = None
    """With which this loop signs: a file."""
    path: str = "specs"

    @classmethod
    def of(
        cls, entry: RunRepository, repository: GitRepository, environment_name: str, pattern: str = "*"
    ) -> Judge:
        """As an entry of a Run file says."""
        key = entry.push.signing_key if entry.push is not None else None
        return cls(repository, environment_name, entry.signatures, pattern, key, entry.path)

    def problems(self, tracked: Tracked, lineage: Lineage) -> tuple[Problem, ...]:
        """Why the commit may not be taken; nothing where it may. Never raises ProviderError."""
        before = lineage
        if not before.commits and self.signatures is not None and self.signatures.since is not None:
            before = Lineage((self.signatures.since,))
        try:
            return self._moved(tracked, before) or self._unsigned(tracked, before)
        except ProviderError as error:
            return (problem_of(error),)

    def newest_signed(self, tip: str) -> str | None:
        """The newest of the last hundred commits before ``tip``, along first parents, that is signed itself;
        None without one. Raises ProviderError."""
        if self.signatures is None:
            return None
        from providers.git.signatures import open_verifier

        git = self.repository.git
        line = ("rev-list", "--first-parent", f"--max-count={_LOOK_BACK}", tip)
        with open_verifier(git, self._keys(self.signatures)) as verifier:
            commits = git.read(*line).text.split()
            return next((c for c in commits if verifier.first_unverified([c]) is None), None)

    def _moved(self, tracked: Tracked, before: Lineage) -> tuple[Problem, ...]:
        if tracked.tag is not None and before.tag is not None:
            moved = self._tag_moved(tracked, before)
            if moved:
                return (moved,)
        kin = self.repository.lineage(tracked.commit, before.commits)
        for commit in before.commits:
            problem = self._related(tracked, commit, kin[commit], by_tag=before.tag is not None)
            if problem is not None:
                return (problem,)
        return ()

    def _related(self, tracked: Tracked, commit: str, kin: Kinship, by_tag: bool) -> Problem | None:
        if kin in (Kinship.SAME, Kinship.ANCESTOR):
            return None
        if kin is Kinship.CANNOT_TELL:
            seen = f"{commit[:12]}, which was accepted, is not in the clone: cannot tell what became of it"
            return self._held("POL032", tracked, seen, "push it again")
        if tracked.tag is not None:
            # Versions of two lines of development follow one another, but never those of two repositories.
            if kin is Kinship.UNRELATED and self.repository.merge_base(tracked.commit, commit):
                return None
            if kin is Kinship.DESCENDANT and by_tag:
                return None
        if kin is Kinship.DESCENDANT:
            seen = f"it moved back to {tracked.commit[:12]}, which comes before {commit[:12]}"
            return self._held("POL030", tracked, seen, "push the newer commits again, or git revert")
        seen = f"it was rewritten: {tracked.commit[:12]} does not contain {commit[:12]}"
        return self._held("POL031", tracked, seen, "push the lost commits again")

    def _tag_moved(self, tracked: Tracked, before: Lineage) -> Problem | None:
        tag, accepted = tracked.tag, before.tag or ""
        if tag is None:
            return None
        if tag.name == accepted and tracked.commit not in before.commits:
            seen = f"tag {accepted} was moved to {tracked.commit[:12]}"
            return self._held("POL031", tracked, seen, "tag a new version")
        last, now = read_version(accepted, self.pattern), read_version(tag.name, self.pattern)
        if last is not None and now is not None and now < last:
            seen = f"version {accepted} has gone, and {tag.name} would come after it"
            return self._held("POL030", tracked, seen, f"push {accepted} again, or tag a higher version")
        return None

    def _held(self, code: str, tracked: Tracked, seen: str, remedy: str) -> Problem:
        name = self.environment_name
        return failure(
            code,
            f"Environment {name}, {tracked.ref or tracked.commit[:12]}",
            seen,
            "a commit that comes after the last accepted one",
            f"{remedy}; or accept it, from a clone at that commit: reconciler adopt {name}",
        )

    def _unsigned(self, tracked: Tracked, before: Lineage) -> tuple[Problem, ...]:
        policy = self.signatures
        if policy is None or tracked.commit in before.commits:
            return ()
        from providers.git.signatures import commits_since, open_verifier

        git = self.repository.git
        with open_verifier(git, self._keys(policy)) as verifier:
            if tracked.tag is not None and verifier.is_signed(tracked.tag):
                return ()
            commits = commits_since(git, tracked.commit, before.commits)
            found = self._first_bad(policy, verifier, commits)
        if found is None:
            return ()
        seen = f"commit {found.commit} by {escape(found.author, 200)} {found.reason}"
        expected = "a signature that the Run file's keys verify, on every commit since the last accepted one"
        subject = f"Environment {self.environment_name}, {tracked.ref or tracked.commit[:12]}"
        remedy = "sign it again and push, or add the key where its signer may deploy"
        return (failure("POL020", subject, seen, expected, remedy),)

    def _first_bad(
        self, signatures: Signatures, verifier: Verifier, commits: Sequence[str]
    ) -> Unverified | None:
        """The first commit that counts neither by the signature of a person nor by that of a loop."""
        bad = verifier.unverified(commits)
        keys = self._release_keys(signatures)
        if not keys.is_any:
            commit = next(bad, None)
            return None if commit is None else verifier.describe(commit)
        with keys.open_verifier(self.repository) as loops:
            small = ReleaseCommits(self.repository, loops, self.path)
            commit = next((commit for commit in bad if not small.counts(commit)), None)
            if commit is None:
                return None
            found = verifier.describe(commit)
            return replace(found, reason=_TOO_MUCH) if loops.verifies(commit) else found

    def _release_keys(self, signatures: Signatures) -> ReleaseKeys:
        files = (signatures.release_signers, self.signing_key)
        return ReleaseKeys(*(Path(file) if file else None for file in files))

    def _keys(self, signatures: Signatures) -> Keys:
        from providers.git.signatures import Keys

        files = (signatures.allowed_signers, signatures.gpg_keys)
        without = self._release_keys(signatures).public()
        return Keys(*(Path(file) if file else None for file in files), without=without)
