"""What a model pays for a text."""

import warnings


def tokens(text: str) -> int:
    """How many tokens a model reads (o200k)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import bpe_openai  # type: ignore[import-untyped]  # noqa: PLC0415  # it warns while it is imported

    return len(bpe_openai.get_encoding("o200k_base").encode(text))
