"""What is taken home is whole, and goes by a name, never to a path."""

from __future__ import annotations

import pytest

from jamlink.errors import Nonsense
from jamlink.web.exports import LONGEST_NAME, plain_name

PATHS = [
    "../x", "..", ".", "./x", "/etc/passwd", "a/b", "a\\b", "C:\\x", "C:x", "~/x", "~", "x\0y", "x\ny", "x\ry", "x\ty",
    "con", "CON", "nul.mid", "aux", "PRN.txt", "com1", "LPT9.jam", "x.", "x ..", "-x", ".hidden", "a..b", "%2e%2e", "x;y",
    "$HOME", "`id`", "$(id)", "x|y", "x>y", "x<y", "<img>", '"x"', "x*", "x?", "x:y", "x%00", "\u202ex", "x\u2028y",
    "x" * (LONGEST_NAME + 1), "\ufeffx", "＼x", "x/../y", "....//x", "nul", "NUL.", "file://x",
]  # fmt: skip


@pytest.mark.parametrize("name", PATHS)
def test_a_path_is_no_name(name):
    with pytest.raises(Nonsense) as refused:
        plain_name(name, "take")
    assert refused.value.remedy


@pytest.mark.parametrize("name", ["con", "CON", "nul.mid", "LPT9.jam"])
def test_a_device_is_called_one(name):
    with pytest.raises(Nonsense, match="device"):
        plain_name(name, "take")


@pytest.mark.parametrize(
    "name", ["take", "Take 1", "Blues in F (slow)", "2026-11-23 07.33.12", "Lydia's", "Grüße", "夜", "a-b_c"]
)
def test_a_plain_name_stays_as_it_is(name):
    assert plain_name(name, "take") == name


def test_no_name_is_the_sessions_own():
    assert plain_name("  ", "2026-11-23 07.33.12") == "2026-11-23 07.33.12"
