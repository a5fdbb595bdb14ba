"""The page's pure modules have tests of their own, in JavaScript; this runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

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
