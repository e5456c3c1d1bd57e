// What Verilator's run-time does on a failure and with text: throw, and print whole lines.

#include "bitwright_runtime.h"
#include "verilated.h"
#include <algorithm>
#include <cctype>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>

static thread_local std::string pending;  // text since the last line that went out

int bitwright_printf(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char* text = nullptr;
    const int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) return length;
    pending.append(text, length);
    std::free(text);
    // The message of a failing assertion precedes vl_stop: it waits here for its exception.
    const bool failing = pending.find("%Error") != std::string::npos;
    const std::size_t end = pending.rfind('\n');
    if (!failing && end != std::string::npos) {
        std::fwrite(pending.data(), 1, end + 1, stdout);
        std::fflush(stdout);
        pending.erase(0, end + 1);
    }
    return length;
}

// The design's own text (an Amaranth Assert prints its message first), then where and what.
static std::string take(const char* what, const char* filename, int line) {
    std::string said = std::move(pending);
    pending.clear();
    std::string where = std::string{filename} + ":" + std::to_string(line) + ": " + what;
    const std::size_t error = said.find("%Error: ");  // "said[time] %Error: where\n"
    if (error != std::string::npos) {
        where = said.substr(error + 8);
        said.erase(std::min(said.rfind('[', error), error));
    }
    for (std::string* const text : {&said, &where})
        while (!text->empty() && std::isspace(text->back())) text->pop_back();
    const std::string message = said.empty() ? where : said + " (" + where + ")";
    Verilated::threadContextp()->gotError(true);
    Verilated::threadContextp()->gotFinish(true);
    return message;
}

void vl_stop(const char* filename, int line, const char*) {
    throw bitwright::SimulationFailure{take("$stop", filename, line)};
}
void vl_fatal(const char* filename, int line, const char*, const char* message) {
    throw bitwright::SimulationFailure{take(message, filename, line)};
}
void vl_finish(const char*, int, const char*) { Verilated::threadContextp()->gotFinish(true); }
double sc_time_stamp() { return 0; }
