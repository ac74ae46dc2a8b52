#!/usr/bin/env python3
"""What `shadowtee replay --speed max` costs beside wrk.

One nginx on the loopback answers both, in turns. Needs nginx, wrk and a release build:

    cargo build --release && python3 benches/comparison/replay.py

Absolute figures belong to the machine; only the ratios mean something elsewhere.
"""

import json
import os
import pathlib
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

SHADOWTEE = pathlib.Path(__file__).parents[2] / "target/release/shadowtee"
REQUESTS = int(os.environ.get("REQUESTS", 200_000))
ROUNDS = int(os.environ.get("ROUNDS", 5))
CONNECTIONS = 10
SEPARATOR = "\n\N{MONKEY FACE}\N{SEE-NO-EVIL MONKEY}\N{HEAR-NO-EVIL MONKEY}\n".encode()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def nginx(folder, port):
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(
        f"daemon off; {user} pid {folder}/pid; worker_processes 1; error_log {folder}/error.log;\n"
        "events { worker_connections 1024; }\n"
        "http { access_log off; keepalive_requests 1000000000;\n"
        f"client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;\n"
        f"uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 \"{'x' * 100}\"; }} }} }}\n"
    )
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    child = subprocess.Popen([program, "-p", folder, "-c", config, "-e", "stderr"])
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return child
        except OSError:
            time.sleep(0.02)
    sys.exit("nginx does not listen")


def gor(file, requests):
    request = b"GET /item HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: a\r\nAccept: */*\r\n\r\n"
    with open(file, "wb") as out:
        for n in range(requests):
            out.write(b"1 %024x %d 0\n" % (n, 1_700_000_000_000_000_000 + n * 1000))
            out.write(request)
            out.write(SEPARATOR)


def run(*command):
    """The output, and the CPU in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, cpu


def by_wrk(port):
    said, cpu = run("wrk", "-t1", f"-c{CONNECTIONS}", "-d2s", f"http://127.0.0.1:{port}/item")
    requests = int(re.search(r"(\d+) requests in", said)[1])
    rate = float(re.search(r"Requests/sec: +([\d.]+)", said)[1])
    return rate, cpu / requests


def by_replay(file, port):
    said, cpu = run(
        SHADOWTEE, "replay", file, "--to", f"127.0.0.1:{port}", "--speed", "max",
        "--concurrency", str(CONNECTIONS), "--report", "json",
    )
    report = json.loads(said)
    assert report["statuses"] == {"200": REQUESTS}, report
    return report["rate"], cpu / REQUESTS


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        port = free_port()
        files = {"gor": folder / "c.gor", "tee": folder / "c.tee"}
        gor(files["gor"], REQUESTS)
        subprocess.run([SHADOWTEE, "convert", files["gor"], files["tee"]], check=True, stderr=subprocess.DEVNULL)
        server = nginx(folder, port)
        try:
            ratios = {name: ([], []) for name in files}
            for turn in range(ROUNDS):
                wrk_rate, wrk_cpu = by_wrk(port)
                print(f"round {turn + 1}: wrk {wrk_rate:,.0f}/s, {wrk_cpu * 1e6:.1f} us of CPU each", end="")
                for name, file in files.items():
                    rate, cpu = by_replay(file, port)
                    ratios[name][0].append(rate / wrk_rate)
                    ratios[name][1].append(cpu / wrk_cpu)
                    print(f"; .{name} {rate:,.0f}/s, {cpu * 1e6:.1f} us", end="")
                print()
            for name, (rates, cpus) in ratios.items():
                print(
                    f".{name}: rate to wrk {statistics.median(rates):.2f}"
                    f" ({min(rates):.2f} to {max(rates):.2f}, goal 0.6 or more),"
                    f" CPU to wrk {statistics.median(cpus):.2f} ({min(cpus):.2f} to {max(cpus):.2f}, goal 2 or less)"
                )
        finally:
            server.terminate()
            server.wait()


main()
