"""The pictures of README are what the application draws."""

from __future__ import annotations

import pytest

from tests.tui.pictures import FOLDER, PICTURES, draw, words


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_still_true(name: str) -> None:
    """Every word in it stands where the application puts it now; ``python -m tests.tui.pictures`` draws it anew."""
    assert words((FOLDER / f"{name}.svg").read_text(encoding="utf-8")) == words(draw(name))
