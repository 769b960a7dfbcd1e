"""What a model pays for a text."""

import functools
import warnings
from typing import Any


def tokens(text: str) -> int:
    """How many tokens a model reads (o200k)."""
    return len(_encoding().encode(text))


@functools.cache
def _encoding() -> Any:
    """The encoding, whose tables take longer to build than a text to encode."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import bpe_openai  # type: ignore[import-untyped]  # noqa: PLC0415  # it warns while it is imported

    return bpe_openai.get_encoding("o200k_base")
