// What the matrix products of `gemm.cuh` read and write, V neighbouring channels at a time; `fit` says how many can
// be.
#pragma once

// Values of the input that an output pixel of a convolution reads: k counts taps row by row, channels fastest.
struct Window {
    const Input& x;
    // Columns of the filter, step between outputs, where tap (0, 0) of output (0, 0) lies, size of the output.
    int columns, stride, first_y, first_x, out_h, out_w;

    using Row = Pixel;
    __device__ Fit fit() const { return ::fit(x); }
    __device__ Row row(int pixel) const {
        Pixel at = place(pixel, out_h, out_w);
        return {at.n, at.y * stride + first_y, at.x * stride + first_x};
    }
    template <int V>
    __device__ Lanes<V> at(const Row& row, int k) const {
        // Most filters have one tap, and divisions are slow.
        int tap = k < x.c ? 0 : k / x.c, y = tap == 0 ? 0 : tap / columns;
        return InputChannels<V>(x, k - tap * x.c).at(row.n, row.y + y, row.x + tap - y * columns);
    }
};

// The output of a depthwise convolution, which nobody has written: computed when it is read. SIZE: columns of its filter,
// or 0 where `size` alone knows.
template <int SIZE>
struct DepthwiseWindow {
    const Input& x;
    const float* weight;
    int size, stride, dilation, out_h, out_w;

    using Row = Pixel;
    __device__ Fit fit() const { return ::fit(x) | ::fit(weight); }
    __device__ Row row(int pixel) const {
        Pixel at = place(pixel, out_h, out_w);
        int padding = dilation * (size - 1) / 2;
        return {at.n, at.y * stride - padding, at.x * stride - padding};
    }
    template <int V>
    __device__ Lanes<V> at(const Row& row, int channel) const {
        InputChannels<V> input(x, channel);
        Lanes<V> sum = Lanes<V>::of(0.0f);
        const int taps = SIZE ? SIZE : size;
        [[maybe_unused]] constexpr int UNROLL = SIZE ? SIZE : 1;
        using Bits = typename FilterBits<SIZE>::Type;
        Bits rows = inside_bits<Bits>(row.y, taps, dilation, x.h);
        Bits columns = inside_bits<Bits>(row.x, taps, dilation, x.w);
        int first = (row.n * x.h + row.y) * x.w + row.x;
        // Rows one after the other: code that is longer takes longer to be fetched than to be run.
#pragma unroll 1
        for (int ky = 0; ky < taps; ++ky) {
#pragma unroll UNROLL
            for (int kx = 0; kx < taps; ++kx) {
                bool inside = rows >> ky & columns >> kx & 1;
                Lanes<V> value = input.at(first + (ky * x.w + kx) * dilation, inside);
                add_product(sum, value, Lanes<V>::from(weight + (ky * taps + kx) * x.c + channel));
            }
        }
        return sum;
    }
};

// The gradient of a convolution's output, pixel by pixel.
struct GradientRows {
    const Gradient& g;

    using Row = int;
    __device__ Fit fit() const { return ::fit(g); }
    __device__ Row row(int pixel) const { return pixel; }
    template <int V>
    __device__ Lanes<V> at(Row pixel, int channel) const {
        return GradientChannels<V>(g, channel).at(pixel);
    }
};

// Some of its channels.
struct GradientColumns {
    const Gradient& g;
    int first;

    __device__ Fit fit() const { return ::fit(g) | first; }
    template <int V>
    __device__ Lanes<V> at(int pixel, int channel) const {
        return GradientChannels<V>(g, first + channel).at(pixel);
    }
};

// Values of the output's gradient that an input pixel of a convolution contributed to, tap by tap; h and w are the
// input's.
struct GradientWindow {
    const Gradient& g;
    int columns, stride, first_y, first_x, h, w;

    using Row = Pixel;
    __device__ Fit fit() const { return ::fit(g); }
    __device__ Row row(int pixel) const {
        Pixel at = place(pixel, h, w);
        return {at.n, at.y - first_y, at.x - first_x};
    }
    template <int V>
    __device__ Lanes<V> at(const Row& row, int k) const {
        int tap = k < g.c ? 0 : k / g.c, down = tap == 0 ? 0 : tap / columns;
        int y = row.y - down, x = row.x - (tap - down * columns);
        if (stride != 1) {
            // No output has its tap between two steps; -1 is no row of the gradient.
            y = y >= 0 && y % stride == 0 ? y / stride : -1;
            x = x >= 0 && x % stride == 0 ? x / stride : -1;
        }
        return GradientChannels<V>(g, k - tap * g.c).at(row.n, y, x);
    }
};

// A factorised reduce: channels before `split` come from pixels of even row and column, the others from odd ones; along
// a side of one pixel, which has none, from that pixel.
struct ReduceGradientWindow {
    const Gradient& g;
    int split, h, w;

    using Row = Pixel;
    __device__ Fit fit() const { return ::fit(g) | split; }
    __device__ Row row(int pixel) const { return place(pixel, h, w); }
    template <int V>
    __device__ Lanes<V> at(const Row& row, int channel) const {
        bool second = channel >= split;
        if (row.y % 2 != (second && h > 1) || row.x % 2 != (second && w > 1)) return Lanes<V>::of(0.0f);
        return GradientChannels<V>(g, channel).at(row.n, row.y / 2, row.x / 2);
    }
};

// Weights [k, cols]. DOWN: neighbours in memory follow each other along k.
struct Weights {
    const float* weight;
    int cols;

    static constexpr bool DOWN = false;
    __device__ float at(int k, int column) const { return weight[size_t(k) * cols + column]; }
};

// Weights [taps, inputs, outputs] for the way back: k counts taps, outputs fastest; columns are inputs.
struct WeightsBack {
    const float* weight;
    int inputs, outputs;

    static constexpr bool DOWN = true;
    __device__ float at(int k, int input) const {
        int tap = k < outputs ? 0 : k / outputs;
        return weight[(size_t(tap) * inputs + input) * outputs + k - tap * outputs];
    }
};

// Both weights of a factorised reduce, [inputs, split] and [inputs, outputs - split], for the way back.
struct ReduceWeightsBack {
    const float *first, *second;
    int split, outputs;

    static constexpr bool DOWN = true;
    __device__ float at(int k, int input) const {
        return k < split ? first[input * split + k] : second[input * (outputs - split) + k - split];
    }
};

struct InputColumns {
    const Target& target;
    const Input& x;

    __device__ Fit fit() const { return ::fit(target) | ::fit(x); }
    template <int V>
    __device__ void put(int row, int column, const Lanes<V>& value) const {
        store(target, x, row, column, value);
    }
};
