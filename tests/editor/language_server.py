"""Try the schema in a real language server: what an editor completes, shows and marks in a spec.

Needs Node and the package yaml-language-server, and so is run by hand, when the schema changes:

    npm install --prefix FOLDER yaml-language-server@1.15.0
    python tests/editor/language_server.py FOLDER/node_modules/.bin/yaml-language-server
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).resolve().parents[2] / "specs" / "schema" / "reconciler.v1.json"
SPEC = """\
# yaml-language-server: $schema={schema}
apiVersion: reconciler/v1
kind: Service
metadata:
  name: web
spec:
  image: redis:7
  deploy:
    replicas: 2
  replicsa: 3
"""
LINE_OF_REPLICAS, LINE_OF_TYPO, LINE_OF_REST = 8, 9, 10


class Server:
    """A language server that is spoken to over its standard streams, as editors do."""

    def __init__(self, command: str) -> None:
        self.child = subprocess.Popen([command, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.number = 0
        self.notes: list[dict[str, Any]] = []

    def send(self, method: str, params: Any, **more: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        assert self.child.stdin is not None
        self.child.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.child.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The next message; a question of the server's is answered with nothing at all."""
        assert self.child.stdout is not None
        length = 0
        while line := self.child.stdout.readline().strip():
            name, _, text = line.partition(b":")
            length = int(text) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(self.child.stdout.read(length))
        if "method" in message and "id" in message:
            count = len(message["params"].get("items", ())) if isinstance(message["params"], dict) else 0
            self.answer(message["id"], [{} for _ in range(count)] or None)
        return message

    def answer(self, number: object, result: object) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()
        assert self.child.stdin is not None
        self.child.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.child.stdin.flush()

    def ask(self, method: str, params: Any) -> Any:
        """Send a request and wait for its answer; what comes before is kept as notes."""
        self.number += 1
        self.send(method, params, id=self.number)
        while True:
            message = self.receive()
            if message.get("id") == self.number and "method" not in message:
                return message.get("result")
            self.notes.append(message)

    def diagnostics(self) -> list[dict[str, Any]]:
        """What the server marks in the file."""
        while True:
            for note in self.notes:
                if note.get("method") == "textDocument/publishDiagnostics":
                    found: list[dict[str, Any]] = note["params"]["diagnostics"]
                    return found
            self.notes.append(self.receive())

    def close(self) -> None:
        self.child.kill()
        self.child.wait()


def main(command: str) -> int:
    """Print what the editor would show; 1 when it is not what it should be."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "web.yaml"
        text = SPEC.format(schema=SCHEMA.as_uri())
        server = Server(command)
        try:
            return judge(*look(server, file, text))
        finally:
            server.close()


def look(server: Server, file: Path, text: str) -> tuple[list[str], str, list[str]]:
    """Names that are offered, the text that hovers over a field, and the marks."""
    document = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": text}
    folder = {"uri": file.parent.as_uri(), "name": "specs"}
    server.ask(
        "initialize",
        {
            "processId": None,
            "rootUri": folder["uri"],
            "workspaceFolders": [folder],
            "capabilities": {
                "textDocument": {
                    "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
                    "hover": {"contentFormat": ["markdown"]},
                }
            },
        },
    )
    server.send("initialized", {})
    settings = {
        "yaml": {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}
    }
    server.send("workspace/didChangeConfiguration", {"settings": settings})
    server.send("textDocument/didOpen", {"textDocument": document})
    marks = [f"{mark['range']['start']['line']}: {mark['message']}" for mark in server.diagnostics()]
    at = {"textDocument": {"uri": file.as_uri()}}
    hover = server.ask("textDocument/hover", {**at, "position": {"line": LINE_OF_REPLICAS, "character": 6}})
    typed = {
        "textDocument": {"uri": file.as_uri(), "version": 2},
        "contentChanges": [{"text": text + "  rest"}],
    }
    server.send("textDocument/didChange", typed)
    offered = server.ask(
        "textDocument/completion", {**at, "position": {"line": LINE_OF_REST, "character": 6}}
    )
    names = [item["label"] for item in (offered or {}).get("items", ())]
    return names, str((hover or {}).get("contents", {}).get("value", "")), marks


def judge(offered: list[str], hover: str, marks: list[str]) -> int:
    """Whether a field is completed, explained, and its misspelling marked."""
    print("offered:", ", ".join(sorted(offered)))
    print("hover:", " ".join(hover.split()))
    print("marks:", *marks, sep="\n  ")
    right = {
        "restart is offered": "restart" in offered,
        "replicas is explained": "How many instances run" in hover,
        "replicsa is marked": any(f"{LINE_OF_TYPO}:" in mark and "replicsa" in mark for mark in marks),
    }
    for what, holds in right.items():
        print("ok  " if holds else "NOT ", what)
    return 0 if all(right.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
