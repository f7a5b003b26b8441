"""The bytes behind the names in a plan: build contexts, files from git, secret values."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.cli.configs import Configs, read_entries
from reconciler.cli.images import KnownImage
from reconciler.clients import OpenRegistry, Prepared
from reconciler.desired import DesiredImage
from reconciler.provider import BuildRequest, FileEntry, ProviderError, Refused, Tree, TreeFile
from reconciler.resolve import secrets_digest
from reconciler.secrets import SecretStore, SecretUnreadable, variable_name
from specs.context import context_tar
from specs.dockerfile import pin
from specs.inputs import Inputs, input_document
from specs.manifest import ManifestEntry
from specs.reference import Digest, ImageRef


@dataclass(slots=True)
class CommitStock:
    """What one commit holds, and the secrets of one owner. Implements ``reconciler.clients.Stock``."""

    tree: Tree
    files: Sequence[TreeFile] = field(repr=False)
    images: Mapping[str, KnownImage]
    configs: Configs
    secret_store: SecretStore
    open_registry: OpenRegistry
    locks: Mapping[str, Digest] = field(default_factory=dict)
    """What the lock says of references as written: it decides wherever it has an entry."""
    elsewhere: dict[str, tuple[Configs, Tree, Sequence[TreeFile]]] = field(default_factory=dict, repr=False)
    """Files of services that are read at another commit, by digest."""
    _bases: dict[str, Digest] = field(default_factory=dict)
    """Bases resolved already: two images of one run are built on the same bytes."""

    async def build_request(self, image: DesiredImage, parents: Mapping[str, ImageRef]) -> Prepared:
        """The request with every base written as a digest. Raises ProviderError or Refused."""
        known = self.images[image.name]
        bases = {text: await self._resolve(text, known) for text in known.inputs.bases}
        pinned = {text: ImageRef.parse(text).with_digest(digest) for text, digest in bases.items()}
        request = BuildRequest(
            key=image.key,
            push=image.ref,
            dockerfile=pin(known.inputs.dockerfile, known.inputs.uses, pinned),
            context=lambda: self._context(known),
            target=known.build.target,
            args=known.build.args,
            platforms=known.build.platforms,
            contexts={name: parents[use.image] for name, use in known.build.contexts.items()},
            secrets=self.secrets(known.build.secrets),
        )
        return Prepared(request, self._document(known, bases))

    async def entries(self, digest: str) -> Sequence[FileEntry]:
        """The files of a Config. Raises Refused when they are not in this commit."""
        configs, tree, files = self.elsewhere.get(digest, (self.configs, self.tree, self.files))
        if digest not in configs.lines:
            seen = "the files are not in this commit"
            raise Refused("SRC001", f"files {digest[:12]}", seen, "files of the commit that is applied")
        return await asyncio.to_thread(read_entries, configs, digest, tree, files)

    def secrets(self, names: Sequence[str], digest: str = "") -> Mapping[str, str]:
        """The values by name. Raises Refused for one that has none, and for values that are others than those
        behind ``digest``: an instance must never say that it has a value that it has not."""
        try:
            found = self.secret_store.values(names)
        except SecretUnreadable as error:
            raise Refused("SEC001", error.where, error.reason, "a readable value") from None
        for name in names:
            if name not in found:
                owner = self.secret_store.owner
                remedy = (
                    f"write {self.secret_store.folder}/{owner}/{name}, or set {variable_name(owner, name)}"
                )
                raise Refused("SEC002", f"secret {name}", "it has no value here", "a value", remedy)
        digests = {name: self.secret_store.digest_value(name, value) for name, value in found.items()}
        if digest and secrets_digest(names, digests) != digest:
            seen = "the value is another than the one that this version was planned with"
            remedy = "run apply again; to go back to a version before, put its value back first"
            raise Refused("SEC003", f"secret {', '.join(names)}", seen, "the same value", remedy)
        return found

    async def _resolve(self, text: str, known: KnownImage) -> Digest:
        """The digest of a base, asked once."""
        ref = ImageRef.parse(text)
        if ref.digest:
            return ref.digest
        if text in self.locks:
            return self.locks[text]
        if text not in self._bases:
            asked = ref if ref.tag else ref.with_tag("latest")
            registry = await self.open_registry(asked)
            digest = await registry.digest(asked)
            if digest is None:
                where = f"Image {known.desired.name}"
                remedy = "correct FROM, or push the base"
                raise Refused("SRC003", where, f"its base {text} is not in its registry", "an image", remedy)
            self._bases[text] = digest
        return self._bases[text]

    def _document(self, known: KnownImage, bases: Mapping[str, Digest]) -> bytes:
        inputs = known.inputs
        return input_document(
            Inputs(
                inputs.dockerfile, inputs.manifest, known.build, known.build.args, bases, known.context_keys
            )
        )

    def _context(self, known: KnownImage) -> Iterator[bytes]:
        folder = known.inputs.manifest.folder
        prefix = "" if folder == "." else f"{folder}/"
        by_path = {file.path: file for file in self.files}

        def read(entries: Sequence[ManifestEntry]) -> Mapping[str, bytes]:
            found = self.tree.read([by_path[prefix + entry.path] for entry in entries])
            return {path.removeprefix(prefix): content for path, content in found.items()}

        try:
            yield from context_tar(known.inputs.manifest, read)
        except KeyError as error:
            raise ProviderError(
                "SRC002", f"Image {known.desired.name}", f"{error} has gone meanwhile"
            ) from None
