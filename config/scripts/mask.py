#!/usr/bin/env python3
"""Masks personal data in copies: fields by their name, and e-mail addresses and card numbers wherever they stand.

    [script]
    command = ["python3", "scripts/mask.py"]

Forms and JSON are known; other bodies are masked as text. A header that names somebody is taken off.
"""

import json
import re
import sys
from urllib.parse import parse_qsl, urlencode

FIELDS = {"password", "email", "e_mail", "phone", "name", "first_name", "last_name", "address", "iban", "card"}
HEADERS = {b"x-user-email", b"x-real-ip", b"x-forwarded-for"}
MASK = "********"
EMAIL = re.compile(rb"[A-Za-z0-9._+-]+(@|%40)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
CARD = re.compile(rb"\b(?:\d[ -]?){12,18}\d\b")


def mask_text(text):
    return CARD.sub(MASK.encode(), EMAIL.sub(b"masked@example.invalid", text))


def mask_json(value):
    if isinstance(value, dict):
        return {key: MASK if key.lower() in FIELDS else mask_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [mask_json(inner) for inner in value]
    if isinstance(value, str):
        return mask_text(value.encode()).decode()
    return value


def mask_pairs(text):
    pairs = parse_qsl(text, keep_blank_values=True)
    return urlencode([(key, MASK if key.lower() in FIELDS else mask_text(value.encode()).decode()) for key, value in pairs])


def mask_body(kind, body):
    try:
        if b"json" in kind:
            return json.dumps(mask_json(json.loads(body))).encode()
        if b"x-www-form-urlencoded" in kind:
            return mask_pairs(body.decode()).encode()
    except ValueError:
        pass
    return mask_text(body)


def mask(http):
    head, _, body = http.partition(b"\r\n\r\n")
    start, *lines = head.split(b"\r\n")
    method, target, version = start.split(b" ")
    path, question, query = target.partition(b"?")
    if question:
        target = path + b"?" + mask_pairs(query.decode()).encode()
    fields = [line.partition(b":") for line in lines]
    fields = [(name, value) for name, _, value in fields if name.lower() not in HEADERS]
    kind = next((value.lower() for name, value in fields if name.lower() == b"content-type"), b"")
    lines = [b" ".join((method, target, version))] + [name + b":" + value for name, value in fields]
    # The body's length is shadowtee's to set.
    return b"\r\n".join(lines) + b"\r\n\r\n" + (mask_body(kind, body) if body else body)


for line in sys.stdin.buffer:
    start, http = bytes.fromhex(line.decode()).split(b"\n", 1)
    # Answers, where they come, need no echo.
    if start.startswith(b"1 "):
        try:
            http = mask(http)
        except ValueError as error:
            # What can't be masked does not go on.
            print(f"not masked, and not sent: {error}", file=sys.stderr, flush=True)
            continue
        print((start + b"\n" + http).hex(), flush=True)
