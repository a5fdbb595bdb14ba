"""The page's pure modules have tests of their own, in JavaScript; this runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from jamlink.midi.actions import GESTURES

SCRIPTS = Path(__file__).parent / "js"
MOST_BYTES = 500_000
STATIC = Path(__file__).parents[2] / "jamlink" / "web" / "static"


def test_the_pages_own_tests_pass():
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI") == "true":
            pytest.fail("node is not installed: apt-get install nodejs")
        pytest.skip("node is not installed")
    tests = sorted(str(path) for path in SCRIPTS.glob("*.test.mjs"))
    assert tests
    done = subprocess.run([node, "--test", *tests], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_asks_for_nothing_from_outside_and_has_nothing_inline():
    page = (STATIC / "index.html").read_text()
    assert "http:" not in page.replace("http://www.w3.org", "")
    assert "https:" not in page
    assert " style=" not in page
    assert " on" not in page.replace(" on ", "").split("<body>")[0]
    scripts = [line for line in page.splitlines() if "<script" in line]
    assert all('src="/static/' in line for line in scripts)


def test_the_page_is_light():
    scripts = [path for path in STATIC.rglob("*.js") if "vendor" not in path.parts]
    assert sum(path.stat().st_size for path in scripts) < MOST_BYTES


def test_no_script_writes_markup():
    for path in STATIC.rglob("*.js"):
        if "vendor" not in path.parts:
            text = path.read_text()
            for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
                assert way not in text, f"{path.name} uses {way}"


def test_every_gesture_with_a_letter_has_the_same_letter_on_the_page():
    text = (STATIC / "js" / "input" / "keymap.js").read_text()
    letters = dict(re.findall(r'\b([a-z]): "([a-z-]+)"', text.split("const LETTERS")[1].split("};")[0]))
    assert letters == {
        gesture.key: gesture.action.value for gesture in GESTURES if len(gesture.key) == 1 and gesture.key.isalpha()
    }
