"""Damage done to good bytes, and a child process that has little memory and little time."""

from __future__ import annotations

import atexit
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 1 << 30
_CHILD = """
import os, resource, sys, time
from pathlib import Path
from specs.load import SpecFile, load
from specs.effective import effective
from specs.problem import has_errors

def peak():
    # In KiB. A fork of a large process may report that one's size as ru_maxrss; its status does not.
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1])

def read(file):
    content = Path(file).read_bytes()
    began = time.process_time()
    spec_set, problems = load([SpecFile("specs/a.yaml", content)])
    for name in () if has_errors(problems) else spec_set.environments:
        problems += effective(spec_set, name)[1]
    took = time.process_time() - began
    print(took, peak() >> 10, len(problems), max((len(str(p)) for p in problems), default=0), flush=True)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
        read(line.rstrip())
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print("ended", code, flush=True)
""".replace("{memory}", str(MEMORY))


@dataclass(frozen=True)
class Cost:
    """What reading one file took: seconds of processor, MiB at the peak, problems, the longest message."""

    seconds: float
    peak: float
    problems: int
    longest: int


@cache
def _reader() -> subprocess.Popen[str]:
    """A process that has the language in it, and reads each file in a fork of itself."""
    command = [sys.executable, "-c", _CHILD]
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end() -> None:
        child.communicate(timeout=60)

    atexit.register(end)
    return child


def read_in_a_child(file: Path) -> Cost:
    """Load one spec file in a process that may have 1 GiB and 20 seconds. Raises where it dies."""
    reader = _reader()
    assert reader.stdin is not None
    assert reader.stdout is not None
    reader.stdin.write(f"{file}\n")
    reader.stdin.flush()
    said: list[str] = []
    while not said or not said[-1].startswith("ended "):
        said.append(reader.stdout.readline())
        assert said[-1], "the reader itself died"
    assert said[-1] == "ended 0\n", f"died: {said}"
    seconds, peak, problems, longest = said[0].split()
    return Cost(float(seconds), float(peak), int(problems), int(longest))


_INTERESTING = st.sampled_from(
    [b"\x00", b"\xff", b"\xc3\x28", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\r", b"\t", b"\x1b[2J", b"&a ",
     b"*a", b"<<: ", b"!!python/object:os.system ", b"{", b"[", b"}", b"]", b"'", b'"', b"---\n", b"...\n",
     b"%", b"${A}", b"$", b": ", b"- ", b"? ", b"|", b">", b"~", b"null", b"0o777", b"1e309", b".nan", b"-1",
     b"9" * 40, b"../", b"reconciler.owner", b"\n"]
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """Good bytes in which a few pieces are cut out, doubled, moved, or replaced by unpleasant ones."""
    content = draw(good)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(0, len(content) - 1)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        piece = content[start:end]
        match draw(st.sampled_from(["cut", "double", "insert", "replace", "move"])):
            case "cut":
                content = content[:start] + content[end:]
            case "double":
                content = content[:end] + piece * draw(st.integers(1, 3)) + content[end:]
            case "insert":
                content = content[:start] + draw(_INTERESTING) + content[start:]
            case "replace":
                content = content[:start] + draw(_INTERESTING) + content[end:]
            case _:
                rest = content[:start] + content[end:]
                place = draw(st.integers(0, len(rest)))
                content = rest[:place] + piece + rest[place:]
    return content
