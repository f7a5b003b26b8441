"""Canaries in secrets, logins, URLs and beside mistakes: no verb, in no form, ever sings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from git_repository import WrittenRepository
from reconciler.cli.arguments import VERBS
from reconciler.cli.arguments_loop import FOREVER
from reconciler.cli.run import run_command

CANARY = "canary7f3a"
GOOD = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: dev}
spec: {project: shop, worktree: allow, variables: {PLAIN: x}}
---
apiVersion: reconciler/v1
kind: Registry
metadata: {name: main}
spec:
  provider: oci
  url: registry.invalid/shop
  auth: {username: ci, password: {secret: registry-password}}
---
apiVersion: reconciler/v1
kind: Image
metadata: {name: api}
spec: {registry: main, repository: api, build: {context: api}}
---
apiVersion: reconciler/v1
kind: Secret
metadata: {name: token}
spec: {}
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: web}
spec:
  image: api
  environment: {PASSWORD: {secret: db-password}, URL: "db://u:${secret:db-password}@db", LEVEL: "${PLAIN}"}
  secrets: [token]
"""  # a flow mapping cannot be broken where the message's column counts
SERVICE = "apiVersion: reconciler/v1\nkind: Service\nmetadata: {name: web}\nspec:\n  image: redis:7\n"
ENVIRONMENT = (
    "---\napiVersion: reconciler/v1\nkind: Environment\nmetadata: {name: dev}\nspec: {project: shop}\n"
)
PATCH = f"patches: [{{kind: Service, name: web, spec: {{tty: {CANARY}}}}}]"
BROKEN = {
    "an open quote": SERVICE + f'  environment:\n    PASSWORD: "{CANARY}\n    B: c\n',
    "an open bracket": SERVICE + f"  command: [login, {CANARY}\n",
    "a tab": SERVICE + f"  environment:\n\tPASSWORD: {CANARY}\n",
    "bad bytes": SERVICE + f"  user: {CANARY}\udcff\n",
    "a colon": SERVICE + f"  user: a: {CANARY}\n",
    "an unknown field": SERVICE + f"  pasword: {CANARY}\n",
    "a secret as a key": SERVICE + f"  environment: {{'{CANARY} =': a}}\n",
    "a key twice": SERVICE + f"  environment: {{A: {CANARY}, A: {CANARY}}}\n",
    "an alias": SERVICE + f"  environment: {{A: &x {CANARY}, B: *x}}\n",
    "a tag": SERVICE + f"  user: !{CANARY} x\n",
    "a type": SERVICE + f"  deploy: {{replicas: {CANARY}}}\n",
    "a duration": SERVICE + f"  stop_grace_period: {CANARY}!\n",
    "a port": SERVICE + f"  ports: ['{CANARY}:{CANARY}:80:80']\n",
    "a mount": SERVICE + f"  volumes: ['./{CANARY}:/x', '{CANARY}', '/{CANARY} x:/y']\n",
    "a pair": SERVICE + f"  environment: ['{CANARY}']\n",
    "an odd scalar": SERVICE + f"  environment: {{A: 0o7, B: '{CANARY}'}}\n",
    "a name": SERVICE.replace("name: web", f"name: '{CANARY} X'"),
    "a kind": SERVICE.replace("kind: Service", f"kind: '{CANARY} X'"),
    "a version": SERVICE.replace("reconciler/v1", f"reconciler/{CANARY}"),
    "an image with a login": SERVICE.replace("redis:7", f"https://u:{CANARY}@host/x:1"),
    "an image with a password": SERVICE.replace("redis:7", f"'u:{CANARY}@sha256:12'"),
    "a variable": SERVICE + f"  user: $ {CANARY}\n" + ENVIRONMENT,
    "a variable's default": SERVICE + f"  user: '${{A:-{CANARY}}}'\n" + ENVIRONMENT,
    "a health check": SERVICE + f"  healthcheck: {{test: ['curl', '{CANARY}']}}\n",
    "a registry with a login": GOOD.replace("registry.invalid", f"u:{CANARY}@registry.invalid"),
    "a password in the text": GOOD.replace("{secret: registry-password}", CANARY),
    "a secret of another form": GOOD.replace("{secret: db-password}", f"{{secret: '{CANARY}!'}}"),
    "a secret with its value": GOOD.replace("spec: {}\n", f"spec: {{file: {CANARY}.txt}}\n"),
    "a patch": GOOD.replace("worktree: allow", PATCH),
    "a driver's option": GOOD + "---\napiVersion: reconciler/v1\nkind: Volume\nmetadata: {name: v}\n"
    f"spec: {{driver_opts: {{type: cifs, o: 'username=u,password={CANARY}', pasword: {CANARY}}}}}\n",
    "another tool's file": f"stringData: {{password: {CANARY}}}\n",
    "an endpoint": GOOD.replace("worktree: allow", f"runtime: {{provider: docker, endpoint: 'tcp://u:{CANARY}@h:1'}}"),
}  # fmt: skip


@pytest.fixture(name="repository")
def _repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WrittenRepository:
    """A shop whose engine and registry cannot be reached, with a canary in every secret place."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("RECONCILER_ENDPOINT_DEV", f"unix://{tmp_path}/nowhere.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    (tmp_path / "docker").mkdir()
    login = {"auths": {"registry.invalid": {"username": "u", "password": f"{CANARY}docker"}}}
    (tmp_path / "docker" / "config.json").write_text(json.dumps(login))
    for name in ("DB_PASSWORD", "TOKEN", "REGISTRY_PASSWORD"):
        monkeypatch.setenv(f"RECONCILER_SECRET_SHOP__DEV__{name}", f"{CANARY}{name}")
    repository = WrittenRepository(tmp_path / "repository")
    repository.git("remote", "add", "origin", f"https://ci:{CANARY}@git.invalid/shop.git")
    repository.commit({"specs/shop.yaml": GOOD, "api/Dockerfile": "FROM scratch\n"}, f"said {CANARY}")
    return repository


def spoken(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    try:
        code = run_command(words)
    except SystemExit as stopped:
        code = int(str(stopped.code))
    told = capsys.readouterr()
    assert "Traceback" not in told.err, told.err
    assert code in {0, 1, 2, 3, 4, 5, 64}, (words, told.err)
    return told.out + told.err


def command_lines(verb: str, *options: str) -> list[list[str]]:
    """The verb in every form; what a form does not fit ends as wrong usage, which may say nothing either."""
    words = {
        "init": [], "validate": [], "schema": [], "explain": ["SPEC012"], "lock": [],
        "why": ["dev", "web"], "exec": ["dev", "web"], "task": ["dev", "web"],
        "rollout": ["dev", "web", "--pause"],
    }.get(verb, ["dev"])  # fmt: skip
    tail = ["--", "true"] if verb in ("exec", "task") else []
    source = options if verb not in ("schema", "explain") else ()
    return [[verb, *words, *source, *form, *tail] for form in ([], ["--json"], ["--markdown", "--worktree"])]


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - set(FOREVER)))
def test_no_verb_shows_a_secret(
    verb: str, repository: WrittenRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    timeout = ["--timeout", "1s"] if verb == "apply" else []
    for words in command_lines(verb, "--repo", str(repository.path), *timeout):
        assert CANARY not in spoken(words, capsys), words
    written = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert not [path for path in written if CANARY in path.read_text()]


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_no_message_about_a_mistake_shows_what_stands_beside_it(
    case: str, repository: WrittenRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    content = BROKEN[case].encode("utf-8", "surrogateescape")
    (repository.path / "specs" / "shop.yaml").write_bytes(content)
    for words in (["validate"], ["plan", "dev", "--worktree"], ["render", "dev", "--worktree", "--json"]):
        said = spoken([*words, "--repo", str(repository.path)], capsys)
        assert CANARY not in said, words
        assert "validate" not in words or "  [" in said, "it is a mistake"


def test_a_password_in_the_url_of_a_repository_is_refused_unseen(
    repository: WrittenRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    for url in (
        f"https://u:{CANARY}@git.invalid/x",
        f"ssh://u:{CANARY}@git.invalid/x",
        f"https://{CANARY}@g/x",
    ):
        for form in ([], ["--json"]):
            said = spoken(["plan", "dev", "--repo", url, *form], capsys)
            assert "GIT012" in said
            assert CANARY not in said
