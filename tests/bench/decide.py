"""Is an image of 10,000 files built already? Our answer from git, beside the builder's from its cache."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

FILES = 10_000
AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")


def write_context(folder: Path, image: str) -> None:
    """Commit a build context of many small files."""
    for number in range(FILES):
        place = folder / "app" / f"d{number % 100}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"f{number}.txt").write_text(f"{number}\n")
    (folder / "app" / "Dockerfile").write_text(f"FROM {image}\nCOPY . /app\n")
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "context"]):
        subprocess.run(["git", *AUTHOR, *command], cwd=folder, check=True)


def seconds_to_decide(folder: Path, times: int = 9) -> float:
    """The median time from a commit to the input key, in a process that runs already (the loop's case)."""
    from providers.git.repository import GitRepository
    from specs.image import Build
    from specs.image_inputs import image_inputs

    repository = GitRepository(folder)
    build = Build(context="app")

    def decide() -> None:
        inputs = image_inputs(repository.tree(repository.resolve("HEAD")), build)
        assert inputs.key.startswith("in-")
        assert not inputs.problems

    return _median(decide, times)


def _median(action: Callable[[], None], times: int) -> float:
    action()
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        spent.append(time.perf_counter() - began)
    return sorted(spent)[times // 2]


if __name__ == "__main__":
    write_context(Path(sys.argv[1]), sys.argv[2])
    print(seconds_to_decide(Path(sys.argv[1])))
