"""A stand-in for the APIs of GitHub and GitLab, as far as ``post`` speaks to them: it remembers what is
posted, lists it page by page, answers as badly as it is told, and records every call."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

TOKEN = "t0ken-of-this-job"
BOT = "github-actions[bot]"
ME = "deployer"


@dataclass
class ForgeStandIn:
    """Listens on loopback while in ``with``. ``bad``: (method, status, headers) for the next such calls;
    a status below 0 does the deed and answers 502."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    bad: list[tuple[str, int, dict[str, str]]] = field(default_factory=list)
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    kind: str = "github"

    def __enter__(self) -> Self:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand_in._serve(self)

            do_POST = do_PATCH = do_PUT = do_GET

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def written(self) -> list[tuple[str, str]]:
        """The calls that change something."""
        return [(method, path) for method, path, _ in self.calls if method != "GET"]

    def add_comment(self, author: str, body: str) -> dict[str, Any]:
        number = 100 + len(self.comments)
        entry = {"id": number, "user": {"login": author}, "author": {"username": author}, "body": body}
        self.comments.append({**entry, "html_url": f"https://forge.example/c/{number}"})
        return self.comments[-1]

    def add_issue(self, author: str, title: str, body: str, **more: Any) -> dict[str, Any]:
        number = 1 + len(self.issues)
        entry = {"number": number, "iid": number, "title": title, "body": body, "description": body}
        people = {"user": {"login": author}, "author": {"username": author}}
        self.issues.append({**entry, **people, "state": "open", **more})
        return self.issues[-1]

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        body = json.loads(request.rfile.read(length)) if length else None
        self.tokens.add(request.headers.get("Authorization") or request.headers.get("PRIVATE-TOKEN") or "")
        self.calls.append((request.command, request.path, body))
        found = next((bad for bad in self.bad if bad[0] == request.command), None)
        status, headers, answer = 200, {}, None
        if found is not None:
            self.bad.remove(found)
            _, status, headers = found
            answer = {"message": f"no, {TOKEN}"}
        if status < 0 or found is None:
            done = self._answer(request.command, request.path, body or {})
            status, answer = (502, None) if status < 0 else (404 if done is None else 200, done)
        content = json.dumps(answer).encode()
        request.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    def _answer(self, method: str, target: str, body: dict[str, Any]) -> Any:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        path = re.sub(r"^/(repos/team/shop|projects/7)(?=/)", "", url.path)
        kind = "notes" if target.startswith("/projects") else "comments"
        if path == "/user":
            return {"username": ME} if self.kind == "gitlab" else None
        if re.fullmatch(rf"/(issues|merge_requests)/12/{kind}", path):
            if method == "GET":
                return self._paged(self.comments, query)
            return self.add_comment(self.me, body["body"])
        if match := re.fullmatch(r"/(?:issues/comments|merge_requests/12/notes)/(\d+)", path):
            return self._change(self.comments, "id", int(match[1]), body)
        if path == "/issues":
            if method == "POST":
                return self.add_issue(self.me, body["title"], body.get("body") or body["description"])
            return self._paged([i for i in self.issues if i["state"] == "open"], query)
        if match := re.fullmatch(r"/issues/(\d+)", path):
            closed = {"state": "closed"} if body.get("state") == "closed" or "state_event" in body else {}
            return self._change(self.issues, "number", int(match[1]), {**body, **closed})
        return self._pull(method, path, query, body)

    def _pull(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Any:
        if path in ("/pulls", "/merge_requests"):
            if method == "GET":
                head = query.get("head", "") or query.get("source_branch", "")
                return self._paged([p for p in self.pulls if p["label"] == head], query)
            branch = body.get("head") or body["source_branch"]
            label = f"team:{branch}" if path == "/pulls" else branch
            self.pulls.append({"number": 30, "iid": 30, "label": label, **body})
            return self.pulls[-1]
        if match := re.fullmatch(r"/(?:pulls|merge_requests)/(\d+)", path):
            return self._change(self.pulls, "number", int(match[1]), body)
        return None

    def _change(self, entries: list[dict[str, Any]], key: str, number: int, body: dict[str, Any]) -> Any:
        entry = next(entry for entry in entries if entry[key] == number)
        entry |= {**body, **({"body": body["description"]} if "description" in body else {})}
        return entry

    def _paged(self, entries: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
        size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
        return entries[(page - 1) * size : page * size]

    @property
    def me(self) -> str:
        """Whose token it is."""
        return ME if self.kind == "gitlab" else BOT

    def variables(self) -> dict[str, str]:
        """What a job finds in its environment; the token apart."""
        if self.kind == "gitlab":
            return {"GITLAB_CI": "true", "CI_API_V4_URL": self.url, "CI_PROJECT_ID": "7"}
        return {"GITHUB_ACTIONS": "true", "GITHUB_API_URL": self.url, "GITHUB_REPOSITORY": "team/shop"}
