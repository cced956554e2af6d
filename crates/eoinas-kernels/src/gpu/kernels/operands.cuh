// What the matrix products of `gemm.cuh` read and write.
#pragma once

// Values of the input that an output pixel of a convolution reads: k counts taps row by row, channels fastest.
struct Window {
    const Input& x;
    // Columns of the filter, step between outputs, where tap (0, 0) of output (0, 0) lies, size of the output.
    int columns, stride, first_y, first_x, out_h, out_w;

    using Row = Pixel;
    __device__ Row row(int pixel) const {
        Pixel at = place(pixel, out_h, out_w);
        return {at.n, at.y * stride + first_y, at.x * stride + first_x};
    }
    __device__ float at(const Row& row, int k) const {
        int channel = k % x.c, tap = k / x.c;
        return load(x, row.n, row.y + tap / columns, row.x + tap % columns, channel);
    }
};

// The output of a depthwise convolution, which nobody has written: computed when it is read.
struct DepthwiseWindow {
    const Input& x;
    const float* weight;
    int size, stride, dilation, out_h, out_w;

    using Row = Pixel;
    __device__ Row row(int pixel) const {
        Pixel at = place(pixel, out_h, out_w);
        int padding = dilation * (size - 1) / 2;
        return {at.n, at.y * stride - padding, at.x * stride - padding};
    }
    __device__ float at(const Row& row, int channel) const {
        float sum = 0.0f;
        for (int ky = 0; ky < size; ++ky) {
            for (int kx = 0; kx < size; ++kx) {
                float value = load(x, row.n, row.y + ky * dilation, row.x + kx * dilation, channel);
                sum = fmaf(value, weight[(ky * size + kx) * x.c + channel], sum);
            }
        }
        return sum;
    }
};

// The gradient of a convolution's output, pixel by pixel.
struct GradientRows {
    const Gradient& g;

    using Row = int;
    __device__ Row row(int pixel) const { return pixel; }
    __device__ float at(Row pixel, int channel) const { return load(g, pixel, channel); }
};

// Some of its channels.
struct GradientColumns {
    const Gradient& g;
    int first;

    __device__ float at(int pixel, int channel) const { return load(g, pixel, first + channel); }
};

// Values of the output's gradient that an input pixel of a convolution contributed to, tap by tap; h and w are the
// input's.
struct GradientWindow {
    const Gradient& g;
    int columns, stride, first_y, first_x, h, w;

    using Row = Pixel;
    __device__ Row row(int pixel) const {
        Pixel at = place(pixel, h, w);
        return {at.n, at.y - first_y, at.x - first_x};
    }
    __device__ float at(const Row& row, int k) const {
        int channel = k % g.c, tap = k / g.c;
        int y = row.y - tap / columns, x = row.x - tap % columns;
        if (y < 0 || x < 0 || y % stride != 0 || x % stride != 0) return 0.0f;
        return load(g, row.n, y / stride, x / stride, channel);
    }
};

// A factorised reduce: channels before `split` come from pixels of even row and column, the others from odd ones; along
// a side of one pixel, which has none, from that pixel.
struct ReduceGradientWindow {
    const Gradient& g;
    int split, h, w;

    using Row = Pixel;
    __device__ Row row(int pixel) const { return place(pixel, h, w); }
    __device__ float at(const Row& row, int channel) const {
        bool second = channel >= split;
        if (row.y % 2 != (second && h > 1) || row.x % 2 != (second && w > 1)) return 0.0f;
        return load(g, row.n, row.y / 2, row.x / 2, channel);
    }
};

// Weights [k, cols].
struct Weights {
    const float* weight;
    int cols;

    __device__ float at(int k, int column) const { return weight[size_t(k) * cols + column]; }
};

// Weights [taps, inputs, outputs] for the way back: k counts taps, outputs fastest; columns are inputs.
struct WeightsBack {
    const float* weight;
    int inputs, outputs;

    __device__ float at(int k, int input) const {
        return weight[(size_t(k / outputs) * inputs + input) * outputs + k % outputs];
    }
};

// Both weights of a factorised reduce, [inputs, split] and [inputs, outputs - split], for the way back.
struct ReduceWeightsBack {
    const float *first, *second;
    int split, outputs;

    __device__ float at(int k, int input) const {
        return k < split ? first[input * split + k] : second[input * (outputs - split) + k - split];
    }
};

struct InputColumns {
    const Target& target;
    const Input& x;

    __device__ void operator()(int row, int column, float value) const { store(target, x, row, column, value); }
};
