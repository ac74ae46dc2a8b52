#!/usr/bin/env python3
"""What nginx's `mirror` does to its clients: the figures in docs/comparison.md.

Needs nginx on PATH and no root. Starts a primary and a shadow on loopback ports, nginx before them with
`mirror`, and prints one line for each finding. Takes about half a minute.
"""

import contextlib
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Answers every request; `delay` seconds later, or never when it hangs."""

    def __init__(self):
        self.delay, self.hangs = 0, False
        self.connections, self.headers = 0, []
        self.arrivals, self.departures = [], []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection:
            while self.request(connection):
                while self.hangs and connection.recv(65536):
                    pass
                time.sleep(self.delay)
                connection.sendall(ANSWER)
        self.departures.append(time.monotonic())

    def request(self, connection):
        received = b""
        while b"\r\n\r\n" not in received:
            piece = connection.recv(65536)
            if not piece:
                return False
            if not received:
                self.arrivals.append(time.monotonic())
            received += piece
        header, body = received.split(b"\r\n\r\n", 1)
        self.headers.append(header)
        length = next((int(value) for name, value in fields(header) if name == b"content-length"), 0)
        while len(body) < length:
            body += connection.recv(65536)
        return True


def fields(header):
    for line in header.split(b"\r\n")[1:]:
        name, value = line.split(b":", 1)
        yield name.lower(), value.strip()


@contextlib.contextmanager
def nginx(primary, shadow_port=None, mirror="mirror /copy;"):
    """An nginx before both, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        temporary = "\n".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        Path(folder, "nginx.conf").write_text(f"""
            daemon off; pid {folder}/pid; worker_processes 1;
            events {{ worker_connections 4096; }}
            http {{
                access_log off; keepalive_requests 1000000; {temporary}
                upstream primary {{ server 127.0.0.1:{primary.port}; keepalive 64; }}
                upstream shadow {{ server 127.0.0.1:{shadow_port or port}; keepalive 64; }}
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                server {{
                    listen 127.0.0.1:{port};
                    set $copy /copy;
                    location / {{ {mirror} proxy_pass http://primary; proxy_request_buffering off; }}
                    location = /copy {{ internal; proxy_pass http://shadow$request_uri; }}
                }}
            }}""")
        command = ["nginx", "-e", f"{folder}/log", "-p", folder, "-c", "nginx.conf"]
        subprocess.run([*command, "-t", "-q"], check=True)
        process = subprocess.Popen(command)
        try:
            connect(port).close()
            yield port
        finally:
            process.terminate()
            process.wait()


def connect(port):
    deadline = time.monotonic() + 5
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def get(client):
    """One GET, and the milliseconds it took."""
    began, answer = time.monotonic(), b""
    client.sendall(b"GET / HTTP/1.1\r\nHost: example\r\n\r\n")
    while not answer.endswith(b"\r\n\r\nok"):
        piece = client.recv(65536)
        if not piece:
            raise OSError("closed")
        answer += piece
    return round((time.monotonic() - began) * 1000)


def answers(port, clients=16, seconds=6):
    """How many answers so many keep-alive connections get in so many seconds."""
    counts, end = [0] * clients, time.monotonic() + seconds

    def work(index):
        with contextlib.suppress(OSError), connect(port) as client:
            client.settimeout(seconds)
            while True:
                get(client)
                if time.monotonic() > end:
                    return
                counts[index] += 1

    threads = [threading.Thread(target=work, args=(index,)) for index in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def main():
    version = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr
    print(version.strip())

    primary, shadow = Server(), Server()
    with nginx(primary, shadow.port) as port:
        with connect(port) as client:
            for _ in range(50):
                get(client)
        print(f"50 requests: {primary.connections} connection(s) to the primary, {shadow.connections} to the shadow")

    primary, shadow = Server(), Server()
    shadow.delay = 2
    with nginx(primary, shadow.port) as port, connect(port) as client:
        print(f"shadow takes 2 s: three GETs on one connection took {[get(client) for _ in range(3)]} ms")

    primary, shadow = Server(), Server()
    with nginx(primary, shadow.port) as port:
        print(f"shadow healthy: {answers(port)} answers on 16 connections in 6 s")
        shadow.hangs = True
        print(f"shadow hangs: {answers(port)} answers on 16 connections in 6 s")

    primary, shadow = Server(), Server()
    with nginx(primary, shadow.port) as port, connect(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        sent = time.monotonic()
        time.sleep(1)
        client.sendall(b"4\r\nlast\r\n0\r\n\r\n")
        client.recv(65536)
        framing = [(n, v) for n, v in fields(primary.headers[0]) if n in (b"content-length", b"transfer-encoding")]
        print(f"chunked upload of 1 s: reached the primary after {primary.arrivals[0] - sent:.1f} s, with {framing}")

    primary, shadow = Server(), Server()
    primary.hangs = shadow.hangs = True
    with nginx(primary, shadow.port) as port:
        client = connect(port)
        client.sendall(b"GET / HTTP/1.1\r\nHost: example\r\n\r\n")
        time.sleep(0.5)
        client.close()
        time.sleep(0.5)
        print(f"client leaves: {len(primary.departures)} request to the primary cut, {len(shadow.departures)} to the shadow")

    primary, shadow = Server(), Server()
    with nginx(primary, shadow.port, mirror="mirror $copy;") as port, connect(port) as client:
        for _ in range(5):
            get(client)
        time.sleep(0.5)
        print(f"`mirror $variable`: the shadow got {len(shadow.headers)} of 5 requests")

    primary = Server()
    with nginx(primary) as port, connect(port) as client:
        with contextlib.suppress(OSError):
            client.settimeout(5)
            get(client)
        time.sleep(1)
        print(f"shadow leads back to nginx: one GET reached the primary {len(primary.headers)} times in 1 s")


if __name__ == "__main__":
    main()
