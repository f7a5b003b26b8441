"""A remote that never ends is ended, with everything that git started, also where there is no ps."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from git_http import Answering, GitHttp
from providers.git.cache import fetch_repository
from providers.git.remote import list_tips
from reconciler.provider import ProviderError


def _dribble(request: BaseHTTPRequestHandler) -> Answering:
    """Fast enough for any limit on slow answers, and without end."""
    request.send_response(200)
    request.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
    request.end_headers()
    with suppress(OSError):
        for _ in range(2_000):
            request.wfile.write(b"0" * 200)
            time.sleep(0.01)
    return 200, {}, b""


def _that_name(text: str) -> list[str]:
    """The processes whose command line names it."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and text.encode() in (folder / "cmdline").read_bytes():
                found.append(folder.name)
    return found


@pytest.mark.parametrize("ask", [list_tips, fetch_repository])
def test_the_deadline_ends_all_that_git_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[..., object]
) -> None:
    for name in ("git", "env", "sh"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or os.devnull)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with GitHttp(tmp_path, behaviour=_dribble) as server:
        url, began = f"{server.address}/shop.git", time.monotonic()
        with pytest.raises(ProviderError) as raised:
            ask(url, tmp_path / "cache", timeout=0.7)
        assert raised.value.code == "GIT001"
        assert time.monotonic() - began < 8
        limit = time.monotonic() + 5
        while left := _that_name(url):
            assert time.monotonic() < limit, left
            time.sleep(0.02)
