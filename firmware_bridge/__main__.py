"""The `canhlo-bridge` command."""


def main() -> None:
    """Run the command line."""
