"""How requests reach a service: the word ``route`` of a Service. Times are seconds."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from specs.model import Duration, Model, PortNumber, Size, Text


def _host_alone(host: object) -> object:
    """Raises ValueError for what people write beside a host name."""
    if not isinstance(host, str):
        return host
    if not host.isascii():
        raise ValueError("expected a host name in ASCII, others as punycode: xn--bcher-kva.example")
    if "/" in host or ":" in host:
        raise ValueError("expected a host name alone, without scheme, port and path")
    if host != host.lower():
        raise ValueError("expected a host name in lower case")
    return host


ROUTE_HOST: Final = r"^(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$"
RouteHost = Annotated[
    str,
    StringConstraints(pattern=ROUTE_HOST, max_length=253),
    BeforeValidator(_host_alone),
]
"""A host name in lower case, or ``*.`` and one."""
RoutePath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~!$&'()+,;=:@%/-]*$", max_length=1024)]
"""A path, without a question mark."""


def _start_of_paths(path: str) -> str:
    """Raises ValueError for a start that would not be compared segment by segment."""
    if path != "/" and (path.endswith("/") or "//" in path or "%2F" in path.upper()):
        raise ValueError("expected a path without a slash at its end, such as /api")
    return path


PathStart = Annotated[RoutePath, AfterValidator(_start_of_paths)]
"""The start of a request's path: ``/api`` is ``/api`` and everything below it, and not ``/apis``."""
RequestPath = Annotated[
    str, StringConstraints(pattern=r"^/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*$", max_length=2048)
]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'+.^_`|~-]{1,128}$")]
"""A token of RFC 9110, section 5.6.2, without ``*``, which a proxy would read as a pattern."""
HeaderValue = Annotated[Text, StringConstraints(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f{}]*$", max_length=4096)]
"""Braces would be read as placeholders, which can name files and variables of the proxy."""
Target = Annotated[str, StringConstraints(pattern=r"^(https?://|/)[^\x00-\x20\x7f{}]*$", max_length=2048)]


class Ready(Model):
    """What an instance must answer, through the proxy, before it gets traffic."""

    http: RequestPath | None = Field(default=None, description="A path that answers 2xx or 3xx.")
    tcp: bool = Field(default=False, description="The port answers at all.")
    successes: Annotated[int, Field(ge=1, le=100)] = Field(default=2, description="In a row.")
    interval: Duration = Field(default=0.5, description="Time between two questions.")
    timeout: Duration = Field(default=2.0, description="Time for one answer.")
    healthy_for: Duration = Field(default=1.0, description="How long it must have answered well, at least.")

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if self.tcp and self.http is not None:
            raise ValueError("expected http or tcp, not both")
        if not 0.1 <= self.interval <= 60 or not 0.1 <= self.timeout <= 60:
            raise ValueError("expected an interval and a timeout between 100ms and 1m")
        return self


class HeaderRules(Model):
    """What becomes of headers; ``remove`` before ``set``."""

    set: dict[HeaderName, HeaderValue] = Field(default={}, description="Name and value.")
    remove: tuple[HeaderName, ...] = Field(default=(), description="Names.")


class Headers(Model):
    """Headers on their way in and out."""

    request: HeaderRules = Field(default_factory=HeaderRules, description="Of requests.")
    response: HeaderRules = Field(default_factory=HeaderRules, description="Of responses.")


class Redirect(Model):
    """A path that is answered with another place."""

    path: RoutePath = Field(description="Exactly this path.")
    to: Target = Field(description="A URL or a path.")
    status: Literal[301, 302, 303, 307, 308] = 308


class Maintenance(Model):
    """The answer while no instance serves, or while ``on`` says so."""

    on: bool = Field(default=False, description="Answer so now, whatever serves.")
    status: Annotated[int, Field(ge=400, le=599)] = 503
    body: Annotated[Text, StringConstraints(pattern=r"^[^{}]*$", max_length=65536)] = "down for maintenance\n"
    type: Annotated[str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9.+-]+(; ?charset=[a-zA-Z0-9-]+)?$")] = (
        "text/plain; charset=utf-8"
    )
    retry_after: Duration = Field(default=30.0, description="Told to the client.")


class Route(Model):
    """Requests reach the service through the environment's proxy, its neighbours' too."""

    host: RouteHost | None = Field(
        default=None, description="The host name; without any, neighbours alone reach it."
    )
    hosts: Annotated[tuple[RouteHost, ...], Field(max_length=100)] = Field(
        default=(), description="More host names."
    )
    path: PathStart = Field(default="/", description="The start of the paths that it serves.")
    strip_path: bool = Field(default=False, description="The service sees the path without that start.")
    port: PortNumber = Field(description="The port that the instances listen on, with HTTP.")
    ready: Ready = Field(default_factory=Ready, description="When an instance gets traffic.")
    headers: Headers = Field(default_factory=Headers, description="Headers that are set or removed.")
    redirects: Annotated[tuple[Redirect, ...], Field(max_length=200)] = Field(
        default=(), description="Paths that are answered with another place."
    )
    sticky: bool = Field(default=False, description="A client comes back to the same instance, by a cookie.")
    maintenance: Maintenance = Field(
        default_factory=Maintenance, description="The answer while nothing serves."
    )
    max_body: Annotated[Size, Field(ge=1)] | None = Field(
        default=None, description="The size of a request's body, at most.", examples=["10M"]
    )

    @property
    def all_hosts(self) -> tuple[str, ...]:
        """Every host name, sorted."""
        return tuple(sorted({*self.hosts, *((self.host,) if self.host else ())}))

    @model_validator(mode="after")
    def _strips_something(self) -> Self:
        if self.path == "/" and self.strip_path:
            raise ValueError("expected strip_path with a path other than / only")
        return self
