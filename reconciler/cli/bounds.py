"""Holds what documents say to the bounds of their Run entry (contracts, section 9)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import REFUSED
from reconciler.cli.reach import endpoint_variable
from specs.allow import EVERY, LISTS, Allowed
from specs.effective import Effective
from specs.environment import Environment
from specs.problem import Problem
from specs.proxy import EDGE
from specs.reference import ImageRef
from specs.registry import Login, Registry
from specs.run_bounds import Bounds, RegistryBound, place_of
from specs.run_repository import RunRepository


@dataclass(frozen=True, slots=True)
class _Excess:
    """Something that no bound grants: what is seen, the bound, and the line to write for it."""

    seen: str
    bound: str
    line: str


@dataclass(frozen=True, slots=True)
class BoundsCheck:
    """The bounds of one entry, for each commit of its environments."""

    entry: RunRepository
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def admit(self, found: Effective) -> Effective:
        """What the entry lets through, with the engine reached as the entry says. Raises Stop with a problem
        for everything that goes beyond."""
        problems = self.exceeded(found)
        if problems:
            raise Stop(REFUSED, problems)
        environment = self._reached(found.environment_name, found.environment)
        return replace(found, environment=environment)

    def place(self, environment_name: str, environment: Environment) -> Environment:
        """The same of an Environment alone: whose it is and where it runs. Raises Stop."""
        excesses = [] if self.entry.bounds == "any" else self._misplaced(environment_name, environment)
        if excesses:
            raise Stop(REFUSED, tuple(self._problem(environment_name, excess) for excess in excesses))
        return self._reached(environment_name, environment)

    def exceeded(self, found: Effective) -> tuple[Problem, ...]:
        """A problem for everything that the entry does not grant; none with ``bounds: any``."""
        bounds, name = self.entry.bounds, found.environment_name
        if bounds == "any":
            return ()
        excesses = self._misplaced(name, found.environment)
        if not any(excess.bound == "project" for excess in excesses):
            excesses += _contents(found, bounds)
        return tuple(self._problem(name, excess) for excess in excesses)

    def _problem(self, environment_name: str, excess: _Excess) -> Problem:
        return failure(
            "POL010",
            f"Environment {environment_name}",
            excess.seen,
            f"what bounds.{excess.bound} of repository {self.entry.name} grants",
            f"to grant it, write into the Run file: bounds: {{{excess.line}}}",
        )

    def _reached(self, environment_name: str, environment: Environment) -> Environment:
        endpoint = self.entry.endpoints.get(environment_name)
        if endpoint is None:
            return environment
        runtime = environment.runtime.model_copy(update={"endpoint": endpoint})
        return environment.model_copy(update={"runtime": runtime})

    def _misplaced(self, environment_name: str, environment: Environment) -> list[_Excess]:
        bounds, project = self.entry.bounds, environment.project
        if bounds == "any":
            return []
        if project != (bounds.project or self.entry.name):
            # everything else would be told of another project's environment
            return [_Excess(f"it is of project {project}", "project", f"project: {project}")]
        return list(self._endpoint(environment_name, environment, bounds))

    def _endpoint(self, environment_name: str, environment: Environment, bounds: Bounds) -> Iterator[_Excess]:
        from providers.docker.endpoint import DEFAULT_SOCKET

        runtime, variable = environment.runtime, endpoint_variable(environment_name)
        given = self.environ.get(variable)
        endpoint = given or runtime.endpoint
        granted = (*bounds.endpoints, f"unix://{DEFAULT_SOCKET}")
        if not given and environment_name in self.entry.endpoints:
            endpoint = None  # the Run file itself says it
        if endpoint is not None and endpoint not in granted:
            origin = variable if given else "runtime.endpoint"
            shown = repr(endpoint)[1:-1][:200]
            yield _Excess(f"{origin} is {shown}", "endpoints", f'endpoints: ["{shown}"]')
        if runtime.builder is not None and runtime.builder not in bounds.builders:
            line = f"builders: [{runtime.builder}]"
            yield _Excess(f"it builds with {runtime.builder}", "builders", line)


def _contents(found: Effective, bounds: Bounds) -> Iterator[_Excess]:
    for registry_name, registry in sorted(found.registries.items()):
        yield from _registry(registry_name, registry, bounds)
    yield from _allow(found.environment.allow, bounds.allow)
    yield from _routes(found, bounds)
    networks = [("network", n, r.name, r.external) for n, r in sorted(found.networks.items())]
    volumes = [("volume", n, r.name, r.external) for n, r in sorted(found.volumes.items())]
    for kind, name, object_name, is_external in (*networks, *volumes):
        if is_external and (object_name or name) not in bounds.external:
            line = f"external: [{object_name or name}]"
            yield _Excess(f"it uses {kind} {object_name or name} of others", "external", line)


def _registry(registry_name: str, registry: Registry, bounds: Bounds) -> Iterator[_Excess]:
    if registry.provider == "local" or registry.url is None:
        return
    host = ImageRef.parse(f"{registry.url.removeprefix('https://').rstrip('/')}/x").host
    granted = bounds.registries.get(host)
    auth = registry.auth
    secret_name = auth.password.secret if isinstance(auth, Login) else ""
    line = f"registries: {{{_quoted(host)}: {_grant(secret_name, auth == 'docker')}}}"
    if granted is None:
        yield _Excess(f"Registry {registry_name} is on {host}", "registries", line)
        granted = RegistryBound()
    if secret_name and secret_name not in granted.secrets:
        yield _Excess(f"{host} would be sent secret {secret_name}", "registries", line)
    if auth == "docker" and not granted.docker:
        yield _Excess(f"{host} would be sent this machine's docker login", "registries", line)


def _routes(found: Effective, bounds: Bounds) -> Iterator[_Excess]:
    """Who answers for a host name is who gets its requests, and the certificate for it."""
    for name, service in sorted(found.services.items()):
        for host in service.route.all_hosts if service.route is not None else ():
            if not bounds.grants_host(host):
                yield _Excess(f"service {name} is routed at {host}", "hosts", f'hosts: ["{host}"]')
    proxy = found.environment.proxy
    published = [proxy.http, *([] if proxy.https == "none" else [proxy.https])]
    for port in published if EDGE in found.services else ():
        if not bounds.grants_listen(proxy.address, port):
            line = place_of(proxy.address, port)
            seen = f"its proxy listens on port {port} of {proxy.address or 'every address'}"
            yield _Excess(seen, "listen", f'listen: ["{line}"]')


def _grant(secret_name: str, docker: bool) -> str:
    words = ([f"secrets: [{secret_name}]"] if secret_name else []) + (["docker: true"] if docker else [])
    return f"{{{', '.join(words)}}}"


def _quoted(host: str) -> str:
    return f'"{host}"' if ":" in host else host


def _allow(wanted: Allowed, granted: Allowed) -> Iterator[_Excess]:
    for path in wanted.host_mounts:
        if path not in granted.host_mounts:
            yield _Excess(f"it allows host path {path}", "allow", f'allow: {{host_mounts: ["{path}"]}}')
    given = {("privileged", ""): wanted.privileged}
    for word in LISTS:
        values: Mapping[str, tuple[str, ...]] = getattr(wanted, word)
        given |= {(word, value): names for value, names in values.items()}
    for (word, value), names in given.items():
        lacking = [name for name in names if not granted.grants(word, value, name)]
        if lacking:
            services = ", ".join(f'"{n}"' if n == EVERY else n for n in lacking)
            line = f"{word}: [{services}]" if word == "privileged" else f'{word}: {{"{value}": [{services}]}}'
            seen = f"it allows {word} {value}".strip()
            yield _Excess(f"{seen} for {services}", "allow", f"allow: {{{line}}}")
