"""The array of the textbooks, to compare with: output-stationary, one tile after another.

SCALE-Sim's model (arXiv:1811.02883, section 3): a fold of R pixels by C channels takes the K
elements of its sums, R + C - 2 cycles of skew, and R more until its results are out; nothing
overlaps. A convolution of g groups is g products of a smaller K, a depthwise one so of single
columns.
"""

from bitwright.network import Conv2d, Layer, Linear


def textbook_cycles(layer: Layer, rows: int, columns: int) -> int:
    """Cycles of a convolution or linear layer; 0 of any other."""
    if isinstance(layer, Conv2d):
        outputs, depth, height, width = layer.weight.shape
        pixels, sums, groups = layer.shape[1] * layer.shape[2], depth * height * width, layer.groups
    elif isinstance(layer, Linear):
        outputs, sums = layer.weight.shape
        pixels, groups = 1, 1
    else:
        return 0
    folds = groups * -(-pixels // rows) * -(-(outputs // groups) // columns)
    return folds * (sums + 2 * rows + columns - 2)
