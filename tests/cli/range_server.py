#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Serves a folder on 127.0.0.1 with byte ranges, which remote rasters need.

Usage: range_server.py FOLDER. Says "port N ." on stderr when it is ready, then
each request.
"""
import functools
import http.server
import os
import re
import sys


class RangeHandler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.translate_path(self.path)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not wanted or not os.path.isfile(path):
            return super().do_GET()
        size = os.path.getsize(path)
        first = int(wanted[1])
        last = min(int(wanted[2] or size - 1), size - 1)
        if first > last:
            return self.send_error(416)
        with open(path, "rb") as file:
            file.seek(first)
            body = file.read(last - first + 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, _, *args):
        print(*args, file=sys.stderr, flush=True)


handler = functools.partial(RangeHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print(f"port {server.server_port} .", file=sys.stderr, flush=True)
server.serve_forever()
