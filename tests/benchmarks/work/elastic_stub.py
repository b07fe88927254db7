"""Takes bulks as an Elasticsearch on another machine would, and forgets them: `elastic_stub.py PORT`."""

import gzip
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Stub(BaseHTTPRequestHandler):
    """Says that all is well, with as many items as there are documents."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are sent apart

    def answer(self) -> None:
        """Answer any request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        items = [{"create": {"status": 201}}] * (body.count(b"\n") // 2) if "_bulk" in self.path else []
        answer = json.dumps({"acknowledged": True, "errors": False, "items": items}).encode()
        self.send_response(200)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_HEAD = answer  # noqa: N815 - as http.server names them

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Stub).serve_forever()
