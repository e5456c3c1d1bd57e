"""Files that are there whole or not at all, and arrays from files of others."""

from bitwright.files.arrays import read_npy
from bitwright.files.whole import link_whole, write_whole

__all__ = ["link_whole", "read_npy", "write_whole"]
