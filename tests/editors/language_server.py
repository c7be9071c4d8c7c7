"""The language server of YAML that editors use, driven over its own protocol (LSP) on stdin and stdout."""

import json
import subprocess
import threading
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import Any, Self

from tests.editors.node import module, node

_WAIT_S = 60
_SETTINGS = {
    "yaml": {
        "validate": True,
        "hover": True,
        "completion": True,
        "schemaStore": {"enable": False},
        "disableDefaultProperties": False,
    },
    "http": {},
    "editor": {"tabSize": 2},
}


class LanguageServer:
    """A running server. Use it in a ``with`` block; it reaches no network."""

    def __init__(self, folder: Path) -> None:
        program = module("yaml-language-server") / "bin" / "yaml-language-server"
        self._folder = folder
        self._process = subprocess.Popen(
            [node(), str(program), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._answers: dict[int, Queue[Any]] = {}
        self._findings: Queue[tuple[str, list[dict[str, Any]]]] = Queue()
        self._count = 0
        self._version = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._read, daemon=True).start()
        snippets = {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}}
        capabilities = {
            "textDocument": {
                "completion": snippets,
                "hover": {"contentFormat": ["markdown"]},
                "publishDiagnostics": {},
            },
            "workspace": {"configuration": True},
        }
        root = self._folder.as_uri()
        self._ask(
            "initialize", {"processId": None, "rootUri": root, "capabilities": capabilities, "workspaceFolders": None}
        )
        self._notify("initialized", {})
        self._notify("workspace/didChangeConfiguration", {"settings": _SETTINGS})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def open(self, file: Path, text: str | None = None) -> list[dict[str, Any]]:
        """Show *text*, else the content of *file*, to the server as that file, and return its findings."""
        self._version += 1
        uri = file.as_uri()
        document = {
            "uri": uri,
            "languageId": "yaml",
            "version": self._version,
            "text": file.read_text() if text is None else text,
        }
        self._notify("textDocument/didOpen", {"textDocument": document})
        return self._findings_of(uri)

    def close(self, file: Path) -> None:
        """End what ``open`` has begun; the server takes its findings back."""
        self._notify("textDocument/didClose", {"textDocument": {"uri": file.as_uri()}})
        self._findings_of(file.as_uri())

    def _findings_of(self, uri: str) -> list[dict[str, Any]]:
        while True:
            name, findings = self._findings.get(timeout=_WAIT_S)
            if name == uri:
                return findings

    def complete(self, file: Path, line: int, column: int) -> list[dict[str, Any]]:
        """The completions at a place; lines and columns count from 0."""
        found = self._ask("textDocument/completion", _place(file, line, column))
        return list(found["items"] if isinstance(found, dict) else found or [])

    def hover(self, file: Path, line: int, column: int) -> str:
        """The text about a place, in Markdown."""
        found = self._ask("textDocument/hover", _place(file, line, column))
        return str(found["contents"]["value"]) if found else ""

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        self._count += 1
        answer = self._answers[self._count] = Queue()
        self._send({"id": self._count, "method": method, "params": params})
        found = answer.get(timeout=_WAIT_S)
        assert "error" not in found, found
        return found.get("result")

    def _notify(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self._process.stdin.flush()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while header := stream.readline():
            length = int(header.partition(b":")[2]) if header.lower().startswith(b"content-length") else 0
            while header.strip():
                header = stream.readline()
            message = json.loads(stream.read(length))
            if message.get("method") == "textDocument/publishDiagnostics":
                self._findings.put((message["params"]["uri"], message["params"]["diagnostics"]))
            elif message.get("method") == "workspace/configuration":
                asked = message["params"]["items"]
                self._send({"id": message["id"], "result": [_SETTINGS.get(one.get("section", "")) for one in asked]})
            elif "method" in message and "id" in message:
                self._send({"id": message["id"], "result": None})
            elif "id" in message:
                self._answers[message["id"]].put(message)


def _place(file: Path, line: int, column: int) -> dict[str, Any]:
    return {"textDocument": {"uri": file.as_uri()}, "position": {"line": line, "character": column}}
