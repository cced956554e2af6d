// Runs the kernels on the CPU, for tests on machines without a GPU: the same source, compiled by a C++ compiler. The
// threads of a block are coroutines that take turns at `__syncthreads`. Blocks run one after the other, so what is
// tested is arithmetic, indexing, and (as the order of the threads is reversed from one barrier to the next) that
// threads wait for each other where they must; not speed, and not the memory model of a GPU.
#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <tuple>
#include <ucontext.h>
#include <utility>
#include <vector>

#define KERNEL(THREADS) static void
#define __device__
#define __shared__ static thread_local
#define __grid_constant__

namespace {
struct Dim3 {
    unsigned x, y, z;
};
thread_local Dim3 gridDim, blockDim, blockIdx, threadIdx;

using std::max;
using std::min;

constexpr size_t STACK = 64 * 1024;

// A thread of a block. It lives on from one block to the next: a new context costs a system call, `_longjmp` none.
struct Thread {
    std::vector<char> stack;
    jmp_buf at;
    bool done;

    Thread();
};

struct Block {
    std::vector<std::unique_ptr<Thread>> threads;
    jmp_buf scheduler;
    unsigned current;
    bool waits;
    void (*call)(void* const*);
    void* const* arguments;
};
thread_local Block block;

void yield() {
    if (_setjmp(block.threads[block.current]->at) == 0) _longjmp(block.scheduler, 1);
}

void run_thread() {
    yield();
    for (;;) {
        block.call(block.arguments);
        block.threads[block.current]->done = true;
        yield();
    }
}

Thread::Thread() : stack(STACK), done(false) {}

// A kernel that is not listed as one that waits.
[[noreturn]] void unexpected_barrier() {
    std::fputs("a kernel without barriers waited at one; list it as WAITS\n", stderr);
    std::abort();
}

void __syncthreads() {
    if (!block.waits) unexpected_barrier();
    yield();
}

// Blocks run one after the other.
void __threadfence() {}

unsigned atomicAdd(unsigned* at, unsigned more) {
    unsigned before = *at;
    *at += more;
    return before;
}

void become(unsigned thread) {
    block.current = thread;
    threadIdx = {thread % blockDim.x, thread / blockDim.x % blockDim.y, thread / blockDim.x / blockDim.y};
}

void enter(unsigned thread) {
    become(thread);
    if (_setjmp(block.scheduler) == 0) _longjmp(block.threads[thread]->at, 1);
}

void add_thread() {
    block.threads.push_back(std::make_unique<Thread>());
    block.current = block.threads.size() - 1;
    Thread& thread = *block.threads.back();
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = thread.stack.data();
    context.uc_stack.ss_size = thread.stack.size();
    context.uc_link = nullptr;
    makecontext(&context, run_thread, 0);
    if (_setjmp(block.scheduler) == 0) setcontext(&context);
}

// Returns false where some threads of the block ended and others wait at a barrier.
bool run_block(unsigned threads) {
    if (!block.waits) {
        for (unsigned t = 0; t < threads; ++t) {
            become(t);
            block.call(block.arguments);
        }
        return true;
    }
    while (block.threads.size() < threads) add_thread();
    for (unsigned t = 0; t < threads; ++t) block.threads[t]->done = false;
    for (bool reversed = false;; reversed = !reversed) {
        unsigned ended = 0;
        for (unsigned t = 0; t < threads; ++t) enter(reversed ? threads - 1 - t : t);
        for (unsigned t = 0; t < threads; ++t) ended += block.threads[t]->done;
        if (ended == threads) return true;
        // What is half done cannot go on: its threads are left where they are.
        if (ended != 0) return block.threads.clear(), false;
    }
}
}  // namespace

#include "kernels.cu"

namespace {
template <class... A, size_t... I>
void apply(void (*kernel)(A...), void* const* arguments, std::index_sequence<I...>) {
    kernel(*static_cast<std::remove_reference_t<A>*>(arguments[I])...);
}

template <class... A>
void apply(void (*kernel)(A...), void* const* arguments) {
    apply(kernel, arguments, std::index_sequence_for<A...>());
}

template <auto kernel>
void call(void* const* arguments) {
    apply(kernel, arguments);
}

struct Entry {
    const char* name;
    // Whether its threads wait for each other.
    bool waits;
    void (*call)(void* const*);
};

#define ENTRY(name) {#name, false, call<name>}
#define WAITS(name) {#name, true, call<name>}
#define SIZES(name) WAITS(name##_16), WAITS(name##_32), WAITS(name##_64)
#define FILTERS(kind, name) kind(name##_3), kind(name##_5), kind(name##_n)
const Entry ENTRIES[] = {
    SIZES(conv_forward), SIZES(conv_backward_input), SIZES(conv_backward_weight), SIZES(reduce_backward_input),
    SIZES(separable_backward_between), FILTERS(SIZES, separable_forward), FILTERS(SIZES, separable_backward_pointwise),
    FILTERS(ENTRY, depthwise_forward), FILTERS(ENTRY, depthwise_backward_input),
    FILTERS(WAITS, depthwise_backward_weight),
    ENTRY(pool_forward), ENTRY(pool_backward),
    WAITS(batch_stats), ENTRY(norm_map), ENTRY(update_running), ENTRY(constant_map),
    ENTRY(node_sum), WAITS(gradient_sums), WAITS(input_gradient_sums), ENTRY(scaled),
    ENTRY(output_gradient),
    ENTRY(global_average_pool), ENTRY(global_average_pool_backward), ENTRY(linear_forward),
    ENTRY(linear_backward_input), ENTRY(linear_backward_weight), ENTRY(cross_entropy),
    ENTRY(relu_forward), ENTRY(relu_backward), ENTRY(dropout), ENTRY(set_zero),
    WAITS(sum_of_squares), ENTRY(sgd_update), WAITS(sum_parts),
};
}  // namespace

// 0: done. 1: there is no such kernel. 2: threads of one block do not meet at the same barriers.
extern "C" int eoinas_launch_emulated(
    const char* name, const unsigned grid[3], const unsigned threads[3], void* const* arguments) {
    for (const Entry& entry : ENTRIES) {
        if (std::strcmp(entry.name, name) != 0) continue;
        block.waits = entry.waits;
        block.call = entry.call;
        block.arguments = arguments;
        gridDim = {grid[0], grid[1], grid[2]};
        blockDim = {threads[0], threads[1], threads[2]};
        for (unsigned z = 0; z < grid[2]; ++z) {
            for (unsigned y = 0; y < grid[1]; ++y) {
                for (unsigned x = 0; x < grid[0]; ++x) {
                    blockIdx = {x, y, z};
                    if (!run_block(threads[0] * threads[1] * threads[2])) return 2;
                }
            }
        }
        return 0;
    }
    return 1;
}
