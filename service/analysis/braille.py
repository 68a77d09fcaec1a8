"""A curve in the terminal, by the dots of Braille characters: two across and four down in each."""

from typing import Final

import numpy as np

from service.core.series import FloatArray

_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK: Final = 0x2800


def curve(x: FloatArray, y: FloatArray, *, width: int, height: int) -> list[str]:
    """Return `height` lines of `width` characters with the points (x, y) joined; a NaN breaks the line.

    Each column of dots shows all that lies between its lowest and highest point.
    """
    columns, rows = width * 2, height * 4
    cells = np.zeros((height, width), dtype=np.int64)
    good = np.isfinite(y)
    if good.any() and x[-1] > x[0]:
        low, high = float(y[good].min()), float(y[good].max())
        scale = (rows - 1) / (high - low) if high > low else 0.0
        at = np.interp(np.linspace(x[0], x[-1], columns * 4), x, np.where(good, y, np.nan))
        for column, values in enumerate(at.reshape(columns, 4)):
            known = values[np.isfinite(values)]
            if len(known):
                top, bottom = ((high - value) * scale for value in (known.max(), known.min()))
                for row in range(round(top), round(bottom) + 1):
                    cells[row // 4, column // 2] |= _DOTS[row % 4][column % 2]
    return ["".join(chr(_BLANK + cell) for cell in line) for line in cells.tolist()]
