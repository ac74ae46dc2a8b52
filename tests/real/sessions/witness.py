"""Stands in front of an application, and writes down what each request ended with.

    witness.py PORT UPSTREAM_PORT LOG [--fail SHARE] [--delay SECONDS] [--jitter SECONDS]

Each request of the traffic has a number of its own in `X-Witness`. `X-Mark` names what its response has to show: an
application that responds with somebody else's record shows another mark.
"""

import argparse
import http.client
import http.server
import json
import random
import threading
import time

options = argparse.ArgumentParser()
options.add_argument("port", type=int)
options.add_argument("upstream", type=int)
options.add_argument("log")
options.add_argument("--fail", type=float, default=0.0, help="share of requests that get 503 and never reach the application")
options.add_argument("--delay", type=float, default=0.0, help="seconds that each response is late")
options.add_argument("--jitter", type=float, default=0.0, help="up to so many seconds more, by chance")
options = options.parse_args()

log = open(options.log, "a", buffering=1)
lock = threading.Lock()
chance = random.Random(7)
HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection", "te", "trailer"}


class Witness(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def forward(self):
        body = self.read_body()
        with lock:
            fails, jitter = chance.random() < options.fail, chance.random() * options.jitter
        status, headers, answer = 503, [], b"on purpose"
        if not fails:
            time.sleep(jitter / 2)
            upstream = http.client.HTTPConnection("127.0.0.1", options.upstream, timeout=60)
            kept = [(name, value) for name, value in self.headers.items() if name.lower() not in HOP | {"content-length"}]
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in kept:
                upstream.putheader(name, value)
            if body or self.command in ("POST", "PUT", "PATCH"):
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            response = upstream.getresponse()
            status, headers, answer = response.status, response.getheaders(), response.read()
            upstream.close()
        time.sleep(options.delay + jitter / 2)
        self.note(status, headers, answer)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP | {"content-length"}:
                self.send_header(name, value)
        if status >= 200 and status not in (204, 304):
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(answer)

    def note(self, status, headers, answer):
        number, mark = self.headers.get("X-Witness"), self.headers.get("X-Mark")
        location = next((value for name, value in headers if name.lower() == "location"), None)
        line = {"number": number, "method": self.command, "target": self.path, "status": status, "location": location}
        if status in (401, 403):
            line["authorization"] = self.headers.get("Authorization", "")[:16]
            line["answer"] = answer.decode("utf-8", "replace")[:200]
        if mark:
            line["mark"] = mark
            line["shown"] = mark.encode() in answer
        with lock:
            log.write(json.dumps(line) + "\n")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = forward

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


Server(("127.0.0.1", options.port), Witness).serve_forever()
