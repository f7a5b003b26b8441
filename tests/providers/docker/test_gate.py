"""What a key that may only look gets through: a closed list, and nothing by another spelling."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable

import pytest

from docker_forms import form_of, network_of
from ground import RunningEngine
from place import Place
from providers.docker import faults
from providers.docker.gate import LONGEST, MAX_HEAD, NotLetThrough, judge
from providers.docker.gate_process import READ_ONLY, serve
from providers.docker.gate_view import HIDDEN, without_commands, without_secrets
from reconciler.canonical import encode_canonical, encode_label

NOW = 1_800_000_000.0
ID = "0123456789ab"


def request(line: str, *headers: str) -> bytes:
    return "\r\n".join([line, "Host: docker", *headers]).encode("latin-1")


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("GET /_ping", "/_ping"),
        ("HEAD /_ping", "/_ping"),
        ("GET /version", "/version"),
        ("GET /v1.45/info", "/v1.45/info"),
        ("GET /v1.41/containers/json?all=1", "/v1.41/containers/json?all=1"),
        (f"GET /containers/{ID}/json", f"/containers/{ID}/json"),
        ("GET /containers/shop_dev_web_1a2b3c4d_1/json", "/containers/shop_dev_web_1a2b3c4d_1/json"),
        (
            "GET /images/localhost:5000/team/web@sha256:00/json",
            "/images/localhost:5000/team/web@sha256:00/json",
        ),
        ("GET /networks?filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D", None),
        ("GET /v1.45/networks/abc", "/v1.45/networks/abc"),
        ("GET /volumes", "/volumes"),
        (f"GET /events?since={NOW - 60}&until={NOW - 1}", None),
    ],
)
def test_what_reads_is_let_through_and_written_anew(line: str, target: str | None) -> None:
    passed = judge(request(f"{line} HTTP/1.1", "User-Agent: x", "Connection: keep-alive"), NOW)
    assert passed.method == line.split()[0]
    assert target is None or passed.target == target


HOSTILE = [
    *(f"{verb} /containers/{ID}/json HTTP/1.1" for verb in ("POST", "PUT", "DELETE", "PATCH", "get", "Get")),
    *(f"{verb} /info HTTP/1.1" for verb in ("OPTIONS", "CONNECT", "TRACE", "GET GET", "")),
    f"GET /containers/{ID}/logs HTTP/1.1",
    f"GET /containers/{ID}/logs?follow=1 HTTP/1.1",
    f"GET /containers/{ID}/archive?path=/etc HTTP/1.1",
    f"GET /containers/{ID}/export HTTP/1.1",
    f"GET /containers/{ID}/top HTTP/1.1",
    f"GET /containers/{ID}/attach/ws HTTP/1.1",
    f"GET /containers/{ID}/json?size=1 HTTP/1.1",
    "GET /containers/json?all=1&all=0 HTTP/1.1",
    "GET /containers/json?ALL=1 HTTP/1.1",
    "GET /images/get?names=a HTTP/1.1",
    "GET /images/a/get HTTP/1.1",
    "GET /images/search?term=a HTTP/1.1",
    "GET /images/../containers/x/logs/json HTTP/1.1",
    "GET /images/a/../../containers/x/json HTTP/1.1",
    "GET /images/a/./b/json HTTP/1.1",
    "GET /images/a//b/json HTTP/1.1",
    "GET /distribution/a/json HTTP/1.1",
    "GET /exec/abc/json HTTP/1.1",
    "GET /secrets HTTP/1.1",
    "GET /configs HTTP/1.1",
    "GET /system/df HTTP/1.1",
    "GET /session HTTP/1.1",
    "GET /grpc HTTP/1.1",
    "GET //info HTTP/1.1",
    "GET /v1.45//info HTTP/1.1",
    "GET /v1.45/v1.45/info HTTP/1.1",
    "GET /v1.9999/info HTTP/1.1",
    "GET /INFO HTTP/1.1",
    "GET /info/ HTTP/1.1",
    "GET /info%2f HTTP/1.1",
    "GET /%69nfo HTTP/1.1",
    "GET /containers/%2e%2e/json HTTP/1.1",
    "GET /containers/../json HTTP/1.1",
    "GET /info;x HTTP/1.1",
    "GET /info#x HTTP/1.1",
    "GET /info\\x HTTP/1.1",
    "GET http://docker/info HTTP/1.1",
    "GET docker:80 HTTP/1.1",
    "GET * HTTP/1.1",
    "GET /info HTTP/1.0",
    "GET /info HTTP/2.0",
    "GET /info",
    "GET  /info HTTP/1.1",
    "GET /info  HTTP/1.1",
    "GET\t/info HTTP/1.1",
    " GET /info HTTP/1.1",
    "GET /info HTTP/1.1 ",
    "GET /info\x00 HTTP/1.1",
    "GET /inf\xf6 HTTP/1.1",
    "GET /events HTTP/1.1",
    "GET /events?since=1 HTTP/1.1",
    f"GET /events?since=0&until={NOW + 60} HTTP/1.1",
    f"GET /events?since={NOW - LONGEST - 9}&until={NOW - 1} HTTP/1.1",
    f"GET /events?since={NOW - 1}&until={NOW - 9} HTTP/1.1",
    "GET /events?since=nan&until=inf HTTP/1.1",
    "GET /info?%ff=1 HTTP/1.1",
    "GET /containers/json?all=1&&filters=x HTTP/1.1",
]
HEADERS = [
    "Content-Length: 0",
    "Content-Length: 5",
    "Transfer-Encoding: chunked",
    "transfer-encoding:chunked",
    "Transfer-Encoding : chunked",
    "TE: trailers",
    "Upgrade: tcp",
    "Connection: Upgrade",
    "Connection: keep-alive, Content-Length",
    "Expect: 100-continue",
    "X-Registry-Auth: x",
    "Host: other",
    " Transfer-Encoding: chunked",
    "\tTransfer-Encoding: chunked",
    "Accept: a\nTransfer-Encoding: chunked",
    "Accept: a\rTransfer-Encoding: chunked",
    "Accept: a\x00",
    "no header at all",
    ": empty",
]


@pytest.mark.parametrize("line", HOSTILE)
def test_no_other_spelling_gets_through(line: str) -> None:
    with pytest.raises(NotLetThrough):
        judge(request(line), NOW)


@pytest.mark.parametrize("header", HEADERS)
def test_no_header_announces_a_body_or_another_protocol(header: str) -> None:
    with pytest.raises(NotLetThrough):
        judge(request("GET /info HTTP/1.1", header), NOW)


def inspected(label: str | None) -> bytes:
    labels = {} if label is None else {"reconciler.spec": label}
    env = ["PLAIN=shown", "PW=canary-7f3a", "URL=pg://u:canary-7f3a@db", "PATH=/bin"]
    state = {"Health": {"Log": [{"ExitCode": 1, "Output": "canary-7f3a"}]}}
    return json.dumps({"Config": {"Env": env, "Labels": labels}, "State": state}).encode()


def test_values_from_secrets_and_the_output_of_probes_are_not_seen() -> None:
    environment = {"PLAIN": "shown", "PW": {"secret": "pw"}, "URL": "pg://u:${secret:pw}@db"}
    document = {"v": 1, "name": "web", "service": {"environment": environment}, "files": {}, "volumes": {}}
    ours = without_secrets(inspected(encode_label(encode_canonical(document))))
    assert json.loads(ours)["Config"]["Env"] == [
        "PLAIN=shown",
        f"PW={HIDDEN}",
        f"URL={HIDDEN}",
        "PATH=/bin",
    ]
    assert b"canary" not in ours


@pytest.mark.parametrize("label", [None, "", "no label", encode_label("[]"), encode_label('{"service": 1}')])
def test_of_what_cannot_be_judged_no_value_is_seen(label: str | None) -> None:
    seen = without_secrets(inspected(label))
    assert b"canary" not in seen
    assert b"shown" not in seen
    assert b"PLAIN=" in seen


def test_of_a_command_that_was_executed_the_program_alone_is_seen() -> None:
    events = [
        {"Action": "exec_create: psql --password=canary-7f3a", "status": "exec_create: psql canary-7f3a"},
        {"Action": "health_status: healthy", "Type": "container"},
    ]
    seen = without_commands(b"\n".join(json.dumps(event).encode() for event in events))
    assert [json.loads(line)["Action"] for line in seen.splitlines()] == [
        "exec_create: psql",
        "health_status: healthy",
    ]
    assert b"canary" not in seen


def test_our_own_client_knows_a_refusal_by_how_it_begins() -> None:
    assert READ_ONLY == faults.READ_ONLY
    assert faults.answer_error(403, "/x", f"{READ_ONLY}: no").code == "DKR058"
    assert faults.answer_error(403, "/x", "not allowed here").code == "DKR010"


def answered(socket: str, *requests: bytes) -> tuple[int, bytes]:
    """What the gate's process would return and has written, when its input is these bytes."""
    source, into = os.pipe()
    out, sink = os.pipe()
    written: list[bytes] = []

    def collect() -> None:
        while piece := os.read(out, 1 << 16):
            written.append(piece)

    def give() -> None:
        for part in requests:
            os.write(into, part)
        os.close(into)

    threads = [threading.Thread(target=work) for work in (collect, give)]
    for thread in threads:
        thread.start()
    code = serve(socket, source, sink)
    os.close(sink)
    os.close(source)
    for thread in threads:
        thread.join()
    os.close(out)
    return code, b"".join(written)


def whole(parts: Iterable[bytes]) -> bytes:
    return b"".join(part + b"\r\n\r\n" for part in parts)


@pytest.mark.engine
async def test_requests_are_answered_in_order_until_one_is_refused(place: Place) -> None:
    await place.runtime.create_network(place.owner, network_of(place.owner, "default"))
    form = form_of({"command": ["sleep", "300"], "environment": {"PLAIN": "shown"}}, place.owner)
    blueprint = await place.blueprint(form)
    await place.runtime.create_instance(blueprint, {})
    reading = [
        request("GET /_ping HTTP/1.1"),
        request("HEAD /_ping HTTP/1.1"),
        request(f"GET /containers/{blueprint.name}/json HTTP/1.1"),
        request("GET /containers/nobody/json HTTP/1.1"),
    ]
    kill = request(f"DELETE /containers/{blueprint.name}?force=1 HTTP/1.1")
    smuggled = whole([request("GET /info HTTP/1.1", "Content-Length: 80")]) + whole([kill])
    stream = whole([*reading, kill, request("GET /info HTTP/1.1")])
    code, out = answered(str(place.engine.socket), stream[:37], stream[37:])
    assert code == 4
    statuses = [int(part[:3]) for part in out.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 200, 200, 404, 403]
    assert out.endswith(b'is not let through"}')
    assert f'"message": "{READ_ONLY}: DELETE /containers/'.encode() in out
    assert b"PLAIN=shown" in out
    assert b"Connection: close" in out
    assert answered(str(place.engine.socket), smuggled)[0] == 4
    assert (await place.only()).name == blueprint.name, "nothing was removed"


@pytest.mark.engine
def test_a_head_without_end_is_refused_and_an_end_in_its_middle_is_one(newest_engine: RunningEngine) -> None:
    socket = str(newest_engine.socket)
    code, out = answered(socket, b"GET /info HTTP/1.1\r\nAccept: " + b"a" * (MAX_HEAD + 10))
    assert (code, b"403" in out) == (4, True)
    assert answered(socket, b"GET /info HT") == (0, b"")
    assert answered(socket) == (0, b"")
    code, out = answered("/nowhere/docker.sock", whole([request("GET /info HTTP/1.1")]))
    assert (code, out.startswith(b"HTTP/1.1 502 ")) == (0, True)
