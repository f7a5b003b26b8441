"""The Docker Engine as a runtime: containers, networks and volumes through its API on a unix socket."""

from providers.docker.runtime import DockerRuntime, open_runtime

__all__ = ["DockerRuntime", "open_runtime"]
