"""``python -m statekeep.tui`` is ``statekeep tui``."""

import sys

from statekeep.tui.cli import main

if __name__ == "__main__":
    sys.exit(main(["tui", *sys.argv[1:]]))
