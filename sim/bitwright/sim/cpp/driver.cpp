// Runs a program on the Verilated accelerator, a batch per call.
//
// The host's side of the four buses, as close to the model as possible: streams are fed from and
// drained to buffers of the caller, register accesses take a call each, and the trace port keeps a
// mirror of the activation banks from which every layer's output is copied when it is complete.
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "Vtop.h"
#include "bitwright_runtime.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

// Pauses: each cycle with a probability of rate / 65536, from a seeded xorshift generator.
struct Pauses {
    uint64_t state = 1;
    uint32_t rate = 0;
    bool now() {
        if (!rate) return false;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (state & 0xFFFF) < rate;
    }
};

// A packetised source: beats of `lanes` bytes; ends[k] is the beat after packet k's last.
struct Source {
    const uint8_t* data = nullptr;
    const uint64_t* ends = nullptr;
    uint64_t beats = 0, packets = 0, beat = 0, packet = 0, repeats = 0;
    bool offered = false;  // A beat that was offered is not withdrawn.
    Pauses pauses;
    bool left() const { return repeats != 0; }
    bool offers() { return offered = left() && (offered || !pauses.now()); }
    void advance() {
        offered = false;
        if (++beat == ends[packet]) ++packet;
        if (beat == beats) {
            beat = packet = 0;
            --repeats;
        }
    }
};

struct Tap {
    uint32_t pc, bank, base, bytes;
    uint8_t* target;
    uint64_t stride;
};

struct Host {
    std::unique_ptr<VerilatedContext> context{new VerilatedContext};
    std::unique_ptr<Vtop> top;
    uint32_t lanes, bank_bytes;
    Source weights, inputs;
    uint8_t* sink = nullptr;
    uint64_t sink_beats = 0, sink_taken = 0;
    Pauses sink_pauses;
    std::vector<uint8_t> mirror[2];
    std::vector<Tap> taps;
    uint32_t* cycles = nullptr;
    uint64_t* ends_at = nullptr;
    uint32_t instructions = 0;
    uint64_t image = 0, images = 0, time = 0;
    bool image_over = false;
    std::string failure;
    uint64_t trace_from = 0, trace_to = 0;
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> vcd;
#endif

    Host(uint32_t lanes, uint32_t bank_bytes) : lanes(lanes), bank_bytes(bank_bytes) {
        context->traceEverOn(true);
        top.reset(new Vtop{context.get()});
        mirror[0].assign(bank_bytes, 0);
        mirror[1].assign(bank_bytes, 0);
    }

    void dump() {
#if VM_TRACE
        if (vcd && time >= trace_from && time < trace_to) vcd->dump(context->time());
#endif
    }

    void present() {
        auto& t = *top;
        t.weights_tvalid = weights.offers();
        if (weights.offered) {
            memcpy(&t.weights_tdata, weights.data + weights.beat * lanes, lanes);
            t.weights_tlast = weights.beat + 1 == weights.ends[weights.packet];
        }
        t.inputs_tvalid = inputs.offers();
        if (inputs.offered) {
            memcpy(&t.inputs_tdata, inputs.data + inputs.beat * lanes, lanes);
            t.inputs_tlast = inputs.beat + 1 == inputs.ends[inputs.packet];
        }
        t.outputs_tready = sink_taken < sink_beats && !sink_pauses.now();
    }

    void watch() {
        auto& t = *top;
        if (t.trace_write) {
            const uint64_t address = t.trace_address;  // A negative one is a large one: outside.
            if (address + t.trace_count <= bank_bytes)
                memcpy(&mirror[t.trace_bank][address], &t.trace_word, t.trace_count);
        }
        if (t.trace_done) {
            const uint32_t pc = t.trace_pc;
            if (pc < instructions && image < images) {
                cycles[image * instructions + pc] = t.trace_cycles;
                ends_at[image * instructions + pc] = time;
            }
            for (const Tap& tap : taps)
                if (tap.pc == pc && image < images)
                    memcpy(tap.target + image * tap.stride, &mirror[tap.bank][tap.base], tap.bytes);
            if (pc + 1 == instructions) ++image;
        }
    }

    void tick() {
        auto& t = *top;
        present();
        t.clk = 0;
        t.eval();
        // What the edge will transfer, seen before it.
        const bool weight = weights.offered && t.weights_tready;
        const bool input = inputs.offered && t.inputs_tready;
        if (t.outputs_tvalid && t.outputs_tready) {
            memcpy(sink + sink_taken * lanes, &t.outputs_tdata, lanes);
            ++sink_taken;
        }
        watch();
        dump();
        context->timeInc(1);
        t.clk = 1;
        t.eval();
        dump();
        context->timeInc(1);
        ++time;
        if (weight) weights.advance();
        if (input) inputs.advance();
    }

    // Take back what is queued on the input streams.
    void forget() {
        for (Source* source : {&weights, &inputs}) source->offered = source->repeats = 0;
    }

    void reset() {
        auto& t = *top;
        forget();
        sink_beats = sink_taken = 0;
        t.control_awvalid = t.control_wvalid = t.control_bready = 0;
        t.control_arvalid = t.control_rready = 0;
        t.rst = 1;
        for (int n = 0; n < 4; ++n) tick();
        t.rst = 0;
        tick();
    }

    // Tick until a signal of the registers is high; they answer within a few cycles, or never.
    void until(const uint8_t& signal) {
        for (int n = 0; n < 1000; ++n) {
            top->clk = 0;
            top->eval();
            if (signal) return;
            tick();
        }
        throw bitwright::SimulationFailure{"the registers do not answer"};
    }

    // No response is there that nobody asked for.
    void quiet() {
        top->clk = 0;
        top->eval();
        if (top->control_bvalid || top->control_rvalid)
            throw bitwright::SimulationFailure{"the registers answer what was not asked"};
    }

    int write(uint32_t address, uint32_t value) {
        auto& t = *top;
        quiet();
        t.control_awaddr = address;
        t.control_wdata = value;
        t.control_wstrb = 0xF;
        t.control_awvalid = t.control_wvalid = t.control_bready = 1;
        until(t.control_awready);
        tick();
        t.control_awvalid = t.control_wvalid = 0;
        until(t.control_bvalid);
        const int response = t.control_bresp;
        tick();
        t.control_bready = 0;
        quiet();
        return response;
    }

    int read(uint32_t address, uint32_t* value) {
        auto& t = *top;
        quiet();
        t.control_araddr = address;
        t.control_arvalid = t.control_rready = 1;
        until(t.control_arready);
        tick();
        t.control_arvalid = 0;
        until(t.control_rvalid);
        *value = t.control_rdata;
        const int response = t.control_rresp;
        tick();
        t.control_rready = 0;
        quiet();
        return response;
    }
};

// A design made by `tools/mutate.py` has an input that chooses one of its defects.
template <typename Top>
auto choose_mutant(Top& top, uint32_t mutant, int) -> decltype(top.mutant = mutant, 0) {
    return top.mutant = mutant, 1;
}
template <typename Top>
int choose_mutant(Top&, uint32_t, long) {
    return 0;
}

// Models run in several threads, each with a context of its own, that of the thread meanwhile.
template <typename Action>
int guarded(Host* host, Action action) {
    Verilated::threadContextp(host->context.get());
    try {
        return action();
    } catch (const bitwright::SimulationFailure& failure) {
        host->failure = failure.what();
        return -1;
    }
}

}  // namespace

extern "C" {

Host* bw_new(uint32_t lanes, uint32_t bank_bytes) { return new Host(lanes, bank_bytes); }
void bw_delete(Host* host) { delete host; }
const char* bw_failure(Host* host) { return host->failure.c_str(); }
uint64_t bw_time(Host* host) { return host->time; }
int bw_mutant(Host* host, uint32_t mutant) { return choose_mutant(*host->top, mutant, 0); }
int bw_reset(Host* host) {
    return guarded(host, [&] { return host->reset(), 0; });
}
int bw_write(Host* host, uint32_t address, uint32_t value) {
    return guarded(host, [&] { return host->write(address, value); });
}
int bw_read(Host* host, uint32_t address, uint32_t* value) {
    return guarded(host, [&] { return host->read(address, value); });
}

void bw_source(Host* host, int inputs, const uint8_t* data, uint64_t beats, const uint64_t* ends,
               uint64_t packets, uint64_t repeats) {
    Source& source = inputs ? host->inputs : host->weights;
    const Pauses pauses = source.pauses;
    source = Source{};
    source.pauses = pauses;
    if (!beats || !repeats) return;
    source.data = data;
    source.beats = beats;
    source.ends = ends;
    source.packets = packets;
    source.repeats = repeats;
}
void bw_sink(Host* host, uint8_t* target, uint64_t beats) {
    host->sink = target;
    host->sink_beats = beats;
    host->sink_taken = 0;
}
uint64_t bw_taken(Host* host) { return host->sink_taken; }
void bw_forget(Host* host) { host->forget(); }
int bw_left(Host* host, int inputs) { return (inputs ? host->inputs : host->weights).left(); }
// From now on the host pauses: weights, inputs, outputs, each with its rate of 65536.
void bw_pause(Host* host, uint64_t seed, uint32_t weights, uint32_t inputs, uint32_t outputs) {
    host->weights.pauses = Pauses{seed * 3 + 1, weights};
    host->inputs.pauses = Pauses{seed * 3 + 2, inputs};
    host->sink_pauses = Pauses{seed * 3 + 3, outputs};
}

// Before a run: where to put each instruction's cycles and the time of its end, and which regions to copy after which.
void bw_record(Host* host, uint64_t images, uint32_t instructions, uint32_t* cycles,
               uint64_t* ends_at) {
    host->images = images;
    host->instructions = instructions;
    host->cycles = cycles;
    host->ends_at = ends_at;
    host->image = 0;
    host->taps.clear();
}
void bw_tap(Host* host, uint32_t pc, uint32_t bank, uint32_t base, uint32_t bytes, uint8_t* target,
            uint64_t stride) {
    host->taps.push_back(Tap{pc, bank, base, bytes, target, stride});
}

// Ticks a number of cycles.
int bw_tick(Host* host, uint64_t cycles) {
    return guarded(host, [&] {
        for (uint64_t n = 0; n < cycles; ++n) host->tick();
        return 0;
    });
}

// Ticks until the interrupt, or `limit` cycles. Returns 1 on the interrupt, 0 at the limit.
int bw_run(Host* host, uint64_t limit) {
    return guarded(host, [&] {
        for (uint64_t n = 0; n < limit; ++n) {
            if (host->top->irq) return 1;
            host->tick();
        }
        return host->top->irq ? 1 : 0;
    });
}

// Opens a waveform of cycles from..to-1; 1 if this build can trace.
int bw_trace(Host* host, const char* path, uint64_t from, uint64_t to) {
#if VM_TRACE
    host->vcd.reset(new VerilatedVcdC);
    host->top->trace(host->vcd.get(), 99);
    host->vcd->open(path);
    host->trace_from = from;
    host->trace_to = to;
    return 1;
#else
    return 0;
#endif
}
void bw_trace_close(Host* host) {
#if VM_TRACE
    if (host->vcd) host->vcd->close();
    host->vcd.reset();
#endif
}
}
