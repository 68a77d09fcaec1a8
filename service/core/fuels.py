"""What kilns burn."""

from typing import Final

FUELS: Final = ("electric", "lpg", "coal", "wood")
STOKED: Final = ("coal", "wood")  # fed by the shovel: the chamber goes up and down by 100-180 °C between stokings
