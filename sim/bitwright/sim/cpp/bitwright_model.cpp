// A model as `bitwright.sim.model` drives it: create, evaluate, tick, trace, destroy.

#include "Vtop.h"
#include "Vtop_ports.h"
#include "bitwright_runtime.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif
#include <memory>
#include <string>

struct Model {
    VerilatedContext context;
    std::unique_ptr<Vtop> top;
    std::string failure;
    uint64_t cycles = 0;
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> trace;
#endif
    void dump() {
#if VM_TRACE
        if (trace) trace->dump(context.time());
#endif
    }
    void close_trace() {
#if VM_TRACE
        if (trace) trace->close();
        trace.reset();
#endif
    }
    // Text of the failure, or null. After a failure the model stays as it was and only repeats it.
    template <class Action>
    const char* guarded(Action action) {
        if (!failure.empty()) return failure.c_str();
        Verilated::threadContextp(&context);
        try {
            action();
        } catch (const bitwright::SimulationFailure& error) {
            failure = error.what();
            dump();
            close_trace();
            return failure.c_str();
        }
        return nullptr;
    }
};

static constexpr uint64_t half_period = 5;  // ns

extern "C" {
Model* model_create() {
    auto* const model = new Model;
    model->context.traceEverOn(VM_TRACE);
    model->top = std::make_unique<Vtop>(&model->context, "");
    return model;
}
void model_destroy(Model* model) {
    Verilated::threadContextp(&model->context);
    model->close_trace();
    delete model;
}
void* model_port(Model* model, int index, uint64_t* bytes) {
#define PORT(name, member, direction, width) {&model->top->member, sizeof model->top->member},
    const struct { void* address; uint64_t bytes; } table[] = {VTOP_PORTS(PORT) {nullptr, 0}};
    *bytes = table[index].bytes;
    return table[index].address;
}
const char* model_eval(Model* model) {
    return model->guarded([&] { model->top->eval(); });
}
// A cycle: inputs settle while the clock is low, it rises, it falls.
const char* model_tick(Model* model, uint8_t* clock, uint64_t cycles) {
    return model->guarded([&] {
        for (uint64_t i = 0; i < cycles && !model->context.gotFinish(); ++i) {
            *clock = 0;
            model->top->eval();
            model->dump();
            model->context.timeInc(half_period);
            *clock = 1;
            model->top->eval();
            model->dump();
            model->context.timeInc(half_period);
            ++model->cycles;
        }
        *clock = 0;
        model->top->eval();
    });
}
int model_traces() { return VM_TRACE; }
uint64_t model_cycles(Model* model) { return model->cycles; }
int model_finished(Model* model) { return model->context.gotFinish(); }
const char* model_start_trace(Model* model, const char* path) {
    return model->guarded([&] {
#if VM_TRACE
        model->trace = std::make_unique<VerilatedVcdC>();
        model->top->trace(model->trace.get(), 99);
        model->trace->open(path);
        if (!model->trace->isOpen()) {
            model->trace.reset();
            throw bitwright::SimulationFailure{"cannot write the trace"};
        }
#endif
    });
}
const char* model_stop_trace(Model* model) {
    return model->guarded([&] {
        model->top->eval();
        model->dump();
        model->close_trace();
    });
}
}
