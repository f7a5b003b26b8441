"""Everything that a verb about one environment works with, put together from the commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.alike import Alike
from reconciler.cli.arguments_loop import FOREVER
from reconciler.cli.configs import know_configs
from reconciler.cli.envelope import Stop, warning
from reconciler.cli.exits import ERROR
from reconciler.cli.followed import read_followed
from reconciler.cli.forge_reader import ForgeReader
from reconciler.cli.images import KnownImage, know_images
from reconciler.cli.late_proxies import proxies_of
from reconciler.cli.marked import as_marked
from reconciler.cli.options import Options
from reconciler.cli.own_container import own_container_ids
from reconciler.cli.pins import Entries, Pins, read_pins
from reconciler.cli.reach import Reach
from reconciler.cli.records import record_place
from reconciler.cli.registries import Registries
from reconciler.cli.secret_digests import all_secret_names, digests_of, unread_digests
from reconciler.cli.selection import select_services
from reconciler.cli.source import Source, check_worktree, is_url, open_source
from reconciler.cli.stock import CommitStock
from reconciler.clients import Clients, Readers
from reconciler.desired import Desired, Policy
from reconciler.observed import Observed
from reconciler.ownership import Owner
from reconciler.pin_claim import PinClaim, RemovalClaim
from reconciler.provider import Builder, Login, Runtime
from reconciler.reading import reading
from reconciler.resolve import Findings, resolve
from reconciler.routing import certificate_secrets
from reconciler.secrets import SecretStore, secrets_folder
from specs.effective import Effective, effective
from specs.problem import Problem, has_errors
from specs.proxy import PROXIES
from specs.run_signatures import Signatures

OpenRuntime = Callable[[Reach], Runtime]
OpenBuilder = Callable[[Reach, Mapping[str, Login]], Builder]
NOTHING_MARKED: Entries = {}
Admit = Callable[[Effective], Effective]
"""What may go on, before any secret is read and anything is reached. Raises Stop."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """One environment of one commit: what is desired, and what the clients need of it."""

    options: Options
    source: Source
    effective: Effective
    desired: Desired
    images: Mapping[str, KnownImage]
    stock: CommitStock
    registries: Registries
    problems: tuple[Problem, ...] = ()
    admit: Admit = lambda found: found
    marked: Entries = field(default_factory=dict)
    """What markers ``rollback`` said when it was put together."""
    signatures: Signatures | None = None
    """Whose keys count, where a Run file says it."""
    is_proposed: bool = False
    """Its pins are in no commit yet: who proposes them judges them."""
    reader: ForgeReader | None = None
    """The forge that knows of reviews, where a Run file names it."""
    claims: dict[str, PinClaim] = field(default_factory=dict, repr=False)
    removals: dict[str, RemovalClaim] = field(default_factory=dict, repr=False)
    """What is known of pins and of what takes services away, as it was asked."""
    asked: dict[str, float] = field(default_factory=dict, repr=False)
    """When: what could not be told is asked for again."""
    remembered: dict[str, tuple[Desired, tuple[Problem, ...]]] = field(default_factory=dict, repr=False)
    """What is desired as such markers say: reading another commit is done once."""

    @property
    def owner(self) -> Owner:
        """Whose objects these are."""
        return self.desired.owner

    def clients(self, open_runtime: OpenRuntime, open_builder: OpenBuilder) -> Clients:
        """The clients of this environment; nothing is connected before the first call."""
        reach = self._reach()
        runtime = open_runtime(reach)
        return Clients(
            runtime=runtime,
            registry=self.registries.open,
            login=self.registries.login,
            builder=open_builder(reach, self.registries.logins()) if self.images else None,
            stock=self.stock,
            place=reach.place(),
            proxies=proxies_of(runtime),
            ourselves=own_container_ids(),
        )

    def readers(self, open_runtime: OpenRuntime) -> Readers:
        """The same for verbs that change nothing: without builder, logins and secret values, and nothing of
        it can write."""
        reach = self._reach()
        runtime = open_runtime(reach)
        readers = Readers(
            runtime, self.registries.open, reach.place(), proxies_of(runtime), own_container_ids()
        )
        return reading(readers)

    def alike(self) -> Alike:
        """What another commit of this environment can take from it."""
        return Alike(self.effective, self.desired, self.stock.configs.digests)

    def _reach(self) -> Reach:
        spec, personal = self.effective.environment.runtime, self.options.verb != "run"
        return Reach(self.owner.environment, spec, self.registries.secrets, personal=personal)

    def meet(self, observed: Observed) -> Desired:
        """What is desired, knowing what lives: how the commits that live are related to this one, and which
        services outside of the ``--service`` selection must be left alone. Raises ProviderError."""
        current, _ = as_marked(self, observed.markers)
        commits = {instance.commit for instance in observed.instances}
        lineage = self.source.lineage(sorted(commits))
        excluded = current.excluded
        if current.following is not None:
            kept = {*current.services, *current.following.removed, *PROXIES}
            excluded = excluded | ({instance.service_name for instance in observed.instances} - kept)
        if self.options.services:
            live = {instance.service_name for instance in observed.instances}
            excluded = excluded | (live - set(self.options.services))
        found = replace(current, lineage=lineage, excluded=excluded)
        if found.following is None:
            return found
        from reconciler.cli.claims import with_claims  # gates, and who is asked about them

        return with_claims(self, found, observed)

    def told(self, observed: Observed) -> tuple[Problem, ...]:
        """What is to be said of it, in the light of what lives."""
        return (*self.problems, *as_marked(self, observed.markers)[1])


def open_workspace(options: Options) -> Workspace:
    """Read the commit, or the working tree, and resolve one environment. Raises Stop, ProviderError."""
    return read_workspace(options, open_source(options))


def read_workspace(
    options: Options,
    source: Source,
    admit: Admit = lambda found: found,
    marked: Entries = NOTHING_MARKED,
    like: Workspace | None = None,
) -> Workspace:
    """Resolve one environment of what was read already, as markers ``rollback`` say. ``like``: the same of
    another commit, which changes how long this takes. Raises Stop, ProviderError."""
    pins = read_environment(options, source, marked)
    environment = pins.effective.environment
    if options.worktree:
        check_worktree(environment, options.environment)
    owner = Owner(environment.project, options.environment)
    pins = replace(pins, effective=admit(pins.effective))
    return replace(assemble(options, source, owner, pins, like), admit=admit, marked=marked)


def read_environment(options: Options, source: Source, marked: Entries) -> Pins:
    """The effective specs: of the commit itself, or of its pins. Raises Stop, ProviderError."""
    name = options.environment
    environment = source.specs.environments.get(name)
    if environment is not None and environment.follows is not None:
        return read_followed(Owner(environment.project, name), source, environment, marked)
    paths = {file.path for file in source.files}
    found, problems = effective(source.specs, name, file_paths=paths, read_file=source.read_file)
    if found is None:
        raise Stop(ERROR, (*source.problems, *problems), commit=source.commit)
    pins = read_pins(Owner(found.environment.project, name), source, found, marked)
    return replace(pins, problems=(*problems, *pins.problems))


def assemble(
    options: Options, source: Source, owner: Owner, pins: Pins, like: Workspace | None = None
) -> Workspace:
    """What is desired and what its clients need, of effective specs. Raises Stop, ProviderError."""
    found, problems = pins.effective, pins.problems
    folder = Path(options.secrets_folder) if options.secrets_folder else secrets_folder(os.environ)
    store = SecretStore(owner, folder)
    locks = source.specs.locks
    images = know_images(owner, source.tree, found, locks)
    configs = know_configs(pins.without_pinned, source.files)
    names = all_secret_names(found.services.values(), certificate_secrets(found.environment.proxy))
    digests, unread = digests_of(store, names) if options.base is None else (unread_digests(names), ())
    wanted = {name: known.desired for name, known in images.items()}
    pinned = {name: it.pin for name, it in pins.services.items()}
    alike = None if like is None or like.owner != owner else like.alike()
    findings = Findings(wanted, configs.digests, digests, locks, pinned, alike)
    desired, unresolved = resolve(owner, source.commit, found, findings, _policy(options, source, found), {})
    all_problems = (*source.problems, *problems, *configs.problems, *unresolved, *unread)
    if has_errors(list(all_problems)):
        raise Stop(ERROR, all_problems, owner, source.commit)
    registries = Registries(found.registries, store)
    stock = CommitStock(
        source.tree, source.files, images, configs, store, registries.open, locks, pins.elsewhere
    )
    desired = select_services(replace(desired, following=pins.following), options)
    uncommitted = _warn_of_files(source, found, images, options)
    return Workspace(
        options, source, found, desired, images, stock, registries, (*all_problems, *uncommitted)
    )


def _policy(options: Options, source: Source, found: Effective) -> Policy:
    return Policy(
        heal=found.environment.drift == "heal" or options.heal,
        prune_limit=found.environment.prune.limit,
        backwards=options.backwards,
        allow_prune=options.allow_prune,
        source=source.label if options.base is None else "",
        mode="worktree" if options.worktree else "live",
        allowed=found.environment.allow,
        by_hand=options.verb not in FOREVER,
        record=record_place(found),
    )


def _warn_of_files(
    source: Source, found: Effective, images: Mapping[str, KnownImage], options: Options
) -> tuple[Problem, ...]:
    """Changed files of build contexts and Configs that are not committed: the commit counts, and people
    forget."""
    if source.mode != "live" or options.ref is not None or is_url(options.repo):
        return ()
    if found.environment.follows is not None:
        return ()  # what is pinned is committed
    places = {known.inputs.manifest.folder for known in images.values()}
    places |= {config.file for config in found.configs.values() if config.file} | found.listed_files
    told = {problem.subject for problem in source.problems}
    changed = [path for path in source.repository.uncommitted(sorted(places)) if path not in told]
    if not changed:
        return ()
    shown = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
    return (warning("CLI002", shown, "changed and not committed: what is committed counts", "git commit"),)
