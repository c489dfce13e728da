"""What the blocks of a document may ask for."""

from tests.extras.conftest import _taken_down

__all__ = ["_taken_down"]
