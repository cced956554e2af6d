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

// V neighbouring channels, which a thread reads and writes together.
template <int V>
struct alignas(V * sizeof(float)) Lanes {
    float v[V];

    __device__ static Lanes of(float value) {
        Lanes lanes;
#pragma unroll
        for (int i = 0; i < V; ++i) lanes.v[i] = value;
        return lanes;
    }
    __device__ static Lanes from(const float* values) { return *reinterpret_cast<const Lanes*>(values); }
    __device__ void to(float* values) const { *reinterpret_cast<Lanes*>(values) = *this; }
    // 0 elsewhere. What is read all the same and thrown away, from a place that is there, keeps loads free of branches,
    // so that many are on their way at once.
    __device__ Lanes where(bool wanted) const {
        Lanes lanes;
#pragma unroll
        for (int i = 0; i < V; ++i) lanes.v[i] = wanted ? v[i] : 0.0f;
        return lanes;
    }
};

// sum += a * b
template <int V>
__device__ inline void add_product(Lanes<V>& sum, const Lanes<V>& a, const Lanes<V>& b) {
#pragma unroll
    for (int i = 0; i < V; ++i) sum.v[i] = fmaf(a.v[i], b.v[i], sum.v[i]);
}

// How many neighbouring channels can be read together: its lowest bits say what counts and addresses are multiples of, in
// values.
using Fit = unsigned;

__device__ inline Fit fit(const void* values) {
    return Fit(reinterpret_cast<size_t>(values) / sizeof(float));
}

__device__ inline Fit fit(const Input& x) {
    Fit all = x.c | fit(x.scale) | fit(x.shift);
    for (int s = 0; s < x.sources; ++s) all |= x.width[s] | fit(x.source[s]);
    return all;
}

__device__ inline Fit fit(const Gradient& g) {
    return g.c | fit(g.dy) | fit(g.z) | fit(g.a) | fit(g.b) | fit(g.d);
}

__device__ inline Fit fit(const Target& target) {
    Fit all = 0;
    for (int s = 0; s < target.sources; ++s) all |= target.width[s] | fit(target.tensor[s]);
    return all;
}

template <int V>
struct Width {
    static constexpr int value = V;
};

// Calls `work` with a `Width` of as many channels, 4, 2 or 1, as can be read together.
template <class F>
__device__ inline void by_width(Fit fit, const F& work) {
    if (fit & 1) work(Width<1>());
    else if (fit & 2) work(Width<2>());
    else work(Width<4>());
}

// Bit i: whether `first + i * step` lies within `size`, for a window of `count` rows or columns, at most as many as there
// are bits.
template <class Bits = unsigned>
__device__ inline Bits inside_bits(int first, int count, int step, int size) {
    Bits bits = 0;
#pragma unroll
    for (int i = 0; i < count; ++i) bits |= Bits(first + i * step >= 0 && first + i * step < size) << i;
    return bits;
}

// Bits for the rows or columns of a filter of SIZE; 0 stands for one of up to 63.
template <int SIZE>
struct FilterBits {
    using Type = unsigned;
};
template <>
struct FilterBits<0> {
    using Type = unsigned long long;
};

// V channels of an activation from `channel` on. What belongs to the channels is read once.
template <int V>
struct InputChannels {
    const float* source;
    int width, h, w;
    Lanes<V> scale, shift;
    // 0 with a ReLU.
    float least;

    __device__ InputChannels(const Input& x, int channel) : h(x.h), w(x.w), least(x.relu ? 0.0f : -INFINITY) {
        int s = 0, rest = channel;
        while (rest >= x.width[s]) rest -= x.width[s++];
        source = x.source[s] + rest;
        width = x.width[s];
        scale = x.scale ? Lanes<V>::from(x.scale + channel) : Lanes<V>::of(1.0f);
        shift = x.scale ? Lanes<V>::from(x.shift + channel) : Lanes<V>::of(0.0f);
    }
    __device__ Lanes<V> stored(int pixel) const { return Lanes<V>::from(source + size_t(pixel) * width); }
    // Behind the BatchNorm, before the ReLU.
    __device__ Lanes<V> normalised(int pixel) const {
        Lanes<V> y = stored(pixel);
#pragma unroll
        for (int i = 0; i < V; ++i) y.v[i] = fmaf(y.v[i], scale.v[i], shift.v[i]);
        return y;
    }
    // 0 outside of the image, where no pixel is asked for. NaN stays NaN.
    __device__ Lanes<V> at(int pixel, bool inside) const {
        Lanes<V> y = normalised(inside ? pixel : 0);
#pragma unroll
        for (int i = 0; i < V; ++i) y.v[i] = inside && !(y.v[i] < least) ? y.v[i] : 0.0f;
        return y;
    }
    __device__ Lanes<V> at(int n, int row, int column) const {
        return at((n * h + row) * w + column, row >= 0 && row < h && column >= 0 && column < w);
    }
};

// The same for a gradient.
template <int V>
struct GradientChannels {
    const float *dy, *z, *sample;
    int c, h, w;
    Lanes<V> a, b, d;

    __device__ GradientChannels(const Gradient& g, int channel)
        : dy(g.dy + channel), z(g.z ? g.z + channel : nullptr), sample(g.sample), c(g.c), h(g.h), w(g.w) {
        a = g.z ? Lanes<V>::from(g.a + channel) : Lanes<V>::of(g.gate);
        b = g.z ? Lanes<V>::from(g.b + channel) : Lanes<V>::of(0.0f);
        d = g.z ? Lanes<V>::from(g.d + channel) : Lanes<V>::of(0.0f);
    }
    __device__ Lanes<V> at(int pixel) const {
        Lanes<V> y = Lanes<V>::from(dy + size_t(pixel) * c);
        float factor = sample ? sample[pixel / (h * w)] : 1.0f;
#pragma unroll
        for (int i = 0; i < V; ++i) y.v[i] *= factor;
        if (!z) {
#pragma unroll
            for (int i = 0; i < V; ++i) y.v[i] *= a.v[i];
            return y;
        }
        Lanes<V> raw = Lanes<V>::from(z + size_t(pixel) * c);
#pragma unroll
        for (int i = 0; i < V; ++i) y.v[i] = fmaf(a.v[i], y.v[i], fmaf(b.v[i], raw.v[i], d.v[i]));
        return y;
    }
    // 0 outside of the image.
    __device__ Lanes<V> at(int pixel, bool inside) const { return at(inside ? pixel : 0).where(inside); }
    __device__ Lanes<V> at(int n, int row, int column) const {
        return at((n * h + row) * w + column, row >= 0 && row < h && column >= 0 && column < w);
    }
};

// The same for a gradient that is what it stands for, `plain`.
template <int V>
struct PlainChannels {
    const float* dy;
    int c, h, w;

    __device__ PlainChannels(const Gradient& g, int channel) : dy(g.dy + channel), c(g.c), h(g.h), w(g.w) {}
    __device__ Lanes<V> at(int pixel, bool inside) const {
        return Lanes<V>::from(dy + size_t(inside ? pixel : 0) * c).where(inside);
    }
};

__device__ inline bool plain(const Gradient& g) {
    return !g.z && !g.sample && g.gate == 1.0f;
}

// Takes a gradient back through the input's ReLU and to where it belongs.
template <int V>
__device__ inline void store(const Target& target, const Input& x, int pixel, int channel, Lanes<V> dx) {
    if (x.relu) {
        Lanes<V> y = InputChannels<V>(x, channel).normalised(pixel);
#pragma unroll
        for (int i = 0; i < V; ++i) dx.v[i] = y.v[i] > 0.0f ? dx.v[i] : 0.0f;
    }
    int s = 0;
    while (channel >= target.width[s]) channel -= target.width[s++];
    float* to = target.tensor[s] + size_t(pixel) * target.width[s] + channel;
    if (target.add) {
        Lanes<V> old = Lanes<V>::from(to);
#pragma unroll
        for (int i = 0; i < V; ++i) dx.v[i] += old.v[i];
    }
    dx.to(to);
}
