"""The engine under test."""

from support.engine import engine

__all__ = ["engine"]
