"""What the load says of a server that does not behave, of one that does, and of one that leaves in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from loss_app import Application
from loss_exchange import Exchanges
from loss_frames import GOING_AWAY, TEXT, accept_key, closing, encode, read_frame
from loss_load import Load
from loss_record import Kind, Outcome, Record
from loss_report import compare, read_log
from loss_streams import Listener, Socket

from local_registry import find_free_port
from scripted_server import Switch, answer, id_of, reset, serving


async def one(port: int, kind: Kind = Kind.NEW) -> Record:
    record = Record("7", kind, time.monotonic())
    await Exchanges(port, "shop.test", limit_s=2.0).make(record)
    return record


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (lambda head: answer(head), Outcome.OK),
        (lambda head: answer(head, 502), Outcome.HTTP_5XX),
        (lambda head: answer(head, 404), Outcome.HTTP_OTHER),
        (lambda head: answer(head, 200, "v1 i1 8"), Outcome.WRONG_BODY),
        (lambda head: b"no http\r\n\r\n", Outcome.WRONG_BODY),
        (lambda head: b"", Outcome.RESET),
        (lambda head: answer(head)[:12], Outcome.TRUNCATED),
        (lambda head: answer(head)[:-1], Outcome.TRUNCATED),
        (lambda head: b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nv1\r\n", Outcome.TRUNCATED),
    ],
)
@pytest.mark.parametrize("is_reset", [False, True])
async def test_what_a_server_says_before_it_closes_names_the_outcome(
    said: Callable[[bytes], bytes], expected: Outcome, is_reset: bool
) -> None:
    async def script(head: bytes, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(said(head))
        await asyncio.sleep(0.02)
        if is_reset:
            reset(writer)
        return False

    async with serving(script) as port:
        assert (await one(port)).outcome is expected


async def test_nobody_listens() -> None:
    assert (await one(find_free_port())).outcome is Outcome.REFUSED


async def test_nobody_answers() -> None:
    async def script(head: bytes, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> bool:
        await reader.read()
        return False

    async with serving(script) as port:
        record = Record("7", Kind.NEW, time.monotonic())
        await Exchanges(port, "shop.test", limit_s=0.05).make(record)
    assert record.outcome is Outcome.TIMEOUT


async def test_a_kept_connection_that_is_closed_under_a_request_is_told_and_tried_once_more() -> None:
    served: dict[asyncio.StreamWriter, int] = {}

    async def script(head: bytes, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        served[writer] = served.get(writer, 0) + 1
        if served[writer] == 2:
            return False
        writer.write(answer(head))
        return True

    async with serving(script) as port:
        exchanges = Exchanges(port, "shop.test")
        records = [Record(str(number), Kind.KEPT, 0.0) for number in range(33)]
        for record in records:
            await exchanges.make(record)
        exchanges.close()
    assert [r.outcome for r in records] == [Outcome.OK] * 32 + [Outcome.CLOSED_IDLE]
    last = records[-1]
    assert (last.again, last.is_lost, last.is_lost_unless_repeated) == (Outcome.OK, False, True)


async def test_a_request_waits_for_no_other() -> None:
    """The first is answered when the last has come: a load that waits for answers would never end."""
    waiting, all_came = set[str](), asyncio.Event()

    async def script(head: bytes, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        waiting.add(id_of(head))
        if len(waiting) == 20:
            all_came.set()
        await all_came.wait()
        writer.write(answer(head))
        return False

    found: list[Record] = []
    async with serving(script) as port:
        await Load(port, 200.0, 0.1, found.append, mix={Kind.NEW: 1}).run()
    assert [r.outcome for r in found] == [Outcome.OK] * 20
    first = min(found, key=lambda r: r.intended)
    assert first.latency >= max(r.intended for r in found) - first.intended


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _, payload = await read_frame(reader.readexactly)
    writer.write(encode(TEXT, b"v1 i1 " + payload, masked=False))


@pytest.mark.parametrize("is_in_order", [True, False])
async def test_a_message_is_lost_with_a_broken_connection_and_sent_again_after_one_that_closed_in_order(
    is_in_order: bool,
) -> None:
    connections = 0

    async def script(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        nonlocal connections
        connections += 1
        key = head.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0].decode()
        accepted = f"HTTP/1.1 101 -\r\nSec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
        writer.write(accepted.encode())
        if connections > 1:
            await echo(reader, writer)
            return True
        await read_frame(reader.readexactly)
        writer.write(closing(GOING_AWAY, masked=False) if is_in_order else b"")
        return False

    found: list[Record] = []
    async with serving(script) as port:
        client = Socket(port, "shop.test", "w0", found.append)
        task = asyncio.create_task(client.live())
        client.say(Record("7", Kind.MESSAGE, time.monotonic()))
        while not found:
            await asyncio.sleep(0.01)
        task.cancel()
    assert [r.outcome for r in found] == [Outcome.CLOSED_CLEANLY if is_in_order else Outcome.TRUNCATED]
    assert (client.closed, client.broken) == ((1, 0) if is_in_order else (0, 1))


@pytest.mark.parametrize(
    ("numbers", "end", "expected"),
    [
        ((1, 2), b"0\r\n\r\n", Outcome.CLOSED_CLEANLY),
        ((1, 2), b"", Outcome.TRUNCATED),
        ((1, 3), b"0\r\n\r\n", Outcome.WRONG_BODY),
    ],
)
async def test_a_stream_of_events_ends_in_order_or_not(
    numbers: tuple[int, ...], end: bytes, expected: Outcome
) -> None:
    async def script(head: bytes, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in numbers:
            event = f"id: {number}\ndata: v1 i1\n\n".encode()
            writer.write(b"%x\r\n%s\r\n" % (len(event), event))
        writer.write(end)
        return False

    found: list[Record] = []
    async with serving(script) as port:
        task = asyncio.create_task(Listener(port, "shop.test", "e0", found.append).live())
        while not found:
            await asyncio.sleep(0.01)
        task.cancel()
    assert found[0].outcome is expected


async def test_behind_a_switch_an_application_that_leaves_in_order_loses_nothing(tmp_path: Path) -> None:
    apps = [Application(version, log=str(tmp_path)) for version in ("v1", "v2")]
    servers = [await asyncio.start_server(app.connection, "127.0.0.1", 0) for app in apps]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    switch = Switch(ports[0])
    front = await asyncio.start_server(switch.connection, "127.0.0.1", 0)
    found: list[Record] = []
    mix = {Kind.NEW: 4, Kind.KEPT: 4, Kind.UPLOAD: 1, Kind.MESSAGE: 1}
    port = front.sockets[0].getsockname()[1]
    load = asyncio.create_task(Load(port, 200.0, 1.2, found.append, mix=mix).run())
    await asyncio.sleep(0.6)
    await switch.turn(ports[1])
    await apps[0].leave(servers[0], 0.1)
    summary = await load
    front.close()
    await apps[1].leave(servers[1], 0.0)
    requests = [r for r in found if r.kind is not Kind.EVENTS]
    assert len(requests) == 240
    assert not [r for r in requests if r.is_lost]
    assert {r.version for r in requests} == {"v1", "v2"}
    assert summary["sockets"] == {"opened": 40, "closed": 20, "broken": 0}
    counted = compare(found, *read_log(tmp_path))
    assert (counted.unanswered, counted.twice, counted.invented) == (0, 0, 0)
