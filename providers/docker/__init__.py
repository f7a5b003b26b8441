"""The Docker Engine as a runtime: containers, networks and volumes through its API on a unix socket."""
