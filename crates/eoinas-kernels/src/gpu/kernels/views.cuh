// How kernels read activations and gradients that are stored without their BatchNorm and ReLU: the same structs as
// `arguments.rs` fills, field by field. All tensors are channels last; a pixel is an index into [n, h, w].
#pragma once

// Tensors that an input is joined from, at most.
constexpr int SOURCES = 8;

struct Input {
    const float* source[SOURCES];
    // Numbers per channel of the pending BatchNorm; null without one.
    const float *mean, *rstd, *scale, *shift;
    int width[SOURCES];
    int sources, n, h, w, c;
    int relu;
};

// The gradient at a kernel's raw output: a * sample[n] * dy + b * z + d, or gate * sample[n] * dy without BatchNorm.
struct Gradient {
    const float *dy, *z, *a, *b, *d, *sample;
    float gate;
    int n, h, w, c;
};

// Where the gradient of an input goes: added to these tensors, or written over them.
struct Target {
    float* tensor[SOURCES];
    int width[SOURCES];
    int sources, add;
};

// NaN stays NaN.
__device__ inline float relu(float y) {
    return y < 0.0f ? 0.0f : y;
}

__device__ inline float stored(const Input& x, int pixel, int channel) {
    if (x.sources == 1) return x.source[0][size_t(pixel) * x.c + channel];
    int source = 0;
    while (channel >= x.width[source]) channel -= x.width[source++];
    return x.source[source][size_t(pixel) * x.width[source] + channel];
}

// Behind the BatchNorm, before the ReLU.
__device__ inline float normalised(const Input& x, int pixel, int channel) {
    float z = stored(x, pixel, channel);
    return x.scale ? fmaf(z, x.scale[channel], x.shift[channel]) : z;
}

__device__ inline float load(const Input& x, int pixel, int channel) {
    float y = normalised(x, pixel, channel);
    return x.relu ? relu(y) : y;
}

// 0 outside of the image.
__device__ inline float load(const Input& x, int n, int row, int column, int channel) {
    if (row < 0 || row >= x.h || column < 0 || column >= x.w) return 0.0f;
    return load(x, (n * x.h + row) * x.w + column, channel);
}

__device__ inline float load(const Gradient& g, int pixel, int channel) {
    size_t at = size_t(pixel) * g.c + channel;
    float dy = g.sample ? g.sample[pixel / (g.h * g.w)] * g.dy[at] : g.dy[at];
    return g.z ? fmaf(g.a[channel], dy, fmaf(g.b[channel], g.z[at], g.d[channel])) : g.gate * dy;
}

// 0 outside of the image.
__device__ inline float load(const Gradient& g, int n, int row, int column, int channel) {
    if (row < 0 || row >= g.h || column < 0 || column >= g.w) return 0.0f;
    return load(g, (n * g.h + row) * g.w + column, channel);
}

// Takes a gradient back through the input's ReLU and to where it belongs.
__device__ inline void store(const Target& target, const Input& x, int pixel, int channel, float dx) {
    if (x.relu && !(normalised(x, pixel, channel) > 0.0f)) dx = 0.0f;
    int source = 0;
    while (channel >= target.width[source]) channel -= target.width[source++];
    float* to = target.tensor[source] + size_t(pixel) * target.width[source] + channel;
    *to = target.add ? *to + dx : dx;
}
