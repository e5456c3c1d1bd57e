"""The steps by name; a new one is added here."""

from bitwright.compress.methods.activations import Calibrate
from bitwright.compress.methods.adaround import AdaRound
from bitwright.compress.methods.bias_correction import BiasCorrection
from bitwright.compress.methods.binarize import Binarize
from bitwright.compress.methods.codebook import Codebook
from bitwright.compress.methods.coding import Huffman
from bitwright.compress.methods.equalization import Equalize
from bitwright.compress.methods.gptq import Gptq
from bitwright.compress.methods.mixed import Mixed
from bitwright.compress.methods.qat import Qat
from bitwright.compress.methods.rounding import Quantize
from bitwright.compress.methods.weight_correction import WeightCorrection
from bitwright.compress.step import Step

STEPS: dict[str, type[Step]] = {
    kind.name: kind
    for kind in (
        Equalize,
        Calibrate,
        Mixed,
        Quantize,
        Codebook,
        AdaRound,
        Gptq,
        WeightCorrection,
        BiasCorrection,
        Qat,
        Binarize,
        Huffman,
    )
}
