"""The way to the API over real sockets: certificates, names, proxies, SOCKS, and what is told where it leads nowhere."""

import asyncio
import gc
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from conftest import KEY

from autobg_mcp.client import Client
from autobg_mcp.errors import AutobgError, ConfigurationError, ConnectionFailedError, OutcomeUnknownError
from autobg_mcp.settings import Settings
from autobg_mcp.tools.templates import ListTemplates

pytestmark = pytest.mark.anyio

CERTIFICATE = Path(__file__).parent / "data" / "localhost.pem"
"""A certificate for localhost that nobody has signed but itself, and its key."""
BODY = b'{"status": true, "data": [{"templateID": 7}]}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (len(BODY), BODY)

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no certificate comes from outside."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@asynccontextmanager
async def listening(talk: Talk, *, tls: bool = False) -> AsyncIterator[int]:
    """A server on a free loopback port that ends each connection after one talk."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
    if context is not None:
        context.load_cert_chain(CERTIFICATE)
    server = await asyncio.start_server(once, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for _ in range(10):  # turns in which the server hears that its client has gone
            await asyncio.sleep(0)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What the API says to a list of templates."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(ANSWER)
    await writer.drain()


async def templates(address: str, folder: Path, **changes: object) -> int:
    settings = Settings.load(
        **{"api_key": KEY, "base_url": address, "state_dir": folder, "throttle": "memory:", "timeout_s": 5}
        | changes
    )
    async with Client(settings) as client:
        return len((await client.call(ListTemplates())).templates)


async def failure(address: str, folder: Path) -> AutobgError:
    with pytest.raises(AutobgError) as failed:
        await templates(address, folder)
    assert KEY not in failed.value.explanation()
    return failed.value


async def test_a_certificate_that_is_not_trusted_names_the_setting_for_it(tmp_path: Path) -> None:
    async with listening(answer, tls=True) as port:
        error = await failure(f"https://localhost:{port}/v1", tmp_path)
    assert isinstance(error, ConnectionFailedError)
    assert "the certificate of localhost is not trusted (self" in str(error)
    assert "SSL_CERT_FILE" in error.next_step
    assert (error.spent, error.repeatable) == ("no", False)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's own store decides")
async def test_that_setting_makes_it_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with listening(answer, tls=True) as port:
        assert await templates(f"https://localhost:{port}/v1", tmp_path) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's own store decides")
async def test_a_certificate_of_another_host_is_no_matter_of_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with listening(answer, tls=True) as port:
        error = await failure(f"https://[::ffff:127.0.0.1]:{port}/v1", tmp_path)
    assert "AUTOBG_BASE_URL" in error.next_step
    assert "SSL_CERT_FILE" not in error.next_step


async def test_a_server_without_tls_is_told_so(tmp_path: Path) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ANSWER)
        await writer.drain()

    async with listening(greet) as port:
        error = await failure(f"https://localhost:{port}/v1", tmp_path)
    assert "localhost does not speak TLS as expected" in str(error)


async def test_a_name_that_is_not_found_is_told_so(tmp_path: Path) -> None:
    error = await failure("https://no-such-host.invalid/v1", tmp_path)
    assert "the name of no-such-host.invalid cannot be found" in str(error)


async def test_a_refused_connection_is_told_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    error = await failure(f"https://127.0.0.1:{port}/v1", tmp_path)
    assert "127.0.0.1 refuses the connection" in str(error)
    assert error.repeatable


async def test_a_proxy_that_refuses_is_blamed_and_its_password_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")

    async with listening(refuse) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:s3cret@127.0.0.1:{port}")
        error = await failure("https://api.example.invalid/v1", tmp_path)
    assert "the proxy refuses it (“407 Proxy Authentication Required”)" in str(error)
    assert "s3cret" not in error.explanation()
    assert "HTTPS_PROXY" in error.next_step


async def test_a_proxy_that_hangs_up_leaves_no_doubt_that_nothing_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with listening(hang_up) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        error = await failure("https://api.example.invalid/v1", tmp_path)
    assert (type(error), error.spent) == (ConnectionFailedError, "no")


# --- SOCKS


async def socks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A SOCKS 5 proxy (RFC 1928) that behind any name finds the API, over TLS of its own."""
    await reader.readexactly(3)
    writer.write(b"\x05\x00")
    _, _, _, _, length = await reader.readexactly(5)
    await reader.readexactly(length + 2)
    writer.write(b"\x05\x00\x00\x01" + bytes(6))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    await writer.start_tls(context)
    await answer(reader, writer)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's own store decides")
@pytest.mark.parametrize("variable", ["ALL_PROXY", "HTTPS_PROXY"])
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_a_socks_proxy_is_spoken_to(
    variable: str, scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with listening(socks) as port:
        monkeypatch.setenv(variable, f"{scheme}://127.0.0.1:{port}")
        assert await templates("https://localhost/v1", tmp_path) == 1


# httpcore leaves the socket of such a talk to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
async def test_a_socks_proxy_that_talks_nonsense_is_no_fault_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(3)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with listening(nonsense) as port:
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{port}")
        error = await failure("https://api.example.invalid/v1", tmp_path)
    assert (type(error), error.spent) == (ConnectionFailedError, "no")
    del error
    gc.collect()


@pytest.fixture
def no_socks(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the extra, behind a SOCKS proxy."""
    monkeypatch.setitem(sys.modules, "socksio", None)
    for name in [name for name in sys.modules if name.startswith("httpcore._async.socks")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")


@pytest.mark.usefixtures("no_socks")
async def test_without_the_extra_a_socks_proxy_names_what_to_install(tmp_path: Path) -> None:
    error = await failure("https://api.example.invalid/v1", tmp_path)
    assert isinstance(error, ConfigurationError)
    assert f"{sys.executable} -m pip install 'autobg-mcp[socks]'" in str(error)
    assert "NO_PROXY" in str(error)


@pytest.mark.usefixtures("no_socks")
@pytest.mark.parametrize("exempt", ["localhost", "*", "other.example, localhost", "LOCALHOST"])
async def test_a_host_that_no_proxy_names_needs_no_extra(
    exempt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", exempt)
    async with listening(answer, tls=True) as port:
        error = await failure(f"https://localhost:{port}/v1", tmp_path)
    assert "the certificate of localhost is not trusted" in str(error)


@pytest.mark.usefixtures("no_socks")
async def test_another_proxy_for_https_comes_before_one_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    error = await failure("https://api.example.invalid/v1", tmp_path)
    assert "the name of the proxy proxy.invalid cannot be found" in str(error)


@pytest.mark.usefixtures("no_socks")
async def test_the_api_on_this_machine_is_reached_through_no_proxy(tmp_path: Path) -> None:
    async with listening(answer) as port:
        assert await templates(f"http://localhost:{port}/v1", tmp_path) == 1


# --- An API that is reached and does not answer


@pytest.mark.long
@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"])
async def test_a_call_ends_in_time_whether_nothing_comes_or_an_answer_byte_by_byte(
    start: bytes, tmp_path: Path
) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(start)
        while not reader.at_eof():
            writer.write(b" " if start else b"")
            with anyio.move_on_after(0.2):
                await reader.read(1)

    asked_s = time.monotonic()
    async with listening(drip) as port:
        with pytest.raises(OutcomeUnknownError, match="no answer within 10 s"):
            await templates(f"http://localhost:{port}/v1", tmp_path, timeout_s=120, max_wait_s=0)
    assert time.monotonic() - asked_s < 12
