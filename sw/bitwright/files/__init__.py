"""Files that are there whole or not at all."""

from bitwright.files.whole import link_whole, write_whole

__all__ = ["link_whole", "write_whole"]
