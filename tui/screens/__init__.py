"""What fills the terminal: a screen for each question that people ask."""
