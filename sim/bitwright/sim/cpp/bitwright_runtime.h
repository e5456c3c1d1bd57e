// Failures of a design as exceptions; `Vtop.h` needs no change for it.
#pragma once
#include <stdexcept>
namespace bitwright {
// A failed assertion, $stop or $fatal. The model that threw it must not be evaluated again.
struct SimulationFailure : std::runtime_error {
    using std::runtime_error::runtime_error;
};
}  // namespace bitwright
// What the Verilated run-time prints with: lines go to stdout, error messages are kept back.
extern int bitwright_printf(const char* format, ...) __attribute__((format(printf, 1, 2)));
