"""What one benchmark has to say: a title, the command that measures it alone, and Markdown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """One section of docs/validation.md; `command` makes its figures again, `text` is Markdown without a heading."""

    title: str
    command: str
    text: str

    def markdown(self) -> str:
        return f"## {self.title}\n\n`{self.command}`\n\n{self.text.strip()}\n"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
