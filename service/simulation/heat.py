"""How heat goes through a simulated kiln: two zones, the ware in each, the wall behind."""

from dataclasses import dataclass
from typing import Final

from service.simulation.kilns import SimulatedKiln

STEFAN_W_PER_M2_K4: Final = 5.670374e-8
KELVIN: Final = 273.15
EMISSIVITY: Final = 0.5  # own choice: between zone and ware
CONVECTION_W_PER_M2_K: Final = 10.0  # own choice


@dataclass
class Heat:
    """Temperatures of the nodes [°C], and what flowed in the last step [W]; index 0 is the bottom, 1 the top."""

    kiln: SimulatedKiln
    workshop_c: float
    zone_c: list[float]
    ware_c: list[float]
    wall_c: float
    needed_w: float = 0.0
    net_w: float = 0.0
    lost_w: float = 0.0

    def step(self, step_s: float, bottom_w: float, top_w: float, flue_w_per_k: float) -> None:
        """Go on by one explicit step with these powers [W] and this conductance from each zone to the flue [W/K].

        `needed_w` then is the power that would have kept the zones level, `net_w` what stayed in the kiln, and
        `lost_w` what left it.
        """
        kiln, workshop_c = self.kiln, self.workshop_c
        exchange_w = kiln.zones_w_per_k * (self.zone_c[1] - self.zone_c[0])
        wall_w = self.needed_w = self.lost_w = 0.0
        for zone, (power_w, gained_w) in enumerate(((bottom_w, exchange_w), (top_w, -exchange_w))):
            zone_c, ware_c = self.zone_c[zone], self.ware_c[zone]
            zone_t4 = (zone_c + KELVIN) ** 4
            to_ware_w = kiln.ware_m2 * (
                CONVECTION_W_PER_M2_K * (zone_c - ware_c)
                + EMISSIVITY * STEFAN_W_PER_M2_K4 * (zone_t4 - (ware_c + KELVIN) ** 4)
            )
            to_wall_w = kiln.wall_w_per_k * (zone_c - self.wall_c)
            lost_w = flue_w_per_k * (zone_c - workshop_c) + kiln.leak_m2 * STEFAN_W_PER_M2_K4 * (
                zone_t4 - (workshop_c + KELVIN) ** 4
            )
            self.zone_c[zone] += step_s / kiln.zone_j_per_k * (power_w + gained_w - to_ware_w - to_wall_w - lost_w)
            self.ware_c[zone] += step_s / kiln.ware_j_per_k * to_ware_w
            wall_w += to_wall_w
            self.needed_w += to_ware_w + to_wall_w + lost_w
            self.lost_w += lost_w
        outside_w = kiln.outside_w_per_k * (self.wall_c - workshop_c)
        self.wall_c += step_s / kiln.wall_j_per_k * (wall_w - outside_w)
        self.lost_w += outside_w
        self.net_w = bottom_w + top_w - self.lost_w

    def stored_j(self) -> float:
        """Return the heat in the kiln above the workshop's temperature [J]."""
        zones_k = sum(self.zone_c) - 2 * self.workshop_c
        ware_k = sum(self.ware_c) - 2 * self.workshop_c
        wall_j = self.kiln.wall_j_per_k * (self.wall_c - self.workshop_c)
        return self.kiln.zone_j_per_k * zones_k + self.kiln.ware_j_per_k * ware_k + wall_j
