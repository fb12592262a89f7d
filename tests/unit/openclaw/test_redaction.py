"""No form of a credential gets through the door, and nothing else is touched there."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from collections.abc import Callable
from random import Random
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.openclaw.gateway.redaction import DEEPEST, STRUCK, WORD, Redaction, TooDeepError

PACKED: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[1:-1],
    "JSON beyond ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "each character escaped": lambda text: "".join(f"\\u{unit:04X}" for unit in units(text)),
    "URL": lambda text: quote(text, safe=""),
    "URL form": quote_plus,
    "URL in small letters": lambda text: re.sub(r"%..", lambda match: match[0].lower(), quote(text, safe="")),
    "every byte of a URL": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "HTML": html.escape,
    "HTML by number": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "hex": lambda text: text.encode().hex(),
}
CREDENTIALS = st.text(st.characters(exclude_categories=["Cs"]), min_size=WORD, max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def units(text: str) -> list[int]:
    raw = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2)]


@pytest.mark.parametrize("form", PACKED)
@given(secret=CREDENTIALS, before=st.text(max_size=5), after=st.text(max_size=5))
def test_a_credential_is_struck_in_every_form(form: str, secret: str, before: str, after: str) -> None:
    packed = PACKED[form](secret)
    assert packed not in Redaction([secret]).words(f"{before} {packed} {after}").replace(STRUCK, "\0")


@pytest.mark.parametrize("form", PACKED)
@pytest.mark.parametrize(
    "secret",
    [
        'se"same%41b&62351',
        "u0041%41=41x41",
        r"\u0041\x41\n",
        "&#65;%41&amp;<\n",
        "=41=3D+ +",
        "\\" * WORD,
        "\U0001f600\u00e9%C3%A9",
        '"%80\x80',
    ],
)
def test_a_credential_that_looks_like_an_escape_is_struck(form: str, secret: str) -> None:
    clean = Redaction([secret]).words(f"( {PACKED[form](secret)} )")
    # JSON in JSON has quotation marks of its own.
    assert STRUCK in clean
    assert re.fullmatch(r'\( [*\\"]+ \)', clean)


@given(secret=CREDENTIALS, chance=st.randoms(use_true_random=False))
def test_a_credential_whose_characters_are_escaped_here_and_there_is_struck(
    secret: str, chance: Random
) -> None:
    ways = [
        str,
        *(PACKED[form] for form in ("each character escaped", "every byte of a URL", "HTML by number")),
    ]
    secret = re.sub(r"[\\%&=+]", "-", secret)
    packed = "".join(chance.choice(ways)(character) for character in secret)
    assert packed not in Redaction([secret]).words(f"a {packed} b").replace(STRUCK, "\0")


def test_the_escapes_of_a_url_do_not_hide_what_follows_an_equals_sign() -> None:
    assert Redaction(["4b+62351/x"]).words("?token=4b%2B62351%2Fx&y=1") == f"?token={STRUCK}&y=1"


@pytest.mark.parametrize("before", ["%", "=", "C:\\", "\\\\", "&#", "%2"])
@pytest.mark.parametrize("secret", ["x0e+62351/x", "u00e9é+62351", "4b+62351", "65;+62351"])
@pytest.mark.parametrize("form", ["JSON", "JSON beyond ASCII", "URL", "HTML", "HTML by number"])
def test_no_escape_before_a_credential_hides_how_it_begins(before: str, form: str, secret: str) -> None:
    assert STRUCK in Redaction([secret]).words(f"{before}{PACKED[form](secret)} b")


def test_what_is_around_an_escaped_credential_stays() -> None:
    text = r'C:\new "\u00e9 %41" se\"same=62351 \u00fc\t%42 &lt;'
    assert Redaction(['se"same=62351']).words(text) == text.replace(r"se\"same=62351 ", f"{STRUCK} ")


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("a" * 4095 + "b", "\\a" * 30_000),
        ("a" * 4095 + "b", "a" * 500_000 + "\\"),
        ("a" * 47 + "b", "\\a" * 500_000),
        ("a" * 47 + "b", "%61" * 300_000),
        ("ab" * 24, "\\" * 1_000_000),
        ("ab" * 24, "\\\\\\\\u" * 200_000),
        ("ab" * 24, r"\u0061b" * 100_000),
    ],
)
def test_the_time_grows_with_the_text_alone(secret: str, text: str) -> None:
    began = time.process_time()
    Redaction([secret]).words(text)
    assert time.process_time() - began < 4


@given(secret=st.binary(min_size=12, max_size=48), before=st.binary(max_size=7), after=st.binary(max_size=7))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_gives_a_credential_back_at_no_place(
    encode: Callable[[bytes], bytes], secret: bytes, before: bytes, after: bytes
) -> None:
    clean = Redaction([secret]).words(encode(before + secret + after).decode())
    assert STRUCK in clean
    # What is left of both ends can hold no more of it than the bits it shares with its neighbours.
    assert sum(map(len, clean.split(STRUCK))) <= (len(before) + len(after)) * 4 // 3 + 8


@given(value=VALUES, secret=CREDENTIALS)
def test_whatever_is_around_it_a_credential_does_not_get_through_a_message(
    value: object, secret: str
) -> None:
    redaction = Redaction([secret])
    for message in ({secret: value}, [value, {"x": [secret]}], {"error": {"code": {"y": f"a{secret}b"}}}):
        clean = redaction.tree(message)
        assert not any(secret in text for text in texts(clean) if text != STRUCK)


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in texts(part)]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else []


@given(value=VALUES)
def test_without_a_credential_in_it_a_message_stays_as_it_is(value: object) -> None:
    assert repr(Redaction(["sesame-62351"]).tree(value)) == repr(value)


def test_a_number_that_is_the_credential_is_struck() -> None:
    assert Redaction(["62351000"]).tree({"a": [62351000, 1]}) == {"a": [STRUCK, 1]}


def test_a_short_credential_is_struck_from_sentences_and_leaves_ids_alone() -> None:
    redaction = Redaction(["main"])
    row = {"key": "agent:main:main"}
    assert redaction.tree(row) == row
    assert redaction.tree({"error": {"message": "not main"}}) == {"error": {"message": f"not {STRUCK}"}}
    assert redaction.words("main") == STRUCK


def test_half_a_character_becomes_one_that_a_file_takes() -> None:
    clean = Redaction().tree(json.loads('{"a\\ud800": "b\\udfff"}'))
    assert json.dumps(clean, ensure_ascii=False).encode() == b'{"a?": "b?"}'


def test_a_message_too_deep_is_none() -> None:
    deep: object = 1
    for _ in range(DEEPEST + 1):
        deep = [deep]
    with pytest.raises(TooDeepError):
        Redaction().tree(deep)


def test_no_credential_at_all_strikes_nothing() -> None:
    assert Redaction(["", ""]).words("anything") == "anything"
