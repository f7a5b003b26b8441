"""A build's docker client knows the registries that it needs, and no other."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

from providers.buildx.client import find_plugin, write_client
from reconciler.provider import Login


def _written(
    tmp_path: Path, hosts: list[str], logins: dict[str, Login], own: object = None
) -> dict[str, object]:
    user = tmp_path / "user"
    user.mkdir()
    if own is not None:
        (user / "config.json").write_text(own if isinstance(own, str) else json.dumps(own))
    write_client(tmp_path / "client", hosts, logins, user)
    path = tmp_path / "client/config.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    loaded = json.loads(path.read_text())
    assert isinstance(loaded, dict)
    return loaded


def test_only_the_hosts_that_are_needed_are_written(tmp_path: Path) -> None:
    logins = {"a.test": Login("u", "p:w"), "b.test": Login("u", "other"), "docker.io": Login("h", "hub")}
    written = _written(tmp_path, ["a.test", "docker.io", "c.test"], logins)
    assert written == {
        "auths": {
            "a.test": {"auth": base64.b64encode(b"u:p:w").decode()},
            "https://index.docker.io/v1/": {"auth": base64.b64encode(b"h:hub").decode()},
        },
        "credHelpers": {},
    }


def test_the_users_own_configuration_fills_in(tmp_path: Path) -> None:
    own = {
        "auths": {
            "a.test": {"auth": "b3du"},
            "b.test": {"auth": "eA=="},
            "s.test": {},
            "z.test": {"auth": "eg=="},
        },
        "credHelpers": {"h.test": "ecr-login"},
        "credsStore": "desktop",
        "HttpHeaders": {"X": "y"},
        "proxies": {"default": {}},
    }
    written = _written(tmp_path, ["a.test", "b.test", "s.test", "h.test"], {"a.test": Login("u", "p")}, own)
    assert written == {
        "auths": {"a.test": {"auth": base64.b64encode(b"u:p").decode()}, "b.test": {"auth": "eA=="}},
        "credHelpers": {"h.test": "ecr-login", "s.test": "desktop"},
    }


def test_a_configuration_that_is_none_counts_as_empty(tmp_path: Path) -> None:
    assert _written(tmp_path, ["a.test"], {}, "[1") == {"auths": {}, "credHelpers": {}}


def test_the_plugin_is_linked_from_the_users_folder(tmp_path: Path) -> None:
    plugins = tmp_path / "user/cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").write_text("#!/bin/sh\n")
    (plugins / "docker-buildx").chmod(0o755)
    write_client(tmp_path / "client", [], {}, tmp_path / "user")
    assert (tmp_path / "client/cli-plugins/docker-buildx").resolve() == (plugins / "docker-buildx").resolve()
    assert find_plugin(tmp_path / "user") == (plugins / "docker-buildx").resolve()
