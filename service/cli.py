"""The `canhlo` command."""


def main() -> None:
    """Run the command line."""
