"""Whether an entry of a Release says what its commit says: offline, for what people write by hand.

What the commit does not decide is for others: whether the digest is there, a registry; who may pin, gates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.cli.envelope import Stop
from reconciler.cli.images import KnownImage, know_images
from reconciler.cli.source import Source
from reconciler.ownership import Owner
from specs.check_service import is_image_name
from specs.effective import Effective, effective
from specs.environment import Environment
from specs.image import Image
from specs.problem import Place, Problem
from specs.proxy import PROXIES
from specs.release import ReleasedImage, ReleasedService
from specs.spec_set import SpecSet

_FETCH = "git fetch --unshallow --tags, or fetch what is missing"


@dataclass(eq=False)
class _Unfit(Exception):
    """Why an entry cannot be compared with its commit: code, what was seen, what to do."""

    code: str
    seen: str
    remedy: str = ""
    expected: str = ""
    path: tuple[str, ...] = ()


@dataclass(slots=True)
class EntryChecks:
    """The entries of one environment, checked; each commit is read once. Blocking."""

    source: Source
    environment_name: str
    _read: dict[tuple[str, str], tuple[Source, Effective]] = field(default_factory=dict)
    _known: dict[tuple[str, str, str], Mapping[str, KnownImage]] = field(default_factory=dict)

    def problems(self) -> list[Problem]:
        """Everything that is wrong with the Release of the environment, at the place of the value. Raises
        ProviderError."""
        entries = self.source.specs.released(self.environment_name)
        return [problem for name, entry in sorted(entries.items()) for problem in self.check(name, entry)]

    def check(self, service_name: str, entry: ReleasedService) -> list[Problem]:
        """What is wrong with one entry; a warning where this clone cannot tell. Raises ProviderError."""
        if service_name in PROXIES:
            return []
        try:
            self._check_history(entry)
            then, specs = self._at(entry)
            self._check_service(service_name, entry, then, specs)
        except _Unfit as unfit:
            return [self._problem(service_name, unfit)]
        return []

    def _check_history(self, entry: ReleasedService) -> None:
        tip = self.source.commit.removesuffix("-dirty")
        is_held = self.source.repository.is_in_history(tip, entry.commit)
        commit = entry.commit[:12]
        if is_held is None:
            seen = f"commit {commit} is not in this clone, which is cut off: it was not checked"
            raise _Unfit("CLI102", seen, _FETCH, path=("commit",))
        if not is_held:
            seen, expected = f"commit {commit} is in no history here", "a commit of this branch, or of a tag"
            raise _Unfit("CLI101", seen, "promote a commit that was merged, or tag it", expected, ("commit",))

    def _at(self, entry: ReleasedService) -> tuple[Source, Effective]:
        """The specs of its commit, as the environment has them that builds. Raises _Unfit, ProviderError."""
        key = (entry.commit, entry.path)
        if key not in self._read:
            try:
                then = self.source.at(entry.commit, entry.path)
            except Stop as stop:
                raise self._unreadable(entry, str(stop.problems[0])) from None
            self._read[key] = then, self._effective(entry, then)
        return self._read[key]

    def _effective(self, entry: ReleasedService, then: Source) -> Effective:
        builder = self._builder()
        mine = ("Environment", builder)
        documents = {mine: self.source.specs.documents[mine], **then.specs.documents}
        specs, problems = effective(
            SpecSet(then.path, documents),
            builder,
            file_paths={file.path for file in then.files},
            read_file=then.read_file,
        )
        if specs is None:
            wrong = next(problem for problem in problems if problem.severity == "error")
            raise self._unreadable(entry, str(wrong))
        return specs

    def _builder(self) -> str:
        """The environment that built what is followed: the one that follows no other."""
        name, environments = self.environment_name, self.source.specs.environments
        for _ in environments:
            environment: Environment | None = environments.get(name)
            if environment is None or environment.follows not in environments:
                break
            name = environment.follows
        return name

    def _unreadable(self, entry: ReleasedService, reason: str) -> _Unfit:
        return _Unfit("CLI103", f"it cannot be read at {entry.commit[:12]}: {reason}", path=("commit",))

    def _check_service(self, name: str, entry: ReleasedService, then: Source, specs: Effective) -> None:
        service = specs.services.get(name)
        if service is None:
            seen = f"there is no such service at {entry.commit[:12]}"
            raise _Unfit("CLI103", seen, "pin a commit that has it, or remove the entry", path=("commit",))
        released = entry.images.get(service.image)
        if released is None:
            expected = f"{service.image}, as the service has it at {entry.commit[:12]}"
            raise _Unfit("CLI100", "it names another image", "promote it again", expected, ("images",))
        if is_image_name(service.image):
            self._check_ours(service.image, released, entry, then, specs)
        else:
            self._check_outside(service.image, released, entry, then)

    def _check_ours(
        self, image: str, released: ReleasedImage, entry: ReleasedService, then: Source, specs: Effective
    ) -> None:
        at, path = entry.commit[:12], ("images", image)
        repository = specs.images[image].repository
        if released.repository != repository:
            expected = f"{repository}, as Image {image} has it at {at}"
            raise _Unfit("CLI100", "it names another repository", "promote it again", expected, path)
        key = self._key(image, entry, then, specs)
        if released.input != key:
            seen = "its input key is not that of the commit: this image was not built from it"
            raise _Unfit("CLI104", seen, "promote it again", f"{key}, as {at} gives it", path)

    def _key(self, image: str, entry: ReleasedService, then: Source, specs: Effective) -> str:
        key = (entry.commit, entry.path, image)
        if key not in self._known:
            owner = Owner(specs.environment.project, specs.environment_name)
            needed = replace(specs, images=_needed(specs, image))
            self._known[key] = know_images(owner, then.tree, needed, then.specs.locks)
        return self._known[key][image].desired.key

    def _check_outside(
        self, image: str, released: ReleasedImage, entry: ReleasedService, then: Source
    ) -> None:
        at, path = entry.commit[:12], ("images", image)
        if released.reference != image:
            raise _Unfit("CLI100", "it names another reference", "promote it again", image, path)
        locked = then.specs.locks.get(image)
        if locked is not None and str(locked) != released.digest:
            seen, expected = "its digest is not that of the lock", f"{locked}, as the lock has it at {at}"
            raise _Unfit("CLI104", seen, "promote it again", expected, path)

    def _problem(self, service_name: str, unfit: _Unfit) -> Problem:
        place = self._place(service_name, unfit.path)
        return Problem(
            unfit.code,
            "warning" if unfit.code == "CLI102" else "error",
            *(place[:3] if place else (None, None, None)),
            f"Release {self.environment_name}, service {service_name}",
            unfit.seen,
            unfit.expected,
            unfit.remedy,
        )

    def _place(self, service_name: str, path: tuple[str, ...]) -> Place | None:
        written = self.source.specs.documents.get(("Release", self.environment_name))
        return written.place_of("services", service_name, *path) if written else None


def _needed(specs: Effective, image: str) -> Mapping[str, Image]:
    """An Image and those that it builds on."""
    needed: dict[str, Image] = {}
    wanted = [image]
    while wanted:
        name = wanted.pop()
        if name in specs.images and name not in needed:
            needed[name] = specs.images[name]
            wanted += [use.image for use in needed[name].build.contexts.values()]
    return needed
