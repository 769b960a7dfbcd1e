"""Text from outside: one line, nothing hidden, no key in any spelling, and a path that can be named again."""

import json
from fnmatch import fnmatchcase
from urllib.parse import quote

from hypothesis import assume, given
from hypothesis import strategies as st

from autobg_mcp.text import cleaned, local_path, quoted, redacted, whole

ANY = st.text(st.characters(), max_size=60)
KEY = 'te/st-"key"+\\0123='
SPELLINGS = (
    lambda one: one,
    lambda one: f"%{ord(one):02X}",
    lambda one: f"%{ord(one):02x}",
    lambda one: f"\\u{ord(one):04x}",
    lambda one: f"&#{ord(one)};",
    lambda one: f"&#x{ord(one):X};",
    lambda one: f"\\{one}" if one in '"\\/' else one,
)


@given(ANY)
def test_whole_text_can_be_sent_is_one_line_and_is_left_alone_a_second_time(text: str) -> None:
    assert whole(text).encode().decode().splitlines() in ([], [whole(text)])
    assert whole(whole(text)) == whole(text)


@given(ANY, st.integers(1, 80))
def test_cleaned_text_is_within_its_length(text: str, most: int) -> None:
    assert len(cleaned(text, most)) <= most


@given(ANY)
def test_a_quotation_ends_where_its_marks_say(text: str) -> None:
    assert [quoted(text).count(mark) for mark in "“”"] == [1, 1]


@given(st.text(st.characters(exclude_characters="/\0["), min_size=1, max_size=40))
def test_a_path_is_told_as_a_pattern_that_finds_its_file_again(name: str) -> None:
    assert fnmatchcase(name, local_path(name))
    assert whole(local_path(name)) == local_path(name)


@given(st.lists(st.sampled_from(SPELLINGS), min_size=len(KEY), max_size=len(KEY)), ANY)
def test_a_key_is_redacted_however_each_of_its_characters_is_escaped(spellings: list, text: str) -> None:  # type: ignore[type-arg]
    assume("te" not in text and "\\" not in text)  # a backslash before the key is taken for its own
    spelt = "".join(spell(one) for spell, one in zip(spellings, KEY, strict=True))
    assert redacted(f"{text}{spelt}{text}", [KEY]) == f"{text}[API key]{text}"


def test_a_key_is_redacted_as_json_and_links_spell_it() -> None:
    text = f"{json.dumps(KEY)} {quote(KEY, safe='')} {KEY}"
    assert redacted(text, [f" {KEY}\n"]) == '"[API key]" [API key] [API key]'


def test_a_secret_of_a_few_characters_is_none() -> None:
    assert redacted("a key of the keyboard", ["key"]) == "a key of the keyboard"
