"""How a loop logs in over http: a credential of a file, and the tokens of a GitHub App."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from git_http import Answering, GitHttp
from git_repository import WrittenRepository
from reconciler.cli.github_app import forget_token, installation_token
from reconciler.cli.loop_remote import cache_folder, list_tips, open_entry
from reconciler.cli.result_letters import Letter
from reconciler.cli.result_places import ForgePlace, places_of
from reconciler.provider import ProviderError
from specs.run_access import GithubApp
from specs.run_file import load_run
from specs.run_repository import RunRepository


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))


@pytest.fixture
def written(tmp_path: Path) -> WrittenRepository:
    repository = WrittenRepository(tmp_path / "served" / "shop.git")
    repository.commit({"a": "1"})
    return repository


@pytest.fixture
def server(written: WrittenRepository) -> Iterator[GitHttp]:
    with GitHttp(written.path.parent) as running:
        yield running


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("app") / "app key.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(path), "2048"], check=True, capture_output=True)
    return path


def _stored(text: str) -> list[str]:
    """Files that hold a text, below the cache and where temporary files go."""
    places = (cache_folder(), Path(cache_folder().parents[2] / "tmp"))
    return [
        str(path) for place in places for path in place.rglob("*") if path.is_file() and text in _text(path)
    ]


def _text(path: Path) -> str:
    return path.read_bytes().decode("latin-1")


def test_a_credential_is_read_at_each_use_and_never_written(
    server: GitHttp, written: WrittenRepository, tmp_path: Path
) -> None:
    server.logins = {("ann", "first")}
    file = tmp_path / "git credentials"
    host = server.address.removeprefix("http://")
    file.write_text(f"http://ann:first@{host}\n")
    entry = RunRepository(name="shop", url=f"{server.address}/shop.git", credential=str(file))
    tips = list_tips(entry)
    assert open_entry(entry, tips).resolve("main") == tips["HEAD"]
    server.logins = {("ann", "second")}
    with pytest.raises(ProviderError) as raised:
        list_tips(entry)
    assert raised.value.code == "GIT013"
    assert "first" not in str(raised.value)
    assert file.read_text() == f"http://ann:first@{host}\n"
    file.write_text(f"http://ann:second@{host}\n")
    assert list_tips(entry) == tips


def test_a_login_of_the_user_is_not_sent(
    server: GitHttp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.logins = {("ann", "first")}
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ann password first\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    entry = RunRepository(name="shop", url=f"{server.address}/shop.git")
    for ask in (list_tips, open_entry):
        with pytest.raises(ProviderError) as raised:
            ask(entry)
        assert raised.value.code == "GIT013"
    assert server.given == []


class AppApi:
    """What the API of a forge answers to an App, and to whom statuses are posted."""

    def __init__(self, server: GitHttp, key: Path) -> None:
        self.server, self.key, self.made, self.lives = server, key, 0, 3600.0
        self.other: Answering | None = None
        server.logins, server.behaviour = set(), self.behave

    def behave(self, request: BaseHTTPRequestHandler) -> Answering | None:
        if not request.path.startswith("/api/"):
            return None
        assert (request.command, request.path) == ("POST", "/api/app/installations/7/access_tokens")
        if self.other is not None:
            return self.other
        self.check(request.headers["Authorization"].removeprefix("Bearer "))
        self.made += 1
        end = (datetime.now(UTC) + timedelta(seconds=self.lives)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.server.logins = {("x-access-token", self.token)}
        return 201, {}, json.dumps({"token": self.token, "expires_at": end}).encode()

    @property
    def token(self) -> str:
        return f"ghs_token/{self.made}"

    def check(self, passport: str) -> None:
        """By the public key, as the forge does."""
        head, claims, signature = passport.split(".")
        folder = self.key.parent
        (folder / "signature").write_bytes(base64.urlsafe_b64decode(signature + "=="))
        public = folder / "public.pem"
        subprocess.run(
            ["openssl", "rsa", "-in", str(self.key), "-pubout", "-out", str(public)],
            check=True,
            capture_output=True,
        )
        line = ["openssl", "dgst", "-sha256", "-verify", str(public), "-signature", str(folder / "signature")]
        subprocess.run(line, input=f"{head}.{claims}".encode(), check=True, capture_output=True)
        read = json.loads(base64.urlsafe_b64decode(claims + "=="))
        assert (read["iss"], read["exp"] - read["iat"]) == ("12", 600)


@pytest.fixture
def api(server: GitHttp, key: Path) -> AppApi:
    return AppApi(server, key)


@pytest.fixture
def entry(api: AppApi) -> RunRepository:
    app = GithubApp(app=12, installation=7, key=str(api.key), api=f"{api.server.address}/api")
    return RunRepository(name="shop", url=f"{api.server.address}/shop.git", github_app=app)


def test_an_app_fetches_with_a_token_that_lies_nowhere(api: AppApi, entry: RunRepository) -> None:
    tips = list_tips(entry)
    assert open_entry(entry, tips).resolve("main") == tips["HEAD"]
    assert (api.made, set(api.server.given)) == (1, {f"x-access-token:{api.token}"})
    assert _stored("ghs_token") == []
    assert list((cache_folder().parents[2] / "tmp").iterdir()) == []


def test_a_token_that_is_refused_is_asked_for_once_again(api: AppApi, entry: RunRepository) -> None:
    tips = list_tips(entry)
    api.server.logins = set()
    assert list_tips(entry) == tips
    assert api.made == 2


def test_a_token_that_ends_soon_is_not_begun_with(api: AppApi, entry: RunRepository) -> None:
    api.lives = 299.0
    open_entry(entry)
    open_entry(entry)
    assert api.made == 2
    assert len(list(cache_folder().iterdir())) == 1, "one clone, whatever the token"


@pytest.mark.parametrize(
    "other",
    [
        (401, {}, b"{}"),
        (302, {"Location": "http://127.0.0.1:1/elsewhere"}, b""),
        (201, {}, b"<html>"),
        (201, {}, b'{"token": "a b", "expires_at": "2030-01-01T00:00:00Z"}'),
        (201, {}, b'{"token": "x", "expires_at": 7}'),
        (201, {}, b"[" * 100_000),
    ],
)
def test_an_api_that_gives_no_token_is_told(api: AppApi, entry: RunRepository, other: Answering) -> None:
    api.other = other
    with pytest.raises(ProviderError) as raised:
        list_tips(entry)
    assert raised.value.code == "GIT014"
    assert api.server.given == []


def test_a_key_that_signs_nothing_is_told(api: AppApi, entry: RunRepository, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("CANARY")
    assert entry.github_app is not None
    with pytest.raises(ProviderError) as raised:
        installation_token(entry.github_app.model_copy(update={"key": str(tmp_path / "key")}))
    assert (raised.value.code, "CANARY" in str(raised.value)) == ("GIT014", False)


def test_statuses_are_set_with_the_same_token(api: AppApi, entry: RunRepository) -> None:
    text = f"""\
apiVersion: reconciler/v1
kind: Run
spec:
  repositories:
    - name: shop
      url: https://git.example.com/shop.git
      forge: {{provider: github, project: team/shop}}
      github_app: {{app: 12, installation: 7, key: '{api.key}', api: '{api.server.address}/api'}}
"""
    run, problems = load_run("run.yaml", text.encode())
    assert run is not None, problems
    (place,) = places_of(run.spec).values()
    assert isinstance(place, ForgePlace)
    letter = Letter(place.name, "k", "/statuses", {}, 0.0, 0.0)
    assert place.request(letter, 0.0).headers["Authorization"] == f"Bearer {api.token}"
    assert place.renew()
    assert place.request(letter, 0.0).headers["Authorization"] == "Bearer ghs_token/2"
    assert entry.github_app is not None
    forget_token(entry.github_app)


def test_a_forge_without_any_token_is_refused() -> None:
    text = """\
apiVersion: reconciler/v1
kind: Run
spec:
  repositories:
    - {name: a, url: "https://h/x", forge: {provider: gitlab, project: t/s}}
    - name: b
      url: "git@h:x"
      ssh: {identity: /a, known_hosts: /b}
      github_app: {app: 1, installation: 1, key: /k}
    - {name: c, url: "https://h/x", credential: /c, github_app: {app: 1, installation: 1, key: /k}}
"""
    _, problems = load_run("run.yaml", text.encode())
    assert [problem.code for problem in problems] == ["SPEC015"] * 3
