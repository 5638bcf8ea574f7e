"""The front of the room: what it hands on, and what it costs."""

import subprocess
import sys

import statekeep.daemon.statecharts as room


def test_the_front_hands_on_what_it_lists() -> None:
    """Every name in ``__all__`` is there and says what it is for."""
    for name in room.__all__:
        thing = getattr(room, name)
        assert isinstance(thing, int) or thing.__doc__, name


def test_the_room_is_pure() -> None:
    """Importing it brings in no event loop, no database, no sockets and no cryptography."""
    code = "import sys, statekeep.daemon.statecharts; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "statekeep.daemon.statecharts.table" in loaded
    assert loaded.isdisjoint({"trio", "anyio", "asyncio", "sqlite3", "sqlite_utils", "cryptography", "textual", "rich"})
