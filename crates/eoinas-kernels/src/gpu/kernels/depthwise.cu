// Depthwise convolution. A thread has V neighbouring channels; neighbouring threads the next ones. SIZE: columns of the
// filter, or 0 where `size` alone knows.

template <int SIZE, int V>
__device__ inline void depthwise_values(const DepthwiseWindow<SIZE>& window, float* z) {
    int c = window.x.c, values = window.x.n * window.out_h * window.out_w * c;
    for (int i = first_value() * V; i < values; i += all_threads() * V) {
        window.template at<V>(window.row(i / c), i % c).to(z + i);
    }
}

template <int SIZE>
__device__ inline void depthwise_forward(
    const Input& x, const float* weight, int size, int stride, int dilation, int out_h, int out_w, float* z) {
    DepthwiseWindow<SIZE> window{x, weight, size, stride, dilation, out_h, out_w};
    by_width(window.fit() | fit(z), [&](auto width) { depthwise_values<SIZE, width.value>(window, z); });
}

// The gradient of the input for a step of one, where the filter lies around each pixel as on the way forward, but turned.
template <int SIZE, int V, class G>
__device__ inline void depthwise_input_values(
    const Input& x, const Gradient& g, const float* weight, int size, int dilation, const Target& target) {
    const int taps = SIZE ? SIZE : size;
    [[maybe_unused]] constexpr int UNROLL = SIZE ? SIZE : 1;
    int values = x.n * x.h * x.w * x.c, padding = dilation * (taps - 1) / 2;
    for (int i = first_value() * V; i < values; i += all_threads() * V) {
        int pixel = i / x.c, channel = i - pixel * x.c;
        Pixel at = place(pixel, x.h, x.w);
        unsigned rows = inside_bits(at.y + padding, taps, -dilation, x.h);
        unsigned columns = inside_bits(at.x + padding, taps, -dilation, x.w);
        int first = pixel + padding * (x.w + 1);
        G gradient(g, channel);
        Lanes<V> sum = Lanes<V>::of(0.0f);
#pragma unroll 1
        for (int ky = 0; ky < taps; ++ky) {
#pragma unroll UNROLL
            for (int kx = 0; kx < taps; ++kx) {
                Lanes<V> value = gradient.at(first - (ky * x.w + kx) * dilation, rows >> ky & columns >> kx & 1);
                add_product(sum, value, Lanes<V>::from(weight + (ky * taps + kx) * x.c + channel));
            }
        }
        store(target, x, pixel, channel, sum);
    }
}

// The same for any step.
template <int V>
__device__ inline void depthwise_strided_input_values(
    const Input& x, const Gradient& g, const float* weight, int taps, int stride, int dilation, const Target& target) {
    int values = x.n * x.h * x.w * x.c, padding = dilation * (taps - 1) / 2;
    for (int i = first_value() * V; i < values; i += all_threads() * V) {
        int pixel = i / x.c, channel = i - pixel * x.c;
        Pixel at = place(pixel, x.h, x.w);
        GradientChannels<V> gradient(g, channel);
        Lanes<V> sum = Lanes<V>::of(0.0f);
        for (int ky = 0; ky < taps; ++ky) {
            int y = at.y + padding - ky * dilation;
            if (y < 0 || y % stride != 0) continue;
            for (int kx = 0; kx < taps; ++kx) {
                int column = at.x + padding - kx * dilation;
                if (column < 0 || column % stride != 0) continue;
                Lanes<V> value = gradient.at(at.n, y / stride, column / stride);
                add_product(sum, value, Lanes<V>::from(weight + (ky * taps + kx) * x.c + channel));
            }
        }
        store(target, x, pixel, channel, sum);
    }
}

template <int SIZE>
__device__ inline void depthwise_backward_input(
    const Input& x, const Gradient& g, const float* weight, int size, int stride, int dilation,
    const Target& target) {
    by_width(fit(x) | fit(g) | fit(target) | fit(weight), [&](auto width) {
        constexpr int V = width.value;
        if (stride != 1) {
            depthwise_strided_input_values<V>(x, g, weight, size, stride, dilation, target);
        } else if (plain(g)) {
            depthwise_input_values<SIZE, V, PlainChannels<V>>(x, g, weight, size, dilation, target);
        } else {
            depthwise_input_values<SIZE, V, GradientChannels<V>>(x, g, weight, size, dilation, target);
        }
    });
}

// Columns of a filter, at most.
constexpr int TAPS = 11;

// Columns that a kernel has sums of, and how many channels a thread has of them at most: what a larger filter's sums take of
// the block's memory is too much for four channels.
template <int SIZE>
constexpr int MOST = SIZE ? SIZE : TAPS;
template <int SIZE>
constexpr int WIDEST = SIZE ? 4 : 1;

// `part`: the block's memory for [MOST, PIXELS, CHANNELS].
template <int SIZE, int V>
__device__ inline void depthwise_weight_sums(
    const Input& x, const Gradient& g, int size, int stride, int dilation, int share, float* part, float* out) {
    const int taps = SIZE ? SIZE : size;
    int channel = first_channel<V>(), ky = blockIdx.z, padding = dilation * (taps - 1) / 2;
    int pixels = g.n * g.h * g.w, end = min(int(blockIdx.y + 1) * share, pixels);
    Lanes<V> sum[MOST<SIZE>];
#pragma unroll
    for (int kx = 0; kx < MOST<SIZE>; ++kx) sum[kx] = Lanes<V>::of(0.0f);
    if (channel < x.c) {
        InputChannels<V> input(x, channel);
        GradientChannels<V> gradient(g, channel);
        for (int p = blockIdx.y * share + pixel_of_block<V>(); p < end; p += PIXELS<V>) {
            Lanes<V> d = gradient.at(p);
            Pixel at = place(p, g.h, g.w);
            int y = at.y * stride - padding + ky * dilation, column = at.x * stride - padding;
            unsigned columns = y >= 0 && y < x.h ? inside_bits(column, taps, dilation, x.w) : 0;
            int first = (at.n * x.h + y) * x.w + column;
#pragma unroll
            for (int kx = 0; kx < MOST<SIZE>; ++kx) {
                if (kx < taps) add_product(sum[kx], input.at(first + kx * dilation, columns >> kx & 1), d);
            }
        }
    }
#pragma unroll
    for (int kx = 0; kx < MOST<SIZE>; ++kx) {
        sum[kx].to(part + (kx * PIXELS<V> + pixel_of_block<V>()) * CHANNELS + threadIdx.x % (CHANNELS / V) * V);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < taps * CHANNELS; i += 256) {
        int kx = i / CHANNELS, mine = blockIdx.x * CHANNELS + i % CHANNELS;
        if (mine >= x.c) continue;
        float total = 0.0f;
        for (int p = 0; p < PIXELS<V>; ++p) total += part[(kx * PIXELS<V> + p) * CHANNELS + i % CHANNELS];
        out[(size_t(blockIdx.y) * taps * taps + ky * taps + kx) * x.c + mine] = total;
    }
}

// out[piece][tap][channel], for `sum_parts`. Grid: channels, pieces of `share` output pixels, rows of the filter.
template <int SIZE>
__device__ inline void depthwise_backward_weight(
    const Input& x, const Gradient& g, int size, int stride, int dilation, int share, float* out) {
    alignas(16) __shared__ float part[MOST<SIZE> * PIXELS<WIDEST<SIZE>> * CHANNELS];
    by_width(fit(x) | fit(g), [&](auto width) {
        constexpr int V = width.value < WIDEST<SIZE> ? width.value : WIDEST<SIZE>;
        depthwise_weight_sums<SIZE, V>(x, g, size, stride, dilation, share, part, out);
    });
}

#define DEPTHWISE(NAME, SIZE)                                                                                          \
    KERNEL(256) depthwise_forward_##NAME(                                                                              \
        const __grid_constant__ Input x, const float* weight, int size, int stride, int dilation, int out_h,           \
        int out_w, float* z) {                                                                                         \
        depthwise_forward<SIZE>(x, weight, size, stride, dilation, out_h, out_w, z);                                   \
    }                                                                                                                  \
    KERNEL(256) depthwise_backward_input_##NAME(                                                                       \
        const __grid_constant__ Input x, const __grid_constant__ Gradient g, const float* weight, int size,            \
        int stride, int dilation, const __grid_constant__ Target target) {                                             \
        depthwise_backward_input<SIZE>(x, g, weight, size, stride, dilation, target);                                  \
    }                                                                                                                  \
    KERNEL(256) depthwise_backward_weight_##NAME(                                                                      \
        const __grid_constant__ Input x, const __grid_constant__ Gradient g, int size, int stride, int dilation,       \
        int share, float* out) {                                                                                       \
        depthwise_backward_weight<SIZE>(x, g, size, stride, dilation, share, out);                                     \
    }
DEPTHWISE(3, 3)
DEPTHWISE(5, 5)
DEPTHWISE(n, 0)
#undef DEPTHWISE
