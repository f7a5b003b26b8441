"""This process's own terminal and streams, as a command in a container uses them."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from reconciler.dialogue import Size

STDIN, STDOUT, STDERR = 0, 1, 2
_PIECE = 1 << 16


def is_interactive() -> bool:
    """Whether a person types and reads: both ends are a terminal."""
    return os.isatty(STDIN) and os.isatty(STDOUT)


def terminal_size() -> Size:
    """The terminal's size; 24 by 80 where it says none."""
    try:
        found = os.get_terminal_size(STDOUT)
    except OSError:
        return Size(24, 80)
    return Size(found.lines or 24, found.columns or 80)


@contextmanager
def raw_mode(wanted: bool) -> Iterator[None]:
    """Every key goes to the command as it is typed; the terminal is set back at the end."""
    if not wanted:
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(STDIN)
    try:
        tty.setraw(STDIN)
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, before)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it; waits for a slow reader. Raises BrokenPipeError when the reader has gone."""
    sys.stdout.flush()
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


class Typing:
    """Reads standard input in a thread of its own (it may be a file, a pipe or a terminal), and gives each
    piece to ``take``, which may block; an empty piece is the end."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._read, name="stdin", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        os.close(self._waker)

    def _read(self) -> None:
        # What is read after the end of the command would be lost to who reads the terminal next: so wait
        # for input or the end, whichever comes first. A closed stdin reads as its end.
        with suppress(OSError, ValueError):
            while sys.stdin is not None:  # else the descriptor is closed, or somebody else's by now
                ready, _, _ = select.select([STDIN, self._wake], [], [])
                if self._wake in ready:
                    return
                piece = os.read(STDIN, _PIECE)
                self._take(piece)
                if not piece:
                    return
        self._take(b"")
