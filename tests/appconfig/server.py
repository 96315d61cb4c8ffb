# SPDX-License-Identifier: MIT
"""A stand-in for Azure App Configuration, and for the vault and the token services beside it, that
Microsoft's own clients work against unchanged (test_clients.py is the judge). In-process, on a free
port, with faults that a test can ask for.

    server = AppConfig(tls=folder or None); server.store.put("Lucius:MaxAttempts", "5")
    python3 server.py PAGE_SIZE KEY=VALUE…      prints its connection string and serves
"""
import base64
import datetime
import email.utils
import hashlib
import hmac
import http.server
import json
import re
import socket
import ssl
import sys
import threading
import time
import urllib.parse

from store import BadFilter, Store
from vault import Vault

SKEW = 15 * 60  # seconds that a request's date may be off
KVSET = "application/vnd.microsoft.appconfig.kvset+json; charset=utf-8"
KV = "application/vnd.microsoft.appconfig.kv+json; charset=utf-8"
PROBLEM = "application/problem+json; charset=utf-8"
ANYWHERE = ("/metadata/", "/identity", "/secrets/", "/tenants/")


class Fault:
    """What becomes of requests instead of their answer: times of them, those whose target has `of`
    in it. Status 0 closes the connection; stall never answers."""

    def __init__(self, status=0, times=1, headers=None, of="", stall=False, then=None):
        self.status, self.times, self.headers = status, times, headers or {}
        self.of, self.stall, self.then = of, stall, then


def read_date(text):
    """Unix time. The service takes the form that the Python client sends as well; None: neither."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except ValueError:
        pass
    try:
        when = datetime.datetime.strptime(text, "%b, %d %Y %H:%M:%S.%f GMT")
    except ValueError:
        return None
    return when.replace(tzinfo=datetime.timezone.utc).timestamp()


class Reply:
    def __init__(self, status, body=None, headers=None, kind=None):
        self.status, self.headers = status, dict(headers or {})
        self.body = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            self.headers["Content-Type"] = kind or PROBLEM


def refusal(description):
    return Reply(401, None, {"WWW-Authenticate": 'HMAC-SHA256 error="invalid_token" '
                             f'error_description="{description}", Bearer'})


def problem(status, title, name=None, detail=None):
    body = {"type": "https://azconfig.io/errors/invalid-argument", "title": title,
            "status": status}
    if name is not None:
        body.update(name=name, detail=name + detail)
    return Reply(status, body)


class AppConfig:
    def __init__(self, page_size=100, tls=None, port=0):
        """Tls: an ssl context for the server's side, or None for plain HTTP."""
        self.store = Store(page_size)
        self.vault = Vault()
        self.credentials = {"test-l0-s0:id": base64.b64encode(b"a secret of the tests").decode()}
        self.clock_offset = 0  # seconds that this server's clock is ahead
        self.faults = []
        self.requests = []  # (method, target, status)
        self.seen_headers = []
        self.times = []  # of the monotonic clock, one a request
        self.changed = threading.Condition()
        self.stopping = threading.Event()
        self.before_page = None  # called with the `after` of each page, just before it is cut
        self.change_reply = None  # called with target and reply, just before it is sent
        self.change_headers = None  # called with the headers of each request; gives others
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.http.daemon_threads = True
        self.http.owner = self
        if tls is not None:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True,
                                               do_handshake_on_connect=False)
        self.scheme = "https" if tls is not None else "http"
        self.port = self.http.server_port
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def endpoint(self):
        host = "localhost" if self.scheme == "https" else "127.0.0.1"
        return f"{self.scheme}://{host}:{self.port}"

    def connection(self, endpoint=None, secret=None):
        name, right = next(iter(self.credentials.items()))
        return f"Endpoint={endpoint or self.endpoint};Id={name};Secret={secret or right}"

    @property
    def secret(self):
        return next(iter(self.credentials.values()))

    def fail(self, **fault):
        self.faults.append(Fault(**fault))

    def stop(self):
        self.stopping.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def count(self, part="/kv"):
        with self.changed:
            return sum(1 for _, target, _ in self.requests if part in target)

    def wait_count(self, n, part="/kv", bound=60):
        """Waits until n requests with that in their target have been answered."""
        end = time.monotonic() + bound
        with self.changed:
            while sum(1 for _, target, _ in self.requests if part in target) < n:
                if not self.changed.wait(max(0, end - time.monotonic())):
                    raise AssertionError(f"not {n} requests of {part}: {self.requests}")

    # Requests

    def take_fault(self, target):
        for fault in self.faults:
            if fault.of in target:
                fault.times -= 1
                if fault.times == 0:
                    self.faults.remove(fault)
                return fault
        return None

    def answer(self, method, target, headers, body):
        url = urllib.parse.urlsplit(target)
        query = {}
        for name, value in urllib.parse.parse_qsl(url.query, keep_blank_values=True):
            query.setdefault(name.lower(), []).append(value)
        if url.path.startswith(ANYWHERE):
            status, answer, kind = self.vault.answer(method, url.path, query, headers, body)
            return Reply(status, answer, kind=kind)
        if self.change_headers is not None:
            headers = self.change_headers(headers)
        refused = self.check_signature(method, target, headers, body)
        if refused is not None:
            return refused
        if query.get("api-version", [""])[0] not in ("1.0", "2023-10-01", "2023-11-01",
                                                     "2024-09-01", "2026-04-01"):
            return problem(400, "API version is not supported", "api-version", "(1): Unknown")
        reply = self.route(method, url.path, query, headers, body)
        mark = base64.b64encode(str(self.store.changes).encode()).decode()
        reply.headers["Sync-Token"] = f"zAJw6V16={mark};sn={self.store.changes}"
        return reply

    def check_signature(self, method, target, headers, body):
        """None: the request is good. As the service's reference says, in its order."""
        given = headers.get("Authorization", "")
        match = re.fullmatch(r"HMAC-SHA256 Credential=([^&]+)&SignedHeaders=([^&]+)&"
                             r"Signature=([^&]+)", given)
        if match is None:
            return Reply(401, None, {"WWW-Authenticate": "HMAC-SHA256, Bearer"})
        credential, names, signature = match.groups()
        names = names.split(";")
        date = headers.get("x-ms-date") or headers.get("Date")
        for name in ("host", "x-ms-content-sha256"):
            if name not in names or headers.get(name) is None:
                return refusal(f"Required signing request header '{name}' not found")
        if date is None or not {"x-ms-date", "date"} & set(names):
            return refusal("Required signing request header 'x-ms-date' not found")
        when = read_date(date)
        if when is None:
            return refusal("Invalid access token date")
        if abs(when - time.time() - self.clock_offset) > SKEW:
            return refusal("The access token has expired")
        if credential not in self.credentials:
            return refusal("Invalid Credential")
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        if headers["x-ms-content-sha256"] != digest:
            return refusal("Invalid request content hash")
        text = "\n".join([method, target, ";".join(headers[name] for name in names)])
        key = base64.b64decode(self.credentials[credential])
        right = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
        return None if hmac.compare_digest(right, signature) else refusal("Invalid Signature")

    def route(self, method, path, query, headers, body):
        try:
            if path in ("/kv", "/revisions") and method in ("GET", "HEAD"):
                return self.list(path, query, headers)
            if path in ("/keys", "/labels") and method in ("GET", "HEAD"):
                return self.names(path, query)
            if path.startswith("/kv/"):
                return self.single(method, urllib.parse.unquote(path[4:]), query, headers, body)
            if path.startswith("/locks/") and method in ("PUT", "DELETE"):
                return self.lock(method, urllib.parse.unquote(path[7:]), query)
        except BadFilter as error:
            return problem(400, "Invalid request parameter", "key", str(error))
        return problem(404, "Not found")

    def list(self, path, query, headers):
        after = query.get("after", [None])[0]
        if self.before_page is not None:
            self.before_page(after)
        found = self.store.select(query.get("key", [None])[0], query.get("label", [None])[0],
                                  query.get("tags", []))
        items, token, etag = self.store.page(found, after)
        extra = {"ETag": f'"{etag}"'}
        body = {"etag": etag, "items": items}
        if token is not None:
            parts = [(name, value) for name, values in sorted(query.items()) for value in values
                     if name != "after"]
            link = path + "?" + urllib.parse.urlencode([*parts, ("after", token)])
            extra["Link"] = f'<{link}>; rel="next"'
            body["@nextLink"] = link
        if headers.get("If-None-Match") == f'"{etag}"':
            return Reply(304, None, extra)
        fields = query.get("$select")
        if fields:
            wanted = fields[0].split(",")
            body["items"] = [{n: v for n, v in item.items() if n in wanted} for item in items]
        return Reply(200, body, extra, KVSET)

    def names(self, path, query):
        kind = path[1:-1]
        found = {item["key"] if kind == "key" else item["label"] for item in
                 self.store.select(query.get("name", [None])[0] if kind == "key" else None)}
        body = {"items": [{"name": name} for name in sorted(found, key=str)]}
        return Reply(200, body, None, f"application/vnd.microsoft.appconfig.{path[1:]}et+json")

    def single(self, method, key, query, headers, body):
        label = query.get("label", [None])[0]
        label = None if label in ("", "\0") else label
        item = self.store.items.get((key, label))
        etag = f'"{item["etag"]}"' if item is not None else None
        wanted, unwanted = headers.get("If-Match"), headers.get("If-None-Match")
        is_read = method in ("GET", "HEAD")
        if unwanted is not None and etag is not None and unwanted in ("*", etag):
            return Reply(304 if is_read else 412, None, {"ETag": etag})
        if wanted is not None and (etag is None or wanted not in ("*", etag)):
            return Reply(412)
        if not is_read and item is not None and item["locked"]:
            return Reply(409, {"title": "Modifing key is not allowed", "name": key, "status": 409})
        if method == "PUT":
            sent = json.loads(body)
            item = self.store.put(key, sent.get("value"), label, sent.get("content_type"),
                                  sent.get("tags"))
        elif method == "DELETE":
            item = self.store.remove(key, label)
            if item is None:
                return Reply(204)
        elif item is None:
            return problem(404, "Not found")
        return Reply(200, item, {"ETag": f'"{item["etag"]}"', "Last-Modified":
                                 email.utils.formatdate(usegmt=True)}, KV)

    def lock(self, method, key, query):
        label = query.get("label", [None])[0]
        item = self.store.items.get((key, None if label in ("", "\0") else label))
        if item is None:
            return problem(404, "Not found")
        item["locked"] = method == "PUT"
        return Reply(200, item, {"ETag": f'"{item["etag"]}"'}, KV)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True

    def handle_one(self):
        owner = self.server.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = owner.take_fault(self.path)
        if fault is not None and fault.then is not None:
            fault.then()
        if fault is not None and fault.stall:
            self.note(0)
            owner.stopping.wait(60)
            self.close_connection = True
        elif fault is not None and fault.status == 0:
            self.note(0)
            self.close_connection = True
        elif fault is not None:
            self.send(problem(fault.status, "As the test asks"), fault.headers)
        else:
            reply = owner.answer(self.command, self.path, self.headers, body)
            if owner.change_reply is not None:
                owner.change_reply(self.path, reply)
            self.send(reply, {})

    def note(self, status):
        owner = self.server.owner
        with owner.changed:
            owner.requests.append((self.command, self.path, status))
            owner.seen_headers.append(dict(self.headers.items()))
            owner.times.append(time.monotonic())
            owner.changed.notify_all()

    def send(self, reply, extra):
        self.note(reply.status)
        self.send_response(reply.status)
        for name, value in {**reply.headers, **extra}.items():
            for line in value if isinstance(value, list) else [value]:
                self.send_header(name, line)
        if reply.status not in (204, 304):
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD" and reply.status not in (204, 304):
            self.wfile.write(reply.body)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = do_PATCH = handle_one

    def date_time_string(self, timestamp=None):
        return email.utils.formatdate(time.time() + self.server.owner.clock_offset, usegmt=True)

    def log_message(self, *arguments):
        pass

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError, socket.timeout):
            pass  # the peer has gone, as some tests make it


def main(page_size, *pairs):
    server = AppConfig(int(page_size))
    for pair in pairs:
        key, value = pair.split("=", 1)
        server.store.put(key, value)
    print(server.connection(), flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
