"""In front of everything: body limits before the body is read, writes from our own pages only, headers."""

import hashlib
import socket
from collections.abc import Iterator

import pytest

from tests.api.client import Person, Server

MEGABYTE = 2**20


class Wire:
    """Raw HTTP on the server's socket, to see what it answers before it was sent everything."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(10)
        self.socket.connect(str(server.socket))

    def send(self, head: str, body: bytes = b"") -> None:
        self.socket.sendall(head.replace("\n", "\r\n").encode() + body)

    def status(self) -> int:
        received = b""
        while b"\r\n" not in received:
            received += self.socket.recv(4096)
        return int(received.split(b" ")[1])


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    made = Wire(server)
    yield made
    made.socket.close()


@pytest.mark.parametrize(
    ("method", "path", "megabytes"),
    [("POST", "/api/v1/reports", 10), ("PUT", f"/api/v1/photos/{'0' * 64}", 50)],
    ids=["json", "photo"],
)
def test_a_body_that_announces_its_size_is_refused_before_it_is_sent(
    wire: Wire, method: str, path: str, megabytes: int
) -> None:
    wire.send(
        f"{method} {path} HTTP/1.1\nHost: street.test\nContent-Type: application/json\n"
        f"Content-Length: {megabytes * MEGABYTE}\n\n",
        b"{",
    )
    assert wire.status() == 413


def test_a_body_that_does_not_is_refused_as_soon_as_it_is_too_long(wire: Wire) -> None:
    wire.send(
        "POST /api/v1/reports HTTP/1.1\nHost: street.test\nContent-Type: application/json\n"
        "Transfer-Encoding: chunked\n\n"
    )
    sent = 0
    piece = b"%x\r\n%s\r\n" % (64 * 1024, b" " * 64 * 1024)
    while sent < 10 * MEGABYTE:
        try:
            wire.socket.sendall(piece)
        except OSError:
            break  # it stopped listening, as it should
        sent += 64 * 1024
        wire.socket.settimeout(0.02)
        try:
            if wire.socket.recv(1, socket.MSG_PEEK):
                break
        except TimeoutError:
            pass
        wire.socket.settimeout(10)
    wire.socket.settimeout(10)
    assert wire.status() == 413
    assert sent < 4 * MEGABYTE


def pieces(total: int) -> Iterator[bytes]:
    for _ in range(total // 65536):
        yield b" " * 65536


def test_too_much_in_pieces_says_what_the_limit_is(worker: Person) -> None:
    answer = worker.http.post(
        "/api/v1/reports", content=pieces(2 * MEGABYTE), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.json()["facts"] == {"limit_bytes": MEGABYTE}


def test_ten_megabytes_of_json_are_too_large(worker: Person) -> None:
    answer = worker.post("/reports", {"description": "x" * 10 * MEGABYTE})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.json()["request_id"]


def test_fifty_megabytes_of_photo_are_too_large(server: Server, worker: Person) -> None:
    content = bytes(50 * MEGABYTE)
    digest = hashlib.sha256(content).hexdigest()
    answer = worker.http.put(
        f"/api/v1/photos/{digest}", content=content, headers={"Content-Type": "image/jpeg"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.json()["facts"]["limit_bytes"] == server.app.state.parts.settings.max_photo_bytes


def test_a_body_of_exactly_the_limit_is_read(worker: Person) -> None:
    body = b'{"a":"' + b"x" * (MEGABYTE - 8) + b'"}'
    assert len(body) == MEGABYTE
    for content, status in ((body, 422), (body + b" ", 413)):
        answer = worker.http.post(
            "/api/v1/reports", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == status


@pytest.mark.parametrize("length", ["-1", "many", "1e3", "0x10"])
def test_a_length_that_is_no_number_is_refused(wire: Wire, length: str) -> None:
    wire.send(f"POST /api/v1/reports HTTP/1.1\nHost: street.test\nContent-Length: {length}\n\n")
    assert wire.status() in {400, 413}


ORIGINS = {
    "own_page": ({"Sec-Fetch-Site": "same-origin"}, True),
    "typed_address": ({"Sec-Fetch-Site": "none"}, True),
    "other_site": ({"Sec-Fetch-Site": "cross-site"}, False),
    "sister_site": ({"Sec-Fetch-Site": "same-site"}, False),
    "no_browser": ({}, True),
    "own_origin": ({"Origin": "http://street.test"}, True),
    "other_origin": ({"Origin": "https://evil.test"}, False),
    "other_port": ({"Origin": "http://street.test:81"}, False),
    "hidden_origin": ({"Origin": "null"}, False),
    "no_origin_at_all": ({"Origin": ""}, False),
}


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_writes_from_another_origin_are_refused(worker: Person, origin: str, method: str) -> None:
    headers, allowed = ORIGINS[origin]
    answer = worker.http.request(method, "/api/v1/nothing/here", headers=headers)
    assert answer.status_code == (404 if allowed else 403)
    assert answer.json()["code"] == ("not_found" if allowed else "not_allowed")


@pytest.mark.parametrize("origin", ORIGINS)
def test_reading_from_another_origin_is_the_browsers_business(server: Server, origin: str) -> None:
    answer = server.client.get("/livez", headers=ORIGINS[origin][0])
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_a_cross_origin_report_is_not_stored(worker: Person) -> None:
    draft = worker.draft()
    refused = worker.post("/reports", draft, Origin="https://evil.test")
    assert refused.status_code == 403
    assert worker.get(f"/reports/{draft['id']}").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/livez", "/", "/field", "/assets/a.js", "/api/v1/me", "/api/v1/nothing", "/api/v1/openapi.json"],
)
def test_every_answer_carries_the_security_headers(server: Server, path: str) -> None:
    headers = server.client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert "script-src" not in policy, "scripts come from ourselves, none inline"
    assert "http" not in headers["Content-Security-Policy"]


def test_a_request_keeps_the_id_it_came_with_if_that_is_one(server: Server) -> None:
    assert (
        server.client.get("/livez", headers={"X-Request-Id": "abcdef-0123"}).headers["X-Request-Id"]
        == "abcdef-0123"
    )
    for odd in ("short", "x" * 65, "a b c d e f g h", "<script>alert(1)</script>"):
        given = server.client.get("/livez", headers={"X-Request-Id": odd}).headers["X-Request-Id"]
        assert given != odd
        assert len(given) == 32
