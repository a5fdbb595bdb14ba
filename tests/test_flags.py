"""The table of flags is of settings that there are, and each value comes to the setting that its flag is for."""

from __future__ import annotations

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from jamlink.cli.taking import accompanying, takes
from jamlink.flags import JAM, NAMES, settings_of
from jamlink.settings import Settings

USUAL = dict.fromkeys(["accompany.look-ahead", "accompany.commit", "accompany.listen", "accompany.rest"])


@pytest.mark.parametrize("setting", NAMES)
def test_every_flag_is_for_a_setting_that_there_is(setting):
    table, _, key = setting.partition(".")
    there = msgspec.structs.fields(type(getattr(Settings(), table)))
    assert key in {field.encode_name for field in there}


def test_no_two_flags_have_a_name_or_a_setting_in_common():
    assert len({flag.name for flag in JAM}) == len({flag.key for flag in JAM}) == len(JAM)


@pytest.mark.parametrize(
    ("typed", "settings"),
    [
        (["--tempo", "92"], {"session.tempo": "92"}),
        (["--in", "keys", "--clock-in", "daw"], {"ports.input": "keys", "sync.port": "daw"}),
        (["--roles", "chords, bass"], {"session.roles": ("chords", "bass")}),
        (["--roles", ""], {}),
        (["--proposer", "rules"], {"model.proposer": "rules"}),
        (["--link", "--lan"], {"sync.link": True, "page.lan": True}),
        (["--no-osc", "--open"], {"osc.on": False, "page.open": True}),
        (["--port", "0", "--seed", "0"], {"page.port": 0, "session.seed": 0}),
        (["--play", "--sessions", "there"], {}),
    ],
)
def test_what_is_typed_comes_to_its_setting_and_nothing_else_is_said(typed, settings):
    app, found = typer.Typer(), {}
    app.command()(takes(JAM)(lambda **said: found.update(settings_of(JAM, said))))
    result = CliRunner().invoke(app, typed)
    assert result.exit_code == 0, result.output
    assert {name: value for name, value in found.items() if value is not None} == settings


@pytest.mark.parametrize(
    ("said", "look_ahead", "commit"),
    [
        ({}, None, None),
        ({"accompany.commit": 6}, 6, 6),
        ({"accompany.commit": 2}, None, 2),
        ({"accompany.look-ahead": 2}, 2, 2),
        ({"accompany.look-ahead": 8}, 8, None),
        ({"accompany.look-ahead": 2, "accompany.commit": 4}, 2, 4),
    ],
)
def test_a_commit_and_a_look_ahead_carry_one_another_along(said, look_ahead, commit):
    flags = accompanying(USUAL | said)
    assert (flags["accompany.look-ahead"], flags["accompany.commit"]) == (look_ahead, commit)
