"""Who answers: the built-in engine or a provider's server, by the model a request names or by the jobs it needs."""

from sidecar.routing.assignments import Assignment, Assignments, leaves_computer
from sidecar.routing.probe import Probed, probe
from sidecar.routing.providers import Change, Providers
from sidecar.routing.router import Route, Router
from sidecar.routing.unload import UnloadCheck

__all__ = [
    "Assignment",
    "Assignments",
    "Change",
    "Probed",
    "Providers",
    "Route",
    "Router",
    "UnloadCheck",
    "leaves_computer",
    "probe",
]
