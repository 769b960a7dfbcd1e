"""A web server that answers as no API should: raw bytes from a loopback socket, one page a path."""

import socketserver
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

PAUSE_S = 0.05


def page(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole HTTP response."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def bare_deflate(content: bytes) -> bytes:
    """A deflate stream without the head of zlib."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


class _Pages(socketserver.ThreadingTCPServer):
    daemon_threads = True
    pages: Mapping[str, bytes | Sequence[bytes]]


class _Reader(socketserver.StreamRequestHandler):
    timeout = 60

    def handle(self) -> None:
        assert isinstance(self.server, _Pages)
        path, length = self.rfile.readline().split()[1].decode(), 0
        while line := self.rfile.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        self.rfile.read(length)
        with suppress(OSError):  # whoever asked has heard enough
            answer = self.server.pages[path.split("/")[1]]
            for piece in [answer] if isinstance(answer, bytes) else answer:
                self.wfile.write(piece)
                time.sleep(0 if isinstance(answer, bytes) else PAUSE_S)


@contextmanager
def served(pages: Mapping[str, bytes | Sequence[bytes]]) -> Iterator[str]:
    """Serve each page to whatever is asked below its name, and give the address; a list of pieces comes slowly."""
    with _Pages(("127.0.0.1", 0), _Reader) as server:
        server.pages = pages
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
