// Verilator extends a sign with a mask, a negation and an OR, which gcc does not see through: an 8x8
// product took 20 instructions. As two shifts it is one, and the whole model is a sixth shorter. The
// generated C++ includes this last, so that the names mean these.
#pragma once
#include "verilated.h"
namespace bitwright {
inline int32_t signed_i(int bits, IData word) {
    return static_cast<int32_t>(word << (32 - bits)) >> (32 - bits);
}
inline int64_t signed_q(int bits, QData word) {
    return static_cast<int64_t>(word << (64 - bits)) >> (64 - bits);
}
}  // namespace bitwright
#define VL_EXTENDS_II(to, bits, a) (static_cast<IData>(bitwright::signed_i(bits, a)))
#define VL_EXTENDS_QI(to, bits, a) (static_cast<QData>(bitwright::signed_q(bits, a)))
#define VL_EXTENDS_QQ(to, bits, a) (static_cast<QData>(bitwright::signed_q(bits, a)))
#define VL_MULS_III(bits, a, b) (VL_EXTENDS_II(32, bits, a) * VL_EXTENDS_II(32, bits, b))
#define VL_MULS_QQQ(bits, a, b) (VL_EXTENDS_QQ(64, bits, a) * VL_EXTENDS_QQ(64, bits, b))
#define VL_GTS_III(bits, a, b) (bitwright::signed_i(bits, a) > bitwright::signed_i(bits, b))
#define VL_GTES_III(bits, a, b) (bitwright::signed_i(bits, a) >= bitwright::signed_i(bits, b))
#define VL_LTS_III(bits, a, b) (bitwright::signed_i(bits, a) < bitwright::signed_i(bits, b))
#define VL_LTES_III(bits, a, b) (bitwright::signed_i(bits, a) <= bitwright::signed_i(bits, b))
