"""The house's own themes; those of Textual can be chosen too, also the ones that keep to the terminal's colours."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

THEMES: Final = (
    Theme(
        name="statekeep",
        primary="#5fb3b3",
        secondary="#7aa2f7",
        accent="#e5a95c",
        warning="#e5c07b",
        error="#ef6b73",
        success="#8fc77b",
        foreground="#d6dbe5",
        background="#11151c",
        surface="#161b24",
        panel="#222a37",
        dark=True,
        variables={"footer-key-foreground": "#e5a95c", "input-selection-background": "#5fb3b3 35%"},
    ),
    Theme(
        name="statekeep-light",
        primary="#1f7a7a",
        secondary="#3c62c4",
        accent="#a65f00",
        warning="#8a6100",
        error="#b3261e",
        success="#2f7d32",
        foreground="#1d2430",
        background="#f6f5f1",
        surface="#fbfaf7",
        panel="#e6e4dc",
        dark=False,
        variables={"footer-key-foreground": "#a65f00"},
    ),
)
