"""What a person uses in a terminal: today the command ``statekeep``, in ``cli``."""
