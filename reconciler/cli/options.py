"""What the command line says, typed."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from typing import Literal

DEFAULT_TIMEOUT = 15 * 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """One command line. Fields that its verb does not know keep their defaults."""

    verb: str
    environment: str = ""
    environments: tuple[str, ...] = ()
    """The environments of ``plan --base``; empty means every one."""
    base: str | None = None
    """The ref that ``plan`` compares with: then nothing but git is asked."""
    explain: bool = False
    service: str = ""
    """The service that the verb is about; empty means every one."""
    code: str = ""
    """The code that ``explain`` is about; empty means all."""
    repo: str = "."
    ref: str | None = None
    path: str = "specs"
    services: tuple[str, ...] = ()
    """The ``--service`` selection; empty means all."""
    files: tuple[str, ...] = ()
    """The Compose files of ``init``; the outputs that ``post`` posts."""
    what: str = ""
    """What ``post`` posts them as."""
    forge: Literal["github", "gitlab"] | None = None
    number: int | None = None
    """The pull request that ``post`` comments on."""
    dry_run: bool = False
    secrets: str | None = None
    """Where ``init`` writes the passwords of a Compose file."""
    as_json: bool = False
    markdown: bool = False
    sarif: bool = False
    junit: bool = False
    worktree: bool = False
    exit_code: bool = False
    strict: bool = False
    deep: bool = False
    """``drift``: read what lies in the volumes of files, too."""
    off_branch: bool = False
    backwards: bool = False
    heal: bool = False
    """``apply``: heal drift also where the environment only reports it."""
    allow_prune: str | None = None
    confirm: str | None = None
    container: str = ""
    """The container that ``adopt`` takes over, by name or id."""
    update: tuple[str, ...] = ()
    """What ``lock`` resolves again."""
    partial: bool = False
    logs: bool = False
    follow: bool = False
    tail: int | None = None
    since: str | None = None
    timestamps: bool = False
    instance: int | None = None
    command: tuple[str, ...] = ()
    """What ``exec`` and ``task`` run."""
    entrypoint: str | None = None
    no_tty: bool = False
    user: str | None = None
    workdir: str | None = None
    deadline: float | None = None
    """Seconds after which a task is ended; None for never."""
    timeout: float = DEFAULT_TIMEOUT
    config: str | None = None
    """The Run file of ``run``."""
    run_file: bool = False
    """``schema``: of the Run file."""
    output: str | None = None
    """``schema``: of what this verb prints."""
    watch: bool = False
    """``status``: until it is interrupted."""
    secrets_folder: str | None = None
    """Where the loop looks secrets up; None is the usual folder."""
    pusher: str = ""
    """Who pushes, for ``receive-ssh``."""
    socket: str = "/var/run/docker.sock"
    """The engine's socket that ``readonly`` leads to."""
    project: str | None = None
    """The project of an environment whose documents need not be read, for ``suspend`` and ``resume``."""
    to: str | None = None
    """The release that ``rollback`` goes to: the beginning of a commit or digest."""
    reason: str | None = None
    until: float | None = None
    """Seconds from now after which ``suspend`` ends by itself."""
    steer: Literal["next", "pause", "resume", "abort"] | None = None
    """What ``rollout`` says to a canary."""
    source_environment: str = ""
    """The environment that ``promote`` takes from."""
    branch: str | None = None
    """``promote``: the branch for review; empty for its usual name."""
    again: bool = False
    """``promote``: take what a rollback refused."""
    rebuilt: bool = False
    """``promote``: take other bytes of the same inputs."""
    commit: str | None = None
    """``promote``: of a hotfix."""
    drop_hotfix: bool = False
    """``promote``: take what does not contain the hotfix that is pinned."""
    is_automatic: bool = False
    """``promote``: the loop does it, as the environment's policy says."""
    limit: int = 20
    """How many entries ``history`` shows."""

    @classmethod
    def read(cls, namespace: Namespace) -> Options:
        """From what argparse found."""
        given = {name: value for name, value in vars(namespace).items() if value is not None}
        given["services"] = tuple(given.get("services", ()))
        given["files"] = tuple(given.get("files", ()))
        given["environments"] = tuple(given.get("environments", ()))
        given["update"] = tuple(given.get("update", ()))
        return cls(**given)
