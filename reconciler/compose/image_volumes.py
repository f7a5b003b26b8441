"""The VOLUME paths of images: a service that mounts nothing there would start empty at each replacement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "postgres": ("/var/lib/postgresql/data",),
    "mysql": ("/var/lib/mysql",),
    "mysql/mysql-server": ("/var/lib/mysql",),
    "mariadb": ("/var/lib/mysql",),
    "mongo": ("/data/db", "/data/configdb"),
    "redis": ("/data",),
    "valkey/valkey": ("/data",),
    "rabbitmq": ("/var/lib/rabbitmq",),
    "nextcloud": ("/var/www/html",),
    "wordpress": ("/var/www/html",),
    "matomo": ("/var/www/html",),
    "ghost": ("/var/lib/ghost/content",),
    "influxdb": ("/etc/influxdb2", "/var/lib/influxdb2"),
    "registry": ("/var/lib/registry",),
    "prom/prometheus": ("/prometheus",),
    "prom/alertmanager": ("/alertmanager",),
    "vaultwarden/server": ("/data",),
    "gitea/gitea": ("/data",),
    "neo4j": ("/data", "/logs"),
    "eclipse-mosquitto": ("/mosquitto/data", "/mosquitto/log"),
    "clickhouse/clickhouse-server": ("/var/lib/clickhouse",),
    "couchdb": ("/opt/couchdb/data",),
    "cassandra": ("/var/lib/cassandra",),
    "zookeeper": ("/data", "/datalog", "/logs"),
    "jellyfin/jellyfin": ("/cache", "/config"),
    "quay.io/minio/minio": (),
}
"""Well-known images by repository; one that is on the engine says it itself."""


def known_volumes(reference: str, declared: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The VOLUME paths of an image, from the engine, else from what is well known; else none."""
    if reference in declared:
        return declared[reference]
    name = reference.partition("@")[0]
    head, colon, _ = name.rpartition(":")
    repository = head if colon and "/" not in name.rpartition(":")[2] else name
    for prefix in ("docker.io/library/", "docker.io/", "index.docker.io/"):
        repository = repository.removeprefix(prefix)
    return _KNOWN.get(repository, ())
