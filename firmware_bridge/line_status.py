"""What there is to say of a line that several instruments share."""

import msgspec


class LineStatus(msgspec.Struct):
    """A silent line is one fault, however many instruments hang on it; `absent` are those that do not answer."""

    port: str
    is_open: bool = False
    is_silent: bool = False
    absent: list[str] = []
    answers: int = 0
    misses: int = 0
