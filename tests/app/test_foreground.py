"""What the terminal is told of the page."""

from __future__ import annotations

from jamlink.app.foreground import _open_to
from jamlink.web.slip import Door, Role, Slip


def test_the_terminal_is_told_of_the_network_only_where_it_may_come_in():
    player = Door(3, "127.0.0.1", 5265, Role.PLAYER, "secret")
    tablet = Door(4, "192.168.1.5", 5266, Role.TABLET, "other secret", "481623")
    assert _open_to(None) == ""
    assert _open_to(Slip((player,), "a.jam")) == ""
    told = _open_to(Slip((player, tablet), "a.jam"))
    assert told == "Open to your network: http://192.168.1.5:5266/  code 481623"
