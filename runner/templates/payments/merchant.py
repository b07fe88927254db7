"""Stand in for a merchant, to try things out: `python merchant.py [PORT]`.

`/good` answers "success". `/fails/2` says "fail" to the first two requests of an order, as systems
do whose own books aren't ready.
"""

import json
import sys
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

asked: Counter[str] = Counter()


class Merchant(BaseHTTPRequestHandler):
    """Takes notifications, each a POST of JSON."""

    def do_POST(self) -> None:
        """Answer "success", or "fail" for as long as the path says."""
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["order"]
        asked[order] += 1
        fails = int(self.path.removeprefix("/fails/")) if self.path.startswith("/fails/") else 0
        answer = "fail" if asked[order] <= fails else "success"
        print(f"{order}: request {asked[order]}: {answer}", flush=True)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing more about a request."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9600
    with ThreadingHTTPServer(("127.0.0.1", port), Merchant) as server:
        print(f"a merchant on http://127.0.0.1:{port}: /good /fails/2", flush=True)
        server.serve_forever()
