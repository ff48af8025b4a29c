"""The Python side of Knowledge Focus: everything the product knows and does, behind a pair of pipes."""

__version__ = "0.1.0"
