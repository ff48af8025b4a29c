"""This computer, in data: what it is, and whether and how fast a model can run on it. Imports no MLX."""

from sidecar.computer.computer import Computer, this_computer
from sidecar.computer.fit import Fit, Verdict, judge
from sidecar.computer.speed import DecodeSpeed, decode_speed

__all__ = ["Computer", "DecodeSpeed", "Fit", "Verdict", "decode_speed", "judge", "this_computer"]
