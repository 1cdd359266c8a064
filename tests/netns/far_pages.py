"""A web server behind the WireGuard peer: `far_pages.py ADDRESS PORT FOLDER`.

It has the files of FOLDER, and /stream/N: N megabytes that are the same each time. Prints a JSON line when it listens,
and one for each request.
"""

from __future__ import annotations

import http.server
import json
import sys
from pathlib import Path

from traffic import stream

STREAM = "/stream/"


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


class Pages(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        say(path=self.path, client=self.client_address[0])
        if not self.path.startswith(STREAM):
            return super().do_GET()
        self.send_response(200)
        self.end_headers()
        for chunk in stream(int(self.path.removeprefix(STREAM))):
            self.wfile.write(chunk)

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    address, port, folder = sys.argv[1:]

    def handler(*arguments) -> Pages:
        return Pages(*arguments, directory=Path(folder))

    with http.server.ThreadingHTTPServer((address, int(port)), handler) as server:
        say(listening=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
