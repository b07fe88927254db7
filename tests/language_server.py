"""The language server that editors complete and check YAML with: yaml-language-server, over its pipes.

One message is a head with its length, an empty line, and JSON-RPC 2.0:
https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
"""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tests.node_scripts import Node
from tests.waiting import PATIENCE, wait_until

#: Node starts slowly where much else does.
_DEADLINE_S = 30 * PATIENCE
#: Where a test wants the cursor in a text.
CURSOR = "|"


class LanguageServer:
    """A language server that has been started, as an editor sees it."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        assert process.stdin
        assert process.stdout
        self._input = process.stdin
        self._folder = folder
        self._count = 0
        self._inbox: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()

    def initialize(self, schema: Path) -> None:
        """Shake hands; a file without a modeline of its own is checked by this schema."""
        settings = {
            "validate": True,
            "completion": True,
            "hover": True,
            "schemaStore": {"enable": False},
            "schemas": {schema.as_uri(): "*.yaml"},
        }
        self._settings = settings
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {"completion": {"completionItem": {"snippetSupport": True}}},
        }
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self._tell("initialized", {})
        self._tell("workspace/didChangeConfiguration", {"settings": {"yaml": settings}})
        # It asks for the settings when it pleases.
        wait_until(lambda: self.diagnostics("no_such_key: 1\n"), message="the schema isn't used")

    def shut_down(self) -> None:
        """Let it end by itself."""
        self.ask("shutdown", None)
        self._tell("exit", None)

    def diagnostics(self, text: str, path: Path | None = None) -> list[dict[str, Any]]:
        """Open a text as a file, and return what the server has to say about it."""
        uri = self._open(text, path)
        while True:
            message = self._next()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri:
                found: list[dict[str, Any]] = message["params"]["diagnostics"]
                return found

    def completions(self, text: str) -> dict[str, dict[str, Any]]:
        """Return what can be written where the cursor is in a text, by label."""
        answer = self._at_cursor("textDocument/completion", text)
        return {item["label"]: item for item in answer["items"]}

    def hover(self, text: str) -> str:
        """Return what is shown for the key under the cursor."""
        shown: str = self._at_cursor("textDocument/hover", text)["contents"]["value"]
        return shown

    def ask(self, method: str, params: Any) -> Any:
        """Send a request, and return the answer."""
        self._count += 1
        number = self._count
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def _at_cursor(self, method: str, text: str) -> Any:
        before, after = text.split(CURSOR)
        position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        uri = self._open(before + after)
        return self.ask(method, {"textDocument": {"uri": uri}, "position": position})

    def _open(self, text: str, path: Path | None = None) -> str:
        self._count += 1
        uri = (path or self._folder / f"pipeline{self._count}.yaml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def _tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._input.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._input.flush()

    def _next(self) -> dict[str, Any]:
        """Return the next message that isn't a question of the server's own, which is answered."""
        while True:
            message = self._inbox.get(timeout=_DEADLINE_S)
            assert message is not None, "the language server has ended"
            if "id" not in message or "method" not in message:
                return message
            is_about_settings = message["method"] == "workspace/configuration"
            items = message["params"]["items"] if is_about_settings else []
            known = {"yaml": self._settings}
            result = [known.get(item.get("section")) for item in items] if is_about_settings else None
            self._send({"id": message["id"], "result": result})

    def _read(self, output: IO[bytes]) -> None:
        while True:
            head = list(iter(lambda: output.readline().strip(), b""))
            if not head:
                break
            (length,) = (
                int(line.partition(b":")[2]) for line in head if line.lower().startswith(b"content-length")
            )
            self._inbox.put(json.loads(output.read(length)))
        self._inbox.put(None)


@contextmanager
def started(node: Node, folder: Path, schema: Path) -> Iterator[LanguageServer]:
    """Start the language server for the files of a folder, and end it."""
    script = node.modules / "yaml-language-server" / "bin" / "yaml-language-server"
    with subprocess.Popen(
        [node.program, str(script), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            server = LanguageServer(process, folder)
            server.initialize(schema)
            yield server
            server.shut_down()
            process.wait(timeout=_DEADLINE_S)
        finally:
            process.kill()
