"""Autobg for agents and for Python: the API's endpoints as typed tools, throttled, never paid twice."""

__version__ = "0.1.0"
