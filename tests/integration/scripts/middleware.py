"""As users of gor write it."""

import sys

from gor.middleware import AsyncioGor


def on_request(proxy, msg, **kwargs):
    path = proxy.http_path(msg.http)
    msg.http = proxy.set_http_header(msg.http, "X-Script", "python")
    msg.http = proxy.set_http_cookie(msg.http, "session", "shadow")
    msg.http = proxy.set_http_path_param(msg.http, "page", "2")
    if proxy.http_method(msg.http) == "POST":
        # A length in characters, as this library sets it, is not one in bytes.
        msg.http = proxy.set_http_body(msg.http, "p\u00e4ssword=masked")
    proxy.on("response", on_response, idx=msg.id, path=path)
    return msg


def on_response(proxy, msg, path, **kwargs):
    proxy.on("replay", on_replay, idx=msg.id, path=path, status=proxy.http_status(msg.http))
    return msg


def on_replay(proxy, msg, path, status, **kwargs):
    sys.stderr.write(f"{path} {status} {proxy.http_status(msg.http)}\n")
    sys.stderr.flush()
    return msg


gor = AsyncioGor()
gor.on("request", on_request)
gor.run()
