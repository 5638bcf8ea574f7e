"""What a person uses in a terminal: the command ``statekeep`` in ``cli``, and the screens in ``app``."""
