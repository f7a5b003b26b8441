"""Secrets: where they are looked up, what cannot be named, and their digest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.ownership import Owner
from reconciler.secret_names import names_in, secret_names
from reconciler.secrets import (
    MAX_SECRET,
    SecretStore,
    SecretUnreadable,
    digest_secret,
    secrets_folder,
    variable_name,
)
from sketches import Sketch, desired

OWNER = Owner("my-shop", "dev")
CANARY = "canary-7f3a"


def put(folder: Path, name: str, content: bytes) -> None:
    path = folder / "my-shop" / "dev" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_reads_a_file_without_its_line_end(tmp_path: Path) -> None:
    put(tmp_path, "token", b"a\nb\r\n")
    assert SecretStore(OWNER, tmp_path, {}).value("token") == "a\nb"


def test_a_file_comes_before_the_variable(tmp_path: Path) -> None:
    environ = {variable_name(OWNER, "db-password"): "from variable"}
    store = SecretStore(OWNER, tmp_path, environ)
    assert variable_name(OWNER, "db-password") == "RECONCILER_SECRET_MY_SHOP__DEV__DB_PASSWORD"
    assert store.value("db-password") == "from variable"
    put(tmp_path, "db-password", b"from file")
    assert store.value("db-password") == "from file"
    assert store.value("other") is None


def test_no_look_up_falls_through_to_another_owner(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    (tmp_path / "my-shop").mkdir()
    (tmp_path / "my-shop" / "token").write_text("x")
    environ = {"RECONCILER_SECRET_TOKEN": "x", "TOKEN": "x", "RECONCILER_SECRET_MY_SHOP__PROD__TOKEN": "x"}
    assert SecretStore(OWNER, tmp_path, environ).value("token") is None


@pytest.mark.parametrize("name", ["../prod/token", "/etc/passwd", "a/b", "", ".", "UPPER", "a" * 64, "a\0b"])
def test_only_names_can_be_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SecretUnreadable):
        SecretStore(OWNER, tmp_path, {}).value(name)


def test_a_link_out_of_the_environments_folder_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text(CANARY)
    put(tmp_path / "secrets", "real", b"x")
    folder = tmp_path / "secrets" / "my-shop" / "dev"
    (folder / "token").symlink_to(outside)
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "inside").symlink_to(folder / "real")
    store = SecretStore(OWNER, tmp_path / "secrets", {})
    for name in ("token", "loop"):
        with pytest.raises(SecretUnreadable) as caught:
            store.value(name)
        assert CANARY not in str(caught.value)
    assert store.value("inside") == "x"


@pytest.mark.parametrize("content", [b"\xff" + CANARY.encode(), CANARY.encode() * MAX_SECRET])
def test_what_cannot_be_read_is_said_without_the_value(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, "token", content)
    with pytest.raises(SecretUnreadable) as caught:
        SecretStore(OWNER, tmp_path, {}).value("token")
    assert CANARY not in str(caught.value)
    assert "my-shop/dev/token" in str(caught.value)


def test_a_folder_in_the_place_of_a_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "my-shop" / "dev" / "token").mkdir(parents=True)
    with pytest.raises(SecretUnreadable):
        SecretStore(OWNER, tmp_path, {}).value("token")


def test_the_digest_is_the_same_everywhere() -> None:
    digest = digest_secret(Owner("shop", "prod"), "token", "hunter2")
    assert digest == "s1:dbb433de4b783600e1b3471cae08eb0381cd9113d0a2dec19694734f9d2150eb"
    assert digest != digest_secret(Owner("shop", "dev"), "token", "hunter2")
    assert digest != digest_secret(Owner("shop", "prod"), "other", "hunter2")


def test_digests_follow_the_value(tmp_path: Path) -> None:
    store = SecretStore(OWNER, tmp_path, {})
    put(tmp_path, "token", b"one")
    first = store.digests(["token", "absent"])
    put(tmp_path, "token", b"two")
    assert first["absent"] is None
    assert store.digest("token") not in (None, first["token"])
    assert store.values(["token", "absent"]) == {"token": "two"}


def test_shows_no_value(tmp_path: Path) -> None:
    store = SecretStore(OWNER, tmp_path, {variable_name(OWNER, "token"): CANARY})
    store.digest("token")
    assert CANARY not in repr(store)


def test_the_folder_is_the_credentials_directory_where_there_is_one() -> None:
    assert secrets_folder({"CREDENTIALS_DIRECTORY": "/run/credentials/x"}) == Path("/run/credentials/x")
    assert secrets_folder({}) == Path("/run/secrets")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    put(tmp_path, "other", b"")
    os.mkfifo(tmp_path / "my-shop" / "dev" / "token")
    with pytest.raises(SecretUnreadable, match="no regular file"):
        SecretStore(OWNER, tmp_path, {}).value("token")


def test_a_version_that_ran_tells_the_secrets_that_it_named() -> None:
    environment = (("URL", "db:${secret:url}"),)
    wanted = desired(Sketch("web", secrets=(("token", "x"),), environment=environment))
    form = wanted.services["web"].form
    assert names_in(form.fields) == secret_names(form) == ("token", "url")
