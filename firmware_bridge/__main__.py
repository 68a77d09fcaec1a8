"""Where `canhlo-bridge` begins."""

import os
import signal
from typing import Final

INTERRUPTED: Final = 130  # what a shell says of a program that Ctrl-C has ended


def main() -> None:
    """Load the command line and run it; Ctrl-C ends the loading at once, for nothing has begun that would be left."""
    at_interrupt = signal.getsignal(signal.SIGINT)
    if at_interrupt is signal.default_int_handler:  # it is not where nobody may interrupt, as behind `nohup`
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from firmware_bridge import cli

    signal.signal(signal.SIGINT, at_interrupt)
    cli.main()


if __name__ == "__main__":
    main()
