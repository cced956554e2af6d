// A node of a cell: the sum of its edges' ops, each of which arrives as raw output with its BatchNorm pending.

// Terms of one launch, at most.
constexpr int TERMS = 16;

struct Terms {
    const float *z[TERMS], *mean[TERMS], *rstd[TERMS], *scale[TERMS], *shift[TERMS], *sample[TERMS];
    float gate[TERMS];
    int terms;
};

// out = sum of gate * sample[n] * (scale * z + shift); on top of what it holds if `add`.
template <int V>
__device__ inline void node_values(const Terms& terms, int image, int c, int values, int add, float* out) {
    for (int i = first_value() * V; i < values; i += all_threads() * V) {
        int channel = i % c;
        Lanes<V> sum = add ? Lanes<V>::from(out + i) : Lanes<V>::of(0.0f);
        for (int t = 0; t < terms.terms; ++t) {
            Lanes<V> y = Lanes<V>::from(terms.z[t] + i);
            if (terms.scale[t]) {
                Lanes<V> shifted = Lanes<V>::from(terms.shift[t] + channel);
                add_product(shifted, y, Lanes<V>::from(terms.scale[t] + channel));
                y = shifted;
            }
            float factor = terms.sample[t] ? terms.gate[t] * terms.sample[t][i / image] : terms.gate[t];
            add_product(sum, Lanes<V>::of(factor), y);
        }
        sum.to(out + i);
    }
}

KERNEL(256) node_sum(const __grid_constant__ Terms terms, int image, int c, int values, int add, float* out) {
    Fit all = c | fit(out);
    for (int t = 0; t < terms.terms; ++t) all |= fit(terms.z[t]) | fit(terms.scale[t]) | fit(terms.shift[t]);
    by_width(all, [&](auto width) { node_values<width.value>(terms, image, c, values, add, out); });
}

// What becomes of the sums over pieces of the pixels, [terms, pieces, 2, c], of dy and of dy * (z - mean).
struct Sums {
    float* parts;
    // [6, terms, c]: the sum of dy; that of dy * xhat; what each channel adds to the gradient of the gate, where
    // y = scale * (z - mean) + (shift + scale * mean); and a, b and d of the gradient's map through the BatchNorm,
    // dz = a * dy + b * z + d.
    float* out;
    unsigned* counters;
};

// Writes a block's sums of two values for a term with this BatchNorm and gate, and the last block what all make of it.
// Grid: channels, pieces, terms.
template <int V>
__device__ inline void write_sums(
    const Sums& to, int c, int pixels, const Lanes<V>& dy, const Lanes<V>& dy_z, const float* mean, const float* rstd,
    const float* scale, const float* shift, float gate) {
    int first = blockIdx.x * CHANNELS, channel = first + threadIdx.x, t = blockIdx.z;
    bool mine = threadIdx.x < CHANNELS && channel < c;
    float plain = sum_of_pixels(dy), product = sum_of_pixels(dy_z);
    float* parts = to.parts + size_t(t) * gridDim.y * 2 * c;
    if (mine) {
        parts[size_t(blockIdx.y) * 2 * c + channel] = plain;
        parts[(size_t(blockIdx.y) * 2 + 1) * c + channel] = product;
    }
    if (!last_of(to.counters + t * gridDim.x + blockIdx.x, gridDim.y)) return;
    int cols = min(CHANNELS, c - first);
    Two sums = sum_of_pieces<256, CHANNELS>(gridDim.y, cols, [&](int piece, int column, Two& sums) {
        const float* from = parts + size_t(piece) * 2 * c + first + column;
        sums.one += from[0];
        sums.other += from[c];
    });
    if (!mine) return;
    double m = mean ? mean[channel] : 0.0f, r = rstd ? rstd[channel] : 1.0f, factor = gate, of_gate = sums.other;
    if (scale) {
        of_gate = scale[channel] * sums.other + (shift[channel] + scale[channel] * m) * sums.one;
        factor *= scale[channel];
    }
    double mean_dy = sums.one / pixels, mean_dy_xhat = sums.other * r / pixels;
    const double values[6] = {
        sums.one, sums.other * r, of_gate, factor, -factor * r * mean_dy_xhat,
        factor * (m * r * mean_dy_xhat - mean_dy)};
    for (int i = 0; i < 6; ++i) to.out[(size_t(i) * gridDim.z + t) * c + channel] = values[i];
}

// Sums over a piece of the pixels of d and of d * (z - mean), where `at(pixel, d, z)` reads them.
template <int V, class F>
__device__ inline void sum_products(
    int channel, int c, int pixels, int share, const float* mean, Lanes<V>& plain, Lanes<V>& product, const F& at) {
    int begin = blockIdx.y * share, end = min(begin + share, pixels);
    plain = product = Lanes<V>::of(0.0f);
    if (channel >= c) return;
    Lanes<V> centre = mean ? Lanes<V>::from(mean + channel) : Lanes<V>::of(0.0f);
    for (int p = begin + pixel_of_block<V>(); p < end; p += PIXELS<V>) {
        Lanes<V> d, z;
        at(p, d, z);
#pragma unroll
        for (int i = 0; i < V; ++i) {
            plain.v[i] += d.v[i];
            product.v[i] = fmaf(d.v[i], z.v[i] - centre.v[i], product.v[i]);
        }
    }
}

template <int V>
__device__ inline void sum_gradient(
    const Terms& terms, const float* dy, int image_pixels, int pixels, int c, int share, const Sums& sums) {
    int channel = first_channel<V>(), t = blockIdx.z;
    const float *z = terms.z[t], *sample = terms.sample[t];
    Lanes<V> plain, product;
    sum_products<V>(channel, c, pixels, share, terms.mean[t], plain, product, [&](int p, Lanes<V>& d, Lanes<V>& of_z) {
        d = Lanes<V>::from(dy + size_t(p) * c + channel);
        of_z = Lanes<V>::from(z + size_t(p) * c + channel);
        if (!sample) return;
        float factor = sample[p / image_pixels];
#pragma unroll
        for (int i = 0; i < V; ++i) d.v[i] *= factor;
    });
    write_sums(
        sums, c, pixels, plain, product, terms.mean[t], terms.rstd[t], terms.scale[t], terms.shift[t], terms.gate[t]);
}

// Sums of sample * dy and of sample * dy * (z - mean), for each term. Grid: channels, pieces of `share` pixels, terms.
KERNEL(256) gradient_sums(
    const __grid_constant__ Terms terms, const float* dy, int image_pixels, int pixels, int c, int share,
    const __grid_constant__ Sums sums) {
    int t = blockIdx.z;
    by_width(c | fit(dy) | fit(terms.z[t]) | fit(terms.mean[t]), [&](auto width) {
        sum_gradient<width.value>(terms, dy, image_pixels, pixels, c, share, sums);
    });
}

template <int V>
__device__ inline void sum_input_gradient(const Input& x, const float* dy, int share, const Sums& sums) {
    int channel = first_channel<V>(), pixels = x.n * x.h * x.w;
    // Threads beyond the last channel read nothing.
    InputChannels<V> input(x, channel < x.c ? channel : 0);
    Lanes<V> plain, product;
    sum_products<V>(channel, x.c, pixels, share, x.mean, plain, product, [&](int p, Lanes<V>& d, Lanes<V>& z) {
        d = Lanes<V>::from(dy + size_t(p) * x.c + channel);
        z = input.stored(p);
    });
    write_sums(sums, x.c, pixels, plain, product, x.mean, x.rstd, x.scale, x.shift, 1.0f);
}

// The same for the gradient of a convolution's joined input, whose BatchNorm is pending. Grid: channels, pieces of
// `share` pixels.
KERNEL(256) input_gradient_sums(
    const __grid_constant__ Input x, const float* dy, int share, const __grid_constant__ Sums sums) {
    by_width(fit(x) | fit(dy) | fit(x.mean), [&](auto width) { sum_input_gradient<width.value>(x, dy, share, sums); });
}

// dst = gate * sample[n] * dy, or that added to it.
KERNEL(256) scaled(float* dst, const float* dy, const float* sample, float gate, int image, int values, int add) {
    for (int i = first_value(); i < values; i += all_threads()) {
        float factor = sample ? gate * sample[i / image] : gate;
        dst[i] = add ? fmaf(factor, dy[i], dst[i]) : factor * dy[i];
    }
}

// The gradient that a `Gradient` stands for.
KERNEL(256) output_gradient(const __grid_constant__ Gradient g, float* out) {
    int values = g.n * g.h * g.w * g.c;
    for (int i = first_value(); i < values; i += all_threads()) {
        out[i] = GradientChannels<1>(g, i % g.c).at(i / g.c).v[0];
    }
}
