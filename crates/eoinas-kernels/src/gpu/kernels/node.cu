// A node of a cell: the sum of its edges' ops, each of which arrives as raw output with its BatchNorm pending.

// Terms of one launch, at most.
constexpr int TERMS = 16;

struct Terms {
    const float *z[TERMS], *mean[TERMS], *rstd[TERMS], *scale[TERMS], *shift[TERMS], *sample[TERMS];
    float gate[TERMS];
    int terms;
};

// out = sum of gate * sample[n] * (scale * z + shift); on top of what it holds if `add`.
KERNEL node_sum(const __grid_constant__ Terms terms, int image, int c, int values, int add, float* out) {
    for (int i = first_value(); i < values; i += all_threads()) {
        int channel = i % c;
        float sum = add ? out[i] : 0.0f;
        for (int t = 0; t < terms.terms; ++t) {
            float y = terms.z[t][i];
            if (terms.scale[t]) y = fmaf(y, terms.scale[t][channel], terms.shift[t][channel]);
            float factor = terms.sample[t] ? terms.gate[t] * terms.sample[t][i / image] : terms.gate[t];
            sum = fmaf(factor, y, sum);
        }
        out[i] = sum;
    }
}

// Writes a block's sums of two values, [2, c].
__device__ inline void write_sums(float* to, int channel, int c, float plain, float product) {
    plain = sum_of_pixels(plain);
    product = sum_of_pixels(product);
    if (threadIdx.y == 0 && channel < c) {
        to[channel] = plain;
        to[c + channel] = product;
    }
}

// Sums over a piece of `share` pixels of sample * dy and of sample * dy * (z - mean): parts [terms, pieces, 2, c].
// Grid: 32 channels, pieces, terms. Block: 32 channels, 8 pixels.
KERNEL gradient_sums(
    const __grid_constant__ Terms terms, const float* dy, int image_pixels, int pixels, int c, int share,
    float* parts) {
    int channel = blockIdx.x * 32 + threadIdx.x, t = blockIdx.z;
    int begin = blockIdx.y * share, end = min(begin + share, pixels);
    float plain = 0.0f, product = 0.0f;
    if (channel < c) {
        float mean = terms.mean[t] ? terms.mean[t][channel] : 0.0f;
        for (int p = begin + threadIdx.y; p < end; p += 8) {
            size_t at = size_t(p) * c + channel;
            float d = terms.sample[t] ? terms.sample[t][p / image_pixels] * dy[at] : dy[at];
            plain += d;
            product = fmaf(d, terms.z[t][at] - mean, product);
        }
    }
    write_sums(parts + (size_t(t) * gridDim.y + blockIdx.y) * 2 * c, channel, c, plain, product);
}

// The sums that BatchNorm's backward pass needs, [terms, 2, c]: of dy and of dy * xhat; and what each channel adds to
// the gradient of the gate, [terms, c]: y = scale * (z - mean) + (shift + scale * mean).
KERNEL finish_gradient_sums(
    const __grid_constant__ Terms terms, const float* parts, int pieces, int c, float* sums, float* gates) {
    int channel = first_value(), t = blockIdx.y;
    if (channel >= c) return;
    double dy = 0.0, product = 0.0;
    for (int piece = 0; piece < pieces; ++piece) {
        const float* part = parts + (size_t(t) * pieces + piece) * 2 * c;
        dy += part[channel];
        product += part[c + channel];
    }
    double rstd = terms.rstd[t] ? terms.rstd[t][channel] : 1.0, gate = product;
    if (terms.scale[t]) {
        double scale = terms.scale[t][channel], beta = terms.shift[t][channel] + scale * terms.mean[t][channel];
        gate = scale * product + beta * dy;
    }
    sums[size_t(t) * 2 * c + channel] = dy;
    sums[size_t(t) * 2 * c + c + channel] = product * rstd;
    gates[size_t(t) * c + channel] = gate;
}

// The same sums for the gradient of a convolution's joined input, whose BatchNorm is pending: parts [pieces, 2, c].
KERNEL input_gradient_sums(const __grid_constant__ Input x, const float* dy, int share, float* parts) {
    int channel = blockIdx.x * 32 + threadIdx.x, pixels = x.n * x.h * x.w;
    int begin = blockIdx.y * share, end = min(begin + share, pixels);
    float plain = 0.0f, product = 0.0f;
    if (channel < x.c) {
        for (int p = begin + threadIdx.y; p < end; p += 8) {
            float d = dy[size_t(p) * x.c + channel];
            plain += d;
            product = fmaf(d, (stored(x, p, channel) - x.mean[channel]) * x.rstd[channel], product);
        }
    }
    write_sums(parts + size_t(blockIdx.y) * 2 * x.c, channel, x.c, plain, product);
}

// dst = gate * sample[n] * dy, or that added to it.
KERNEL scaled(float* dst, const float* dy, const float* sample, float gate, int image, int values, int add) {
    for (int i = first_value(); i < values; i += all_threads()) {
        float factor = sample ? gate * sample[i / image] : gate;
        dst[i] = add ? fmaf(factor, dy[i], dst[i]) : factor * dy[i];
    }
}

// The gradient that a `Gradient` stands for.
KERNEL output_gradient(const __grid_constant__ Gradient g, float* out) {
    int values = g.n * g.h * g.w * g.c;
    for (int i = first_value(); i < values; i += all_threads()) {
        out[i] = load(g, i / g.c, i % g.c);
    }
}
