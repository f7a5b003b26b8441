"""What is an endpoint and what is none; where docker's own settings say that the engine is."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from providers.docker.contexts import find_engine
from providers.docker.endpoint import (
    DEFAULT_SOCKET,
    Material,
    SocketEndpoint,
    SshEndpoint,
    TcpEndpoint,
    is_remote,
    read_endpoint,
)
from reconciler.provider import Refused
from specs.environment import Runtime

PEM = Material(b"ca", b"certificate", b"the-key")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("unix:///run/x.sock", SocketEndpoint("/run/x.sock")),
        ("tcp://engine.example.com", TcpEndpoint("engine.example.com", 2376, PEM)),
        ("tcp://[::1]:1", TcpEndpoint("::1", 1, PEM)),
        ("ssh://prod_1", SshEndpoint("prod_1")),
        ("ssh://deploy@prod-1:2222", SshEndpoint("prod-1", "deploy", 2222)),
        ("ssh://[fe80::1]/run/p.sock", SshEndpoint("fe80::1", path="/run/p.sock")),
    ],
)
def test_reads_back_as_written(text: str, meant: object) -> None:
    found = read_endpoint(text, PEM)
    assert found == meant
    assert read_endpoint(str(found), PEM) == found
    assert "the-key" not in repr(found)


HOSTILE = [
    *("", "/run/x.sock", "unix://relative", "unix://", "unix:///a\0b", f"unix:///{'x' * 120}"),
    *("ssh://", "ssh://-oProxyCommand=touch", "ssh://-l@host", "ssh://a@-host", "ssh://ho st", "ssh://h%h"),
    *("ssh://$HOME", "ssh://${X}", "ssh://host;id", "ssh://host:0", "ssh://host:-1", "ssh://host:99999"),
    *("ssh://host:2 2", "ssh://u:password@host", "ssh://a@b@c", "ssh://host/../x", "ssh://host//x"),
    *("ssh://host/a:b", "ssh://host/%h", "ssh://host/a b", "ssh://host/$X", "ssh://host?x", "ssh://h\n-oX"),
    *("ssh://[::1", "ssh://[x]", "ssh://hÖst", "tcp://", "tcp://u@h:1", "tcp://h:1/x", "http://h", "tcp:/h"),
    *("fd://", "npipe:////./pipe/docker_engine", "ssh://host..x", "SSH://h"),
]


LATER = ("ssh://host:0", "ssh://host:99999", "ssh://host/../x", "ssh://host//x", "ssh://host..x")
"""What the pattern of the language lets through, because the JSON Schema cannot say it."""


@pytest.mark.parametrize("text", HOSTILE)
def test_what_could_be_more_than_an_endpoint_is_refused(text: str) -> None:
    with pytest.raises(Refused) as raised:
        read_endpoint(text, PEM)
    assert raised.value.code == "DKR006"
    assert "password" not in str(raised.value)
    if text not in LATER:
        with pytest.raises(ValueError, match="endpoint"):
            Runtime(endpoint=text)


def test_plain_tcp_is_for_loopback_that_is_said() -> None:
    for text in ("tcp://127.0.0.1:1", "tcp://localhost:1", "tcp://[::1]:1"):
        assert not is_remote(read_endpoint(text, plain=True))
        with pytest.raises(Refused, match="DKR007"):
            read_endpoint(text)
    for text in ("tcp://10.0.0.5:2375", "tcp://2130706433:1", "tcp://0x7f.1:1", "tcp://localhost.evil:1"):
        with pytest.raises(Refused, match="DKR007"):
            read_endpoint(text, plain=True)
    assert is_remote(read_endpoint("tcp://10.0.0.5", PEM))
    assert is_remote(read_endpoint("ssh://localhost"))


def write_context(folder: Path, name: str, meta: object, *, tls: bool = False) -> None:
    digest = hashlib.sha256(name.encode()).hexdigest()
    place = folder / "contexts/meta" / digest
    place.mkdir(parents=True)
    (place / "meta.json").write_text(meta if isinstance(meta, str) else json.dumps(meta))
    if tls:
        certificates = folder / "contexts/tls" / digest / "docker"
        certificates.mkdir(parents=True)
        for file in ("ca.pem", "cert.pem", "key.pem"):
            (certificates / file).write_text(file)


def meta(name: str, host: str, **more: object) -> dict[str, object]:
    return {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, **more}}}


def test_in_dockers_own_order(tmp_path: Path) -> None:
    write_context(tmp_path, "one", meta("one", "ssh://one"))
    write_context(tmp_path, "two", meta("two", "tcp://two:2376"), tls=True)
    (tmp_path / "config.json").write_text('{"currentContext": "one"}')
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    assert find_engine(environ).endpoint == SshEndpoint("one")
    environ["DOCKER_CONTEXT"] = "two"
    chosen = find_engine(environ)
    assert chosen.endpoint == TcpEndpoint("two", 2376, Material(b"ca.pem", b"cert.pem", b"key.pem"))
    assert str(chosen) == "tcp://two:2376 (docker context two, DOCKER_CONTEXT)"
    assert find_engine({**environ, "DOCKER_CONTEXT": "default"}).endpoint == SocketEndpoint(DEFAULT_SOCKET)
    environ["DOCKER_HOST"] = "unix:///run/y.sock"
    assert str(find_engine(environ)) == "unix:///run/y.sock (DOCKER_HOST)"


def test_without_any_of_it_the_usual_socket(tmp_path: Path) -> None:
    for content in (None, "{}", '{"currentContext": ""}', '{"currentContext": "default"}'):
        if content is not None:
            (tmp_path / "config.json").write_text(content)
        chosen = find_engine({"DOCKER_CONFIG": str(tmp_path)})
        assert (chosen.endpoint, chosen.origin) == (SocketEndpoint(DEFAULT_SOCKET), "")


def test_docker_host_over_tcp_takes_dockers_certificates(tmp_path: Path) -> None:
    environ = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_HOST": "tcp://h:2376", "DOCKER_TLS_VERIFY": "1"}
    with pytest.raises(Refused, match=r"ca\.pem: No such file.*DKR057"):
        find_engine(environ)
    for file in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / file).write_text(file)
    assert find_engine(environ).endpoint == TcpEndpoint(
        "h", 2376, Material(b"ca.pem", b"cert.pem", b"key.pem")
    )
    del environ["DOCKER_TLS_VERIFY"]
    for host, more in (("tcp://h:2375", {}), ("tcp://127.0.0.1:2375", {"DOCKER_TLS": "1"})):
        with pytest.raises(Refused, match="DKR007"):
            find_engine({**environ, "DOCKER_HOST": host, **more})
    assert find_engine({**environ, "DOCKER_HOST": "tcp://127.0.0.1:1"}).endpoint == TcpEndpoint(
        "127.0.0.1", 1
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "DKR008"),
        ("[" * 100_000, "DKR008"),
        ("[]", "DKR008"),
        ("{}", "DKR008"),
        ('{"Name": "x", "Endpoints": []}', "DKR008"),
        ('{"Name": "x", "Endpoints": {"docker": {"Host": 1}}}', "DKR008"),
        (json.dumps(meta("other", "ssh://h")), "DKR008"),
        (" " * ((1 << 20) + 1), "DKR008"),
        (json.dumps(meta("x", "ssh://-oProxyCommand=x")), "DKR006"),
        (json.dumps(meta("x", "tcp://h:1")), "DKR007"),
        (json.dumps(meta("x", "tcp://127.0.0.1:1", SkipTLSVerify=True)), "DKR007"),
    ],
)
def test_a_context_that_cannot_be_read_is_never_passed_over(tmp_path: Path, content: str, code: str) -> None:
    write_context(tmp_path, "x", content)
    with pytest.raises(Refused, match=code):
        find_engine({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "x"})


@pytest.mark.parametrize("name", ["absent", "../../etc", "-x", "a b", "x" * 300, "\x1b[2J"])
def test_a_context_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="DKR008"):
        find_engine({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": name})


def test_a_config_that_cannot_be_read_is_never_passed_over(tmp_path: Path) -> None:
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    for content in ("{", '{"currentContext": 1}'):
        (tmp_path / "config.json").write_text(content)
        with pytest.raises(Refused, match="DKR008"):
            find_engine(environ)
    (tmp_path / "config.json").unlink()
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(Refused, match="not a regular file"):
        find_engine(environ)
