// How the threads of a launch share its work.
#pragma once

// The first value of this thread, of a kernel whose threads take several values each; the next is `all_threads` further.
__device__ inline int first_value() {
    return blockIdx.x * blockDim.x + threadIdx.x;
}

__device__ inline int all_threads() {
    return gridDim.x * blockDim.x;
}

// Where a pixel lies: its index counts through [n, h, w].
struct Pixel {
    int n, y, x;
};

__device__ inline Pixel place(int pixel, int h, int w) {
    return {pixel / w / h, pixel / w % h, pixel % w};
}

// Channels of a block that sums over pixels, or over pieces of them.
constexpr int CHANNELS = 16;

// The first channel of this thread, of a block of 256 threads that take V channels each; other threads have the same
// channels of other pixels.
template <int V = 1>
__device__ inline int first_channel() {
    return blockIdx.x * CHANNELS + threadIdx.x % (CHANNELS / V) * V;
}

// Pixels that such a block takes at a time, and which of them is this thread's.
template <int V = 1>
constexpr int PIXELS = 256 / CHANNELS * V;

template <int V = 1>
__device__ inline int pixel_of_block() {
    return threadIdx.x / (CHANNELS / V);
}

// The sum over the pixels of such a block: thread i of the first CHANNELS gets that of the block's channel i.
template <int V>
__device__ inline float sum_of_pixels(const Lanes<V>& value) {
    alignas(16) __shared__ float part[PIXELS<V>][CHANNELS];
    value.to(&part[pixel_of_block<V>()][threadIdx.x % (CHANNELS / V) * V]);
    __syncthreads();
    float total = 0.0f;
    if (threadIdx.x < CHANNELS) {
        for (int p = 0; p < PIXELS<V>; ++p) total += part[p][threadIdx.x];
    }
    __syncthreads();
    return total;
}

// Whether this block is the last of `blocks` that come here, which then sees what all of them have written. `counter` is 0
// before and after.
__device__ inline bool last_of(unsigned* counter, unsigned blocks) {
    __shared__ bool last;
    __syncthreads();
    if (threadIdx.x == 0) {
        // A fence covers what its thread has seen: all that the block wrote, then all that the others did.
        __threadfence();
        last = atomicAdd(counter, 1u) == blocks - 1;
        if (last) *counter = 0;
        __threadfence();
    }
    __syncthreads();
    return last;
}

// Two numbers.
struct Two {
    double one, other;
};

// Sums over the pieces of COLS columns by a block of so many threads: `add(piece, column, sums)` adds those of a column
// to the sums. Thread i of the first COLS gets those of column i.
template <int THREADS, int COLS, class F>
__device__ inline Two sum_of_pieces(int pieces, int cols, const F& add) {
    constexpr int SHARERS = THREADS / COLS;
    __shared__ Two part[SHARERS][COLS];
    int column = threadIdx.x % COLS, sharer = threadIdx.x / COLS;
    Two sums = {0.0, 0.0};
    if (column < cols) {
#pragma unroll 8
        for (int piece = sharer; piece < pieces; piece += SHARERS) add(piece, column, sums);
    }
    part[sharer][column] = sums;
    __syncthreads();
    for (int half = SHARERS / 2; half > 0; half /= 2) {
        if (sharer < half) {
            part[sharer][column].one += part[sharer + half][column].one;
            part[sharer][column].other += part[sharer + half][column].other;
        }
        __syncthreads();
    }
    return part[0][column];
}

// What becomes of the moments of an output's pieces: mean and squared deviations of each, [pieces, 2, c]; `share` pixels a
// piece, fewer in the last.
struct Statistics {
    float* moments;
    // [5, c]: mean, biased variance, and the map of a BatchNorm without gamma and beta: rstd, scale, shift.
    float* out;
    unsigned* counters;
    double eps;
};

// Writes the statistics of channels `first` to `first + cols`, at most COLS, from all pieces.
template <int THREADS, int COLS>
__device__ inline void write_statistics(
    const Statistics& to, int first, int cols, int c, int pieces, int share, int pixels) {
    // Around the first piece's mean, so that a large mean keeps its digits.
    int mine = threadIdx.x % COLS;
    double origin = mine < cols ? to.moments[first + mine] : 0.0f;
    Two sums = sum_of_pieces<THREADS, COLS>(pieces, cols, [&](int piece, int column, Two& sums) {
        const float* from = to.moments + size_t(piece) * 2 * c + first + column;
        double count = min(share, pixels - piece * share), d = from[0] - origin;
        sums.one += count * d;
        sums.other += from[c] + count * d * d;
    });
    if (int(threadIdx.x) >= cols) return;
    int channel = first + threadIdx.x;
    double off = sums.one / pixels, mean = origin + off;
    double squares = sums.other / pixels - off * off, variance = squares < 0.0 ? 0.0 : squares;
    double rstd = 1.0 / sqrt(variance + to.eps);
    const double values[5] = {mean, variance, rstd, rstd, -mean * rstd};
    for (int i = 0; i < 5; ++i) to.out[i * c + channel] = values[i];
}
