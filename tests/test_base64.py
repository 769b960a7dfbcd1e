"""Base64 in every way it is written, read piece by piece."""

import base64
import textwrap
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobg_mcp.files.base64 import decoded

WRITTEN: dict[str, Callable[[str], str | bytes]] = {
    "as it is": lambda text: text,
    "without padding": lambda text: text.rstrip("="),
    "for addresses": lambda text: text.replace("+", "-").replace("/", "_"),
    "in lines": lambda text: "\r\n".join(textwrap.wrap(text, 7)),
    "with a head": lambda text: f"data:image/jpeg;base64,{text}",
    "as bytes": lambda text: text.encode(),
}


@pytest.fixture(autouse=True, scope="module")
def _small_pieces() -> Iterator[None]:
    """Pieces end in the middle of everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autobg_mcp.files.base64._PIECE_CHARS", 5)
        yield


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
@given(content=st.binary(max_size=64))
def test_however_base64_is_written_the_bytes_come_back(
    write: Callable[[str], str | bytes], content: bytes
) -> None:
    assert decoded(write(base64.b64encode(content).decode())) == content


@pytest.mark.parametrize("text", ["words, words", "A", "QUJD=", "QUI=QUI=", "QU\u00e9D", "QUJD====", "=QUJ"])
def test_what_is_no_base64_is_none(text: str) -> None:
    assert decoded(text) is None
