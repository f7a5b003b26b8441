from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from git_repository import WrittenRepository
from reconciler.cli import initialise
from reconciler.cli.compose_files import RepositoryFiles
from reconciler.cli.envelope import Report, Stop
from reconciler.cli.options import Options
from reconciler.compose.convert import convert_project
from reconciler.compose.passwords import looks_secret, name_of
from reconciler.compose.places import EngineFacts
from reconciler.compose.project import Project, read_project
from reconciler.compose.tree import ComposeError
from reconciler.ownership import Owner
from specs.effective import effective
from specs.load import SpecFile, load
from specs.problem import has_errors


@pytest.fixture(autouse=True)
def _without_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")


def initialise_in(root: Path) -> Report:
    report = initialise.run(Options("init", repo=str(root)))
    assert report.exit == 0
    assert not report.problems
    return report


def documents(root: Path) -> dict[tuple[str, str], dict[str, object]]:
    """What was written, by kind and name, after the language itself has taken it."""
    files = [SpecFile(p.relative_to(root).as_posix(), p.read_bytes()) for p in root.glob("specs/*.yaml")]
    spec_set, problems = load(files)
    assert not has_errors(problems), [str(p) for p in problems]
    found, problems = effective(spec_set, "dev")
    assert found is not None, [str(p) for p in problems]
    parts = [part for file in files for part in yaml.safe_load_all(file.content)]
    return {(part["kind"], part["metadata"]["name"]): part["spec"] for part in parts}


def notes(report: Report) -> str:
    return str(report.members["notes"])


def test_dockerfiles_become_images_and_services(tmp_path: Path) -> None:
    root = tmp_path / "My_Shop"
    (root / "api").mkdir(parents=True)
    (root / "node_modules").mkdir()
    (root / "Dockerfile").write_text("FROM node AS build\nEXPOSE 1\nFROM scratch\nEXPOSE 8080/tcp $PORT\n")
    (root / "api" / "Dockerfile").write_text('FROM busybox\nEXPOSE 8080 \\\n 9000\nVOLUME ["/data"]\n')
    (root / "node_modules" / "Dockerfile").write_text("FROM busybox\n")
    report = initialise_in(root)
    found = documents(root)
    assert found["Service", "my-shop"] == {"image": "my-shop", "ports": ["8080:8080"]}
    assert found["Service", "api"]["ports"] == ["9000:9000"]
    assert found["Service", "api"]["volumes"] == [{"target": "/data", "type": "volume", "source": "api-data"}]
    assert found["Image", "api"]["build"] == {"context": "api"}
    assert found["Registry", "local"] == {"provider": "local"}
    assert ("Image", "node-modules") not in found
    assert "port 8080 is exposed by another service too" in notes(report)
    assert report.text.endswith("  reconciler apply dev\n")


def test_the_next_command_commits_the_sources_too_where_they_are_not(tmp_path: Path) -> None:
    repository = WrittenRepository(tmp_path)
    repository.write({"Dockerfile": "FROM busybox\n"})
    assert "git add . &&" in initialise_in(tmp_path).text
    for path in tmp_path.glob("specs/*"):
        path.unlink()
    repository.commit()
    assert "git add specs &&" in initialise_in(tmp_path).text


def test_an_empty_folder_gets_an_example(tmp_path: Path) -> None:
    initialise_in(tmp_path)
    assert ("Service", "hello") in documents(tmp_path)
    assert ("Registry", "local") not in documents(tmp_path)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "mine.yml").write_text("mine")
    with pytest.raises(Stop) as stopped:
        initialise.run(Options("init", repo=str(tmp_path)))
    assert stopped.value.exit == 1
    assert [p.name for p in (tmp_path / "specs").iterdir()] == ["mine.yml"]


COMPOSE = """
x-env: &env
  LOG: info
  DB_PASSWORD: hunter2
services:
  web:
    build: {context: ./web, args: {V: 1}, cache_from: [x]}
    image: me/web
    container_name: web
    environment:
      <<: *env
      GREETING: "${GREETING:-hi}"
      URL: "http://${HOST}/"
      DEBUG: true
      PRICE: "$$5"
    ports: ["8080:80", 22:22, {target: 53, published: 53, protocol: udp, mode: host}]
    volumes:
      - ./nginx.conf:/etc/nginx/nginx.conf:ro
      - data:/data
      - /cache
      - ../up:/up
      - /etc/hosts:/etc/hosts:ro
      - {type: tmpfs, target: /tmp}
    depends_on: {my_db: {condition: service_healthy, restart: true}}
    mem_limit: 256m
    cpus: 0.5
    scale: 1
    secrets: [session_key]
  my_db:
    extends: {service: template}
    environment: ["POSTGRES_PASSWORD=x", "TZ=UTC", "FROM_SHELL"]
    volumes: [pg:/var/lib/postgresql/data]
    networks: {back: {aliases: [db]}, default: null}
  template:
    image: postgres:16
    privileged: true
    restart: always
    healthcheck: {test: pg_isready, interval: 5s, start_interval: 1s}
    deploy: {resources: {limits: {cpus: '1', memory: 1G}}, update_config: {order: start-first}}
  tool: {image: "busybox:1.36", profiles: [tools]}
volumes: {data: , pg: {labels: {a: b}}}
networks: {back: {internal: true}}
secrets: {session_key: {file: ./key}}
"""


def test_a_compose_file_is_converted_and_says_what_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "nginx.conf").write_text("events {}")
    report = initialise_in(tmp_path)
    found = documents(tmp_path)
    web, database = found["Service", "web"], found["Service", "my-db"]
    assert web["environment"] == {
        "LOG": "info",
        "DB_PASSWORD": {"secret": "db-password"},
        "GREETING": "hi",
        "URL": "http://${HOST}/",
        "DEBUG": "true",
        "PRICE": "$$5",
    }
    assert web["ports"] == ["8080:80", "22:22", "53:53/udp"]
    assert web["configs"] == [{"source": "nginx-conf", "target": "/etc/nginx/nginx.conf"}]
    assert web["deploy"] == {"resources": {"limits": {"memory": "256m", "cpus": "0.5"}}, "replicas": 1}
    assert web["depends_on"] == {"my-db": {"condition": "service_healthy"}}
    assert web["secrets"] == [{"source": "session-key", "target": "/run/secrets/session_key"}]
    assert database["image"] == "postgres:16"
    assert database["restart"] == "always"
    assert database["privileged"] is True
    assert database["networks"] == {"back": {"aliases": ["db"]}, "default": {}}
    assert database["environment"] == {"POSTGRES_PASSWORD": {"secret": "postgres-password"}, "TZ": "UTC"}
    environment = found["Environment", "dev"]
    assert environment["variables"] == {"HOST": ""}
    assert environment["services"] == {"exclude": ["tool"]}
    assert environment["allow"] == {"host_mounts": ["/etc/hosts"], "privileged": ["my-db", "template"]}
    told = notes(report)
    for words in (
        "FROM_SHELL came from the shell",
        "my-db: asks for privileged my-db",
        "deploy.update_config is left out: only Swarm reads it",
        "the mount of ../up at /up is left out",
        "my-db: was my_db",
        "the volume without a name at /cache is now web-cache",
    ):
        assert words in told
    written = "".join(path.read_text() for path in tmp_path.glob("specs/*"))
    assert "hunter2" not in written + told


def read(root: Path, text: str, *paths: str) -> Project:
    (root / "compose.yaml").write_text(text)
    project = read_project(RepositoryFiles(root), root.name, paths)
    assert project is not None
    return project


def test_a_hostile_compose_file_is_refused(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 8)
    )
    merges = "a0: &a0 {x: 1, y: 2}\n" + "".join(
        f"a{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 8)
    )
    nested = "${A:-" * 5000 + "}" * 5000
    for text in (
        "services: {a: !!python/object:os.system {}}",
        "services: {a: !unknown {}}",
        "services: [",
        "password: hunter2\n",
        f"{bomb}services: {{a: *a7}}",
        f"{merges}services: {{a: *a7}}",
        "services: " + "{a: " * 5000 + "}" * 5000,
        "services: {a: {extends: b}, b: {extends: a}}",
        "services: {a: {extends: {service: x, file: other.yaml}}}",
        "services: {a: {extends: {service: x, file: ../other.yaml}}}",
        "services: {a: {extends: {service: x, file: /etc/hunter2.yaml}}}",
        "include: [compose.yaml]\nservices: {a: {image: x}}",
        f'services: {{a: {{image: "{nested}"}}}}',
        'services: {a: {image: "${hunter2 x}"}}',
        'services: {a: {image: "$"}}',
        "services: {a: {ports: [hunter2]}}",
    ):
        with pytest.raises(ComposeError) as refused:
            read(tmp_path, text)
        assert "hunter2" not in str(refused.value)


def test_what_grows_without_bound_is_refused_soon(tmp_path: Path) -> None:
    began = time.monotonic()
    lines = ["V0=xxxxxxxxxx", *(f"V{i}=$V{i - 1}$V{i - 1}" for i in range(1, 40))]
    for dotenv, text in (
        ("\n".join(lines), "services: {a: {image: x}}"),
        (f"A={'x' * 900_000}", f"services: {{a: {{image: x, dns: [{','.join(['$A'] * 5000)}]}}}}"),
        ("", f"services: {{{','.join(f's{i}: {{image: x}}' for i in range(2000))}}}"),
        ("A=1", f"services: {{a: {{image: '{'$A' * 400_000}{'x' * 300_000}'}}}}"),
    ):
        (tmp_path / ".env").write_text(dotenv)
        with pytest.raises(ComposeError):
            read(tmp_path, text)
    assert time.monotonic() - began < 20


def test_nothing_outside_of_the_repository_is_read(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.yaml").write_text("services: {x: {image: stolen}}\n")
    (tmp_path / "outside" / "x.env").write_text("WORD=stolen\n")
    root = tmp_path / "repository"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "x.yaml").symlink_to(tmp_path / "outside" / "x.yaml")
    for path in ("link/x.yaml", "x.yaml", "../outside/x.yaml", str(tmp_path / "outside" / "x.yaml")):
        with pytest.raises(ComposeError):
            read(root, f"services: {{a: {{extends: {{service: x, file: {path}}}}}}}")
        with pytest.raises(ComposeError):
            read(root, f"include: [{path}]")
        with pytest.raises(ComposeError):
            read(root, "services: {a: {image: x}}", path)
    project = read(root, "services: {a: {image: x, env_file: ../outside/x.env}}")
    assert project.services["a"]["env_file"] == [
        {"path": "../outside/x.env", "required": True, "values": None, "outside": True}
    ]
    (root / ".env").symlink_to(tmp_path / "outside" / "x.env")
    with pytest.raises(ComposeError):
        read(root, "services: {a: {image: $WORD}}")


def test_the_callers_environment_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORD", "COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"):
        monkeypatch.setenv(name, "stolen")
    project = read(
        tmp_path, 'services: {a: {image: "x:${WORD:-9}", environment: [WORD], profiles: [stolen]}}'
    )
    assert project.services["a"]["image"] == "x:9"
    assert project.services["a"]["environment"] == {"WORD": None}
    assert project.name != "stolen"
    assert not project.profiles


def test_a_default_is_taken_and_a_value_of_dotenv_before_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# comment\nTAG='1.2'\nexport SITE=a$$b # why\nEMPTY=\n")
    text = 'command: ["$SITE", "${NO-5}", "${W:?needed}", "$$x", "${EMPTY-e}", "${EMPTY:-e}", "${TAG:+set}"]'
    project = read(tmp_path, f'services: {{a: {{image: "x:${{TAG:-9}}", {text}}}}}')
    service = project.services["a"]
    assert service["image"] == "x:1.2"
    words = service["command"]
    assert isinstance(words, list)
    assert [project.marks.value(word) for word in words] == ["a$b", "5", "", "$x", "", "e", "set"]
    assert [found.kind for found in project.marks.within(words[2])] == ["required"]


def test_passwords_go_where_they_are_looked_up_and_nowhere_else(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    (root / ".env").write_text("DB_PASSWORD=hunter2\n")
    (root / "key").write_text("hunter4\n")
    (root / "compose.yaml").write_text(
        """
services:
  db: {image: "postgres:16", environment: {POSTGRES_PASSWORD: "${DB_PASSWORD}"}, secrets: [key]}
  web:
    image: busybox:1.36
    command: redis-server --requirepass hunter3
    environment: {URL: "postgres://me:hunter2@db/x", DB: "${DB_PASSWORD}", TOKEN: }
secrets: {key: {file: ./key}}
"""
    )
    report = initialise_in(root)
    web = documents(root)["Service", "web"]
    assert web["environment"] == {
        "URL": "postgres://me:${secret:db-password}@db/x",
        "DB": {"secret": "db-password"},
        "WEB_REQUIREPASS": {"secret": "web-requirepass"},
    }
    assert web["command"] == ["sh", "-c", 'exec redis-server --requirepass "$${WEB_REQUIREPASS}"']
    assert "reconciler init --secrets /run/secrets" in report.text
    written = "".join(path.read_text() for path in root.glob("specs/*")) + report.text + notes(report)
    assert "hunter" not in written
    options = Options("init", repo=str(root), secrets=str(tmp_path / "safe"))
    done = initialise.run(options)
    folder = tmp_path / "safe" / "shop" / "dev"
    values = {path.name: path.read_text() for path in folder.iterdir()}
    assert values == {"db-password": "hunter2", "web-requirepass": "hunter3", "key": "hunter4\n\n"}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())
    assert "hunter" not in done.text
    assert initialise.run(options).members["secrets"] == []
    with pytest.raises(Stop) as stopped:
        initialise.run(Options("init", repo=str(root), secrets=str(root / "safe")))
    assert stopped.value.problems[0].code == "INIT004"


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("DB_PASSWORD", "x", True),
        ("db_password", "x", True),
        ("AWS_SECRET_ACCESS_KEY", "x", True),
        ("API_KEY", "x", True),
        ("TOKEN", "x", True),
        ("GF_SECURITY_ADMIN_PASSWORD", "x", True),
        ("ALLOW_EMPTY_PASSWORD", "yes", False),
        ("JWT_TOKEN_EXPIRY", "3600", False),
        ("SECRET_KEY_BASE", "x", True),
        ("DB_PASSWORD_FILE", "/run/x", False),
        ("DB_PASSWORD", "", False),
        ("PASSENGER_PORT", "1", False),
        ("KEYBOARD", "de", False),
        ("HOME_URL", "http://h:80/", False),
    ],
)
def test_what_looks_like_a_password(name: str, value: str, secret: bool) -> None:
    assert looks_secret(name, value) is secret


def test_names_are_labels() -> None:
    assert name_of("My_App.v2") == "my-app-v2"
    assert name_of("---") == "app"
    assert len(name_of("x" * 100)) == 63


def write(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


def test_what_holds_passwords_is_kept_out_of_git(tmp_path: Path) -> None:
    repository = WrittenRepository(tmp_path / "shop")
    compose = 'services: {a: {image: "x:1", restart: always, env_file: [app.env, plain.env]}}\n'
    write(repository.path, {"compose.yaml": compose, "app.env": "TOKEN=hunter2\n", "plain.env": "A=1\n"})
    repository.git("add", "compose.yaml")
    report = initialise_in(repository.path)
    assert "app.env holds passwords: keep it out of git" in notes(report)
    assert "echo /app.env >> .gitignore" in report.text
    assert "plain.env is written out under environment: so is the one before it" in report.text
    assert "plain.env holds" not in report.text
    found = documents(repository.path)["Service", "a"]
    assert found["environment"] == {"TOKEN": {"secret": "token"}, "A": "1"}


def test_a_plain_env_file_stays_a_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"compose.yaml": 'services: {a: {image: "x:1", env_file: a.env}}', "a.env": "# x\nA=1\n\nB=\n"},
    )
    initialise_in(tmp_path)
    assert yaml.safe_load((tmp_path / "specs/a.yaml").read_text())["spec"]["env_file"] == ["a.env"]


MOUNTS = """
services:
  a:
    image: busybox:1.36
    restart: always
    volumes:
      - ./conf:/etc/conf
      - ./conf/one:/one:ro
      - ./data:/var/lib/app
      - ./ignored.pem:/etc/ssl/ignored.pem:ro
      - ./acme.json:/acme.json
      - ./empty:/empty
      - /srv/media/:/media:ro,rslave
      - ~/.aws:/root/.aws
      - .:/src
  b: {image: busybox:1.36, restart: always, volumes_from: ["a:ro"]}
"""


def test_a_path_of_the_repository_is_a_config_or_a_volume(tmp_path: Path) -> None:
    repository = WrittenRepository(tmp_path / "shop")
    files = {
        "conf/one": "1",
        "empty/.gitkeep": "",
        "ignored.pem": "x",
        ".gitignore": "*.pem\ndata\n",
        "data/x": "x",
    }
    write(repository.path, {"compose.yaml": MOUNTS, **files})
    report = initialise_in(repository.path)
    found = documents_without_checks(repository.path)
    assert found["Service", "a"]["configs"] == [
        {"source": "conf", "target": "/etc/conf"},
        {"source": "conf-one", "target": "/one"},
    ]
    assert found["Service", "a"]["volumes"] == [
        {"type": "volume", "source": "data", "target": "/var/lib/app"},
        {"type": "volume", "source": "empty", "target": "/empty"},
        {
            "type": "bind",
            "source": "/srv/media",
            "target": "/media",
            "read_only": True,
            "bind": {"propagation": "rslave"},
        },
    ]
    volumes = found["Service", "b"]["volumes"]
    assert isinstance(volumes, list)
    assert all(mount["read_only"] for mount in volumes)
    told = notes(report)
    assert 'docker run --rm -v "$PWD/data:/from:ro" -v shop_dev_data:/to busybox cp -a /from/. /to/' in told
    for words in (
        "./ignored.pem at /etc/ssl/ignored.pem is left out",
        "./acme.json",
        "~/.aws",
        "the mount of . at /src",
    ):
        assert words in told


def documents_without_checks(root: Path) -> dict[tuple[str, str], dict[str, object]]:
    parts = [part for path in root.glob("specs/*.yaml") for part in yaml.safe_load_all(path.read_text())]
    return {(part["kind"], part["metadata"]["name"]): part["spec"] for part in parts}


def test_what_an_engine_knows_is_kept(tmp_path: Path) -> None:
    text = """
services:
  web: {image: "app:1", restart: always, volumes: ["data:/data", "/cache"]}
  db: {image: "own/db:2", restart: always}
  cache: {image: "redis:7", restart: always}
volumes: {data: , other: {name: plain}, gone: {name: named}}
"""
    project = read(tmp_path, text)
    facts = EngineFacts(
        reached=True,
        volumes=frozenset({f"{project.name}_data", "plain"}),
        mounted=(("web", "/cache", "0123abc"), ("cache", "/data", "4567def")),
        declared=(("own/db:2", ("/var/db",)),),
    )
    draft = convert_project(project, RepositoryFiles(tmp_path), facts, Owner("shop", "dev"))
    assert draft.of_kind("Volume") == {
        "data": {"external": True, "name": f"{project.name}_data"},
        "other": {"external": True, "name": "plain"},
        "gone": {},
        "web-cache": {"external": True, "name": "0123abc"},
        "db-var-db": {},
        "cache-data": {"external": True, "name": "4567def"},
    }
    topics = {(note.topic, note.subject) for note in draft.notes}
    assert ("image-volume", "db") in topics
    assert ("data", "cache") in topics


def test_jobs_are_told_from_what_runs_on(tmp_path: Path) -> None:
    text = """
services:
  web: {image: "x:1", depends_on: {migrate: {condition: service_completed_successfully}}}
  migrate: {image: "x:1", restart: on-failure}
  seed: {image: "x:1", restart: "no"}
  buckets: {image: "x:1", entrypoint: sh -c "mc mb a; exit 0;"}
  api: {image: "x:1", restart: on-failure, ports: ["80:80"]}
  old: {image: "x:1", deploy: {restart_policy: {condition: any}}}
"""
    project = read(tmp_path, text)
    draft = convert_project(project, RepositoryFiles(tmp_path), EngineFacts(), Owner("shop", "dev"))
    policies = {name: spec.get("restart") for name, spec in draft.of_kind("Service").items()}
    assert policies == {
        "web": None,
        "migrate": "on-failure",
        "seed": "no",
        "buckets": "no",
        "api": None,
        "old": "always",
    }
    noted = {note.subject for note in draft.notes if note.topic in ("restart", "job")}
    assert noted == {"web", "migrate", "seed", "buckets", "api"}


def test_a_word_that_the_language_refuses_goes_with_its_reason(tmp_path: Path) -> None:
    words = "oom_score_adj: -5, sysctls: {kernel.panic: 1, net.ipv4.ip_forward: 1}"
    text = f'services: {{a: {{image: "x:1", restart: always, {words}}}}}'
    project = read(tmp_path, text)
    draft = convert_project(project, RepositoryFiles(tmp_path), EngineFacts(), Owner("shop", "dev"))
    spec = draft.of_kind("Service")["a"]
    assert "oom_score_adj" not in spec
    assert spec["sysctls"] == {"net.ipv4.ip_forward": "1"}
    assert sorted(note.topic for note in draft.notes) == ["dropped", "dropped"]
