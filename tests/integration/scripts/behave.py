"""A script that behaves as its first argument says: well, or as badly as can be."""

import os
import signal
import subprocess
import sys
import time

out = sys.stdout.buffer


def say(line):
    out.write(line + b"\n")
    out.flush()


def echo(start, http):
    say((start + b"\n" + http).hex().encode())


def messages():
    for line in sys.stdin.buffer:
        start, http = bytes.fromhex(line.decode()).split(b"\n", 1)
        yield line.rstrip(b"\n"), start, http


def path(http):
    return http.split(b" ", 2)[1]


def hang():
    while True:
        time.sleep(1000)


def each(handle):
    for line, start, http in messages():
        handle(line, start, http)


def edit(line, start, http):
    """Does what the path asks for."""
    head, body = http.split(b"\r\n\r\n", 1)
    asked = path(http)[1:].decode()
    if asked == "drop":
        return
    if asked == "method":
        http = http.replace(b"GET", b"PATCH", 1)
    elif asked == "target":
        http = http.replace(b"/target", b"/elsewhere?x=1", 1)
    elif asked == "header":
        http = head + b"\r\nX-Script: yes\r\n\r\n" + body
    elif asked == "body":
        http = head + b"\r\n\r\n" + body.replace(b"secret", b"******** and more")
    elif asked == "empty":
        http = head + b"\r\n\r\n"
    elif asked == "unmark":
        lines = [l for l in head.split(b"\r\n") if not l.lower().startswith((b"x-shadow", b"x-request-id"))]
        http = b"\r\n".join(lines) + b"\r\nX-Shadow-Request: forged\r\n\r\n" + body
    elif asked == "hop":
        http = head + b"\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nUpgrade: h2c\r\n\r\n" + body
    elif asked == "nohost":
        http = b"\r\n".join(l for l in head.split(b"\r\n") if not l.startswith(b"Host")) + b"\r\n\r\n"
    elif asked == "two":
        http = head + b"\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    elif asked == "chunked":
        http = head + b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    elif asked == "lengths":
        http = head + b"\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    elif asked == "split":
        http = b"GET /a HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n"
    elif asked == "injected":
        http = b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"
    elif asked == "answer":
        http = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    elif asked == "half":
        http = b"GET /half HTTP/1.1\r\nHost"
    elif asked == "nothing":
        http = b""
    elif asked == "huge":
        http = head + b"\r\n\r\n" + b"x" * (4 << 20)
    echo(start, http)


def garbage(line, start, http):
    """Everything but the echo, and then the echo, twice."""
    kind, id, rest = start.split(b" ", 2)
    for noise in (
        b"", b"zz", b"31", line[:-1], b"hello", b"\x00\xff" * 50, line + b"zz",
        (b"1 \n" + http).hex().encode(), (b"1 ffffffffffffffffffffffff 1 0\n" + http).hex().encode(),
        (b"1 " + id[:8] + b"ffffffffffffffff 1 0\n" + http).hex().encode(),
        (b"2 " + id + b" 1 0\nHTTP/1.1 200 OK\r\n\r\n").hex().encode(),
        (b"9 " + id + b" 1 0\n" + http).hex().encode(),
    ):
        say(noise)
    say(line.upper())
    say(line.replace(b"2f", b"2e"))
    say(line)


def slices(line, start, http):
    """In pieces that end in the middle of everything."""
    for at in range(0, len(line), 7):
        os.write(1, line[at:at + 7])
    os.write(1, b"\r\n")


count = 0


def mortal(line, start, http):
    """Dies with every third request."""
    global count
    count += 1
    if count == 3:
        sys.exit(3)
    say(line)


def flood():
    while True:
        os.write(1, b"0123456789abcdef" * 4096)


def flood_lines():
    while True:
        os.write(1, b"31\n" * 20000)


def flood_errors(line, start, http):
    os.write(2, b"E" * 100000 + b"\n" + b"an error\n" * 10000)
    say(line)


def grow(line, start, http):
    if path(http) == b"/grow":
        kept = []
        while True:
            kept.append(b"x" * (1 << 20))
    say(line)


def half_line(line, start, http):
    """The start of an echo, and never its end."""
    os.write(1, line[:-20])
    hang()


def stubborn():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say(b"%d" % os.getpid())
    for line, start, http in messages():
        say(line)
    hang()


def parent(file):
    child = subprocess.Popen(["sleep", "1000"])
    with open(file + ".new", "w") as f:
        f.write(f"{os.getpid()} {child.pid}")
    os.rename(file + ".new", file)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line, start, http in messages():
        say(line)
    hang()


def which(line, start, http):
    """Says which process it is."""
    head, body = http.split(b"\r\n\r\n", 1)
    echo(start, head + b"\r\nX-Process: %d\r\n\r\n" % os.getpid() + body)


def environment(line, start, http):
    head, body = http.split(b"\r\n\r\n", 1)
    names = ",".join(sorted(os.environ)).encode()
    echo(start, head + b"\r\nX-Environment: " + names + b"\r\nX-Folder: " + os.getcwd().encode() + b"\r\n\r\n" + body)


def late(line, start, http):
    """Holds each back until the next one came."""
    global held
    if held:
        say(held)
    held = line


held = None


def watch(file):
    """Writes down what it sees, a line a message, and echoes all of it."""
    with open(file, "ab", 0) as f:
        for line, start, http in messages():
            f.write(start + b" " + repr(http).encode() + b"\n")
            say(line)


def take(line, start, http):
    """Takes everything and writes nothing."""


modes = {
    "edit": lambda: each(edit),
    "garbage": lambda: each(garbage),
    "slices": lambda: each(slices),
    "mortal": lambda: each(mortal),
    "flood-errors": lambda: each(flood_errors),
    "grow": lambda: each(grow),
    "half-line": lambda: each(half_line),
    "which": lambda: each(which),
    "environment": lambda: each(environment),
    "late": lambda: each(late),
    "take": lambda: each(take),
    "hang": hang,
    "flood": flood,
    "flood-lines": flood_lines,
    "die": lambda: sys.exit(7),
    "stubborn": stubborn,
    "close": lambda: (os.close(1), hang()),
    "deaf": lambda: (os.close(0), hang()),
    "parent": lambda: parent(sys.argv[2]),
    "watch": lambda: watch(sys.argv[2]),
}

modes[sys.argv[1]]()
