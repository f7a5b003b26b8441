"""A commit of a plan case: spec documents as text, through the front door, to what is desired."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.desired import Desired, DesiredImage, DesiredService, Generation, Kinship, Policy
from reconciler.files import ConfigDigest, FilesKey, files_digest, files_keys, lay_out
from reconciler.ownership import Owner
from reconciler.resolve import Findings, image_repository, resolve
from specs.effective import Effective, effective
from specs.load import SpecFile, load
from specs.problem import has_errors
from specs.reference import Digest, ImageRef

OWNER = Owner("shop", "dev")
SOURCE = "git.test/shop#1234#specs"
STOCK = {
    ("Environment", "dev"): "spec: {project: shop}",
    ("Registry", "main"): "spec: {url: registry.test}",
    ("Image", "web"): "spec: {registry: main, repository: web, build: {}}",
}
"""Documents that a case need not write."""


@dataclass(frozen=True)
class Commit:
    """One commit: its documents, the version of each Image's inputs, the value of each secret (None: it has
    none here), images that cannot be built, and tags that the lock file maps to the digest of a word."""

    name: str
    specs: str = ""
    images: Mapping[str, object] = field(default_factory=dict)
    secrets: Mapping[str, str | None] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    """Image name or reference -> another word that its digest is made of: two keys, the same bytes."""
    locks: Mapping[str, str] = field(default_factory=dict)
    """Reference -> the word that the digest is made of to which the lock maps it."""

    @property
    def id(self) -> str:
        """Its commit id."""
        return hashlib.sha1(self.name.encode(), usedforsecurity=False).hexdigest()

    def resolve(self, policy: Mapping[str, object], lineage: Mapping[str, Kinship]) -> Desired:
        """What it says of the environment dev. AssertionError with every problem of the documents."""
        found = self._effective()
        images = {name: self._image(name, found) for name in found.images}
        locks = {text: digest_of(word) for text, word in self.locks.items()}
        findings = Findings(images, _configs(found), self._secret_digests(), locks)
        allowed = Policy(
            heal=found.environment.drift == "heal",
            prune_limit=found.environment.prune.limit,
            source=SOURCE,
        )
        allowed = replace(allowed, **policy)  # type: ignore[arg-type] # the words of the case, checked there
        desired, problems = resolve(OWNER, self.id, found, findings, allowed, lineage)
        assert not problems, [str(problem) for problem in problems]
        return desired

    def digest(self, service: DesiredService) -> Digest:
        """The digest of the service's image, built or pulled."""
        named = service.image.image_name or service.image.input
        return service.image.locked or digest_of(self.digests.get(named, service.image.input))

    def generation(self, service: DesiredService) -> Generation:
        """What makes two of its instances the same."""
        return Generation(service.form.fingerprint, service.secrets_digest, str(self.digest(service)))

    def _effective(self) -> Effective:
        documents = [f"apiVersion: reconciler/v1\n{part.strip()}\n" for part in self.specs.split("---\n")]
        documents = [text for text in documents if "kind:" in text]
        for (kind, name), spec in STOCK.items():
            head = f"kind: {kind}\nmetadata: {{name: {name}}}\n"
            if not any(head in text for text in documents):
                documents.append(f"apiVersion: reconciler/v1\n{head}{spec}\n")
        written, problems = load([SpecFile("specs/a.yaml", "---\n".join(documents).encode())])
        assert not has_errors(problems), [str(problem) for problem in problems]
        found, problems = effective(written, "dev")
        assert found is not None, [str(problem) for problem in problems]
        return found

    def _image(self, name: str, found: Effective) -> DesiredImage:
        image = found.images[name]
        registry = found.registries[image.registry]
        document = f"{name} {self.images.get(name, 1)}".encode()
        key = f"in-{hashlib.sha256(document).hexdigest()[:32]}"
        ref = image_repository(OWNER, registry, image.repository).with_tag(key)
        parents = tuple(sorted(context.image for context in image.build.contexts.values()))
        is_local = registry.provider == "local"
        return DesiredImage(
            name, key, ref, document, image.registry, parents, (), self.problems.get(name), is_local
        )

    def _secret_digests(self) -> dict[str, str | None]:
        return {
            name: None if value is None else f"s1:{hashlib.sha256(value.encode()).hexdigest()}"
            for name, value in self.secrets.items()
        }


def digest_of(word: str) -> Digest:
    """A digest made of a word."""
    return Digest.parse(f"sha256:{hashlib.sha256(word.encode()).hexdigest()}")


def image_of(commit: Commit, service: DesiredService) -> ImageRef:
    """The image of the service by digest."""
    return service.image.ref.with_digest(commit.digest(service))


def _configs(found: Effective) -> dict[FilesKey, ConfigDigest]:
    digests = {}
    for key in files_keys(found.services.values()):
        lines, file = lay_out(key, found.configs[key.config_name], ())
        digests[key] = ConfigDigest(files_digest(lines), file)
    return digests
