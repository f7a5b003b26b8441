"""What git runs in a repository that is pushed to. It decides nothing: the loop does, over its socket.

Run as a file by an interpreter that loads nothing else, since every push waits for it: only the standard
library, and of that only what starts at once. Arguments: the hook, the repository's name, the socket.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator

_MOST_INPUT = 1 << 20


def main(hook: str, repository_name: str, path: str) -> int:
    """Ask the loop and show what it says; the exit status is git's answer. What the loop passes on begins
    with a space; its own last word does not."""
    is_first = hook == "pre-receive"
    verdict = ""
    try:
        for line in _ask(path, f"/v1/{'receive' if is_first else 'announce'}/{repository_name}", _request()):
            if line.startswith(" "):
                print(line[1:], file=sys.stderr, flush=True)
            else:
                verdict = line
    except OSError as error:
        print(f"the loop is not reached ({error.strerror or 'it does not answer'})", file=sys.stderr)
    if is_first:
        if not verdict:
            print("nothing is taken; push again when the loop runs", file=sys.stderr)
        return int(verdict != "ok")
    print(verdict or "taken; the loop goes on with it when it runs", file=sys.stderr)
    return 0


def _request() -> bytes:
    """One line each: who pushes, with which options, where the objects lie, and what is to be updated."""
    lines = [f"pusher {os.environ.get('RECONCILER_PUSHER', '')}"]
    count = os.environ.get("GIT_PUSH_OPTION_COUNT", "")
    for index in range(int(count) if count.isdigit() and len(count) < 3 else 0):
        lines.append(f"option {os.environ.get(f'GIT_PUSH_OPTION_{index}', '')}")
    lines.append(f"quarantine {os.environ.get('GIT_QUARANTINE_PATH', '')}")
    updates = sys.stdin.buffer.read(_MOST_INPUT).splitlines()
    words = [line.encode("utf-8", "surrogateescape") for line in lines]
    return b"".join(line + b"\n" for line in [*words, *(b"update " + update for update in updates)])


def _ask(path: str, target: str, body: bytes) -> Iterator[str]:
    """The lines of the answer, as they come. Raises OSError."""
    head = f"POST {target} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(head.encode() + body)
        with connection.makefile("r", encoding="utf-8", errors="replace", newline="\n") as stream:
            status = stream.readline().split(" ")[1:2]
            if status != ["200"]:
                raise OSError(0, "it does not know this repository")
            while stream.readline() not in ("\r\n", "\n", ""):
                continue
            for line in stream:
                yield line.rstrip("\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
