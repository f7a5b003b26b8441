"""Damage done to good bytes, and a child process that has little memory and little time."""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 1 << 30
_CHILD = """
import resource, sys, time
from pathlib import Path
from specs.load import SpecFile, load
from specs.effective import effective
from specs.problem import has_errors
content = Path(sys.argv[1]).read_bytes()
began = time.process_time()
spec_set, problems = load([SpecFile("specs/a.yaml", content)])
for name in () if has_errors(problems) else spec_set.environments:
    problems += effective(spec_set, name)[1]
took = time.process_time() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
status = Path("/proc/self/status")
if status.exists():
    # A process that was forked from a large one reports that one's size as its own peak; this does not.
    peak = int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1])
peak >>= 10
print(took, peak, len(problems), max((len(str(p)) for p in problems), default=0))
"""


@dataclass(frozen=True)
class Cost:
    """What reading one file took: seconds of processor, MiB at the peak, problems, the longest message."""

    seconds: float
    peak: float
    problems: int
    longest: int


def read_in_a_child(file: Path) -> Cost:
    """Load one spec file in a process that may have 1 GiB and 20 seconds. Raises where it dies."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))

    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"died with {done.returncode}: {done.stderr[-500:]}"
    seconds, peak, problems, longest = done.stdout.split()
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
