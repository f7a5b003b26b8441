"""Our streams joined to those of a command in a container: input, output, signals, the terminal's size."""

from __future__ import annotations

import asyncio
import concurrent.futures
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from reconciler.cli import console
from reconciler.dialogue import Process, Signal

FORWARDED: tuple[Signal, ...] = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
_HURRY: tuple[Signal, ...] = ("SIGTERM", "SIGHUP")
"""Whoever sends one of these expects an end; an interrupt may mean less to a command."""
GRACE = 10.0
"""Seconds that a command has to end after such a signal."""


@dataclass(slots=True)
class Conversation:
    """One command and our streams. ``gave_up`` is the signal at which we left it."""

    process: Process
    has_terminal: bool
    grace: float = GRACE
    gave_up: Signal | None = None
    _seen: set[Signal] = field(default_factory=set)
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    async def hold(self) -> int:
        """Until the command ends; its exit code, or 128 and the signal's number where we left it. Raises
        ProviderError, BrokenPipeError."""
        loop = asyncio.get_running_loop()
        typing = console.Typing(lambda piece: self._take(loop, piece))
        speaking = asyncio.create_task(self._speak())
        leaving = asyncio.create_task(self._over.wait())
        try:
            with console.raw_mode(self.has_terminal), self._signals(loop):
                typing.start()
                await asyncio.wait([speaking, leaving], return_when=asyncio.FIRST_COMPLETED)
                if speaking.done():
                    return speaking.result()
        finally:
            typing.stop()
            for task in (speaking, leaving, *self._sending):
                task.cancel()
        return 128 + signal.Signals[self.gave_up or "SIGINT"]

    async def _speak(self) -> int:
        async for piece in self.process.output():
            descriptor = console.STDERR if piece.stream == "stderr" else console.STDOUT
            await asyncio.to_thread(console.write_all, descriptor, piece.content)
        return await self.process.exit_code()

    def _take(self, loop: asyncio.AbstractEventLoop, piece: bytes) -> None:
        """Called by the thread that reads; waits until the command has taken the piece."""
        giving = self.process.write(piece) if piece else self.process.end_input()
        try:
            asyncio.run_coroutine_threadsafe(giving, loop).result()
        except (concurrent.futures.CancelledError, RuntimeError):
            giving.close()  # the command has ended meanwhile

    @contextmanager
    def _signals(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        hooks: dict[int, Callable[[], None]] = {
            signal.Signals[name]: partial(self._begin_forward, name) for name in FORWARDED
        }
        if self.has_terminal:
            hooks[signal.SIGWINCH] = lambda: self._begin(self.process.resize(console.terminal_size()))
        for number, hook in hooks.items():
            loop.add_signal_handler(number, hook)
        try:
            yield
        finally:
            for number in hooks:
                loop.remove_signal_handler(number)

    def _begin_forward(self, name: Signal) -> None:
        self._begin(self._forward(name))

    def _begin(self, sending: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(sending)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _forward(self, name: Signal) -> None:
        """Pass a signal on. The second of a kind, one that cannot be passed on, and one after whose grace
        the command still runs, end the conversation."""
        is_first = name not in self._seen
        self._seen.add(name)
        if is_first and await self.process.signal(name):
            if name not in _HURRY:
                return
            await asyncio.sleep(self.grace)
        self.gave_up = name
        self._over.set()


async def converse(process: Process, has_terminal: bool, grace: float = GRACE) -> int:
    """Join our streams to the command's until it ends; see ``Conversation.hold``."""
    conversation = Conversation(process, has_terminal, grace)
    code = await conversation.hold()
    if conversation.gave_up is not None:
        print(f"reconciler: left the command at {conversation.gave_up}", file=sys.stderr)
    return code
