"""Simulated kilns: firings made by a seeded kiln model, with faults and deviations at known times. Never measured."""

from service.simulation.deviations import Deviation
from service.simulation.faults import Fault
from service.simulation.firing import SimulatedFiring, Truth, random_firing, simulate
from service.simulation.kilns import KilnKind

__all__ = ["Deviation", "Fault", "KilnKind", "SimulatedFiring", "Truth", "random_firing", "simulate"]
