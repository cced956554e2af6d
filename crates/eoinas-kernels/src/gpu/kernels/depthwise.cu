// Depthwise convolution. One thread for each value; neighbouring threads have neighbouring channels.

KERNEL depthwise_forward(
    const __grid_constant__ Input x, const float* weight, int size, int stride, int dilation, int out_h, int out_w,
    float* z) {
    DepthwiseWindow window{x, weight, size, stride, dilation, out_h, out_w};
    int values = x.n * out_h * out_w * x.c;
    for (int i = first_value(); i < values; i += all_threads()) {
        z[i] = window.at(window.row(i / x.c), i % x.c);
    }
}

KERNEL depthwise_backward_input(
    const __grid_constant__ Input x, const __grid_constant__ Gradient g, const float* weight, int size, int stride,
    int dilation, const __grid_constant__ Target target) {
    int values = x.n * x.h * x.w * x.c, padding = dilation * (size - 1) / 2;
    for (int i = first_value(); i < values; i += all_threads()) {
        int channel = i % x.c, pixel = i / x.c;
        Pixel at = place(pixel, x.h, x.w);
        float sum = 0.0f;
        for (int ky = 0; ky < size; ++ky) {
            int y = at.y + padding - ky * dilation;
            if (y < 0 || y % stride != 0) continue;
            for (int kx = 0; kx < size; ++kx) {
                int column = at.x + padding - kx * dilation;
                if (column < 0 || column % stride != 0) continue;
                float value = load(g, at.n, y / stride, column / stride, channel);
                sum = fmaf(value, weight[(ky * size + kx) * x.c + channel], sum);
            }
        }
        store(target, x, pixel, channel, sum);
    }
}

// Columns of a filter, at most.
constexpr int TAPS = 11;

// out[piece][tap][channel], for `sum_pieces`. Grid: 32 channels, pieces of `share` output pixels, rows of the filter.
KERNEL depthwise_backward_weight(
    const __grid_constant__ Input x, const __grid_constant__ Gradient g, int size, int stride, int dilation, int share,
    float* out) {
    int channel = blockIdx.x * 32 + threadIdx.x, ky = blockIdx.z, padding = dilation * (size - 1) / 2;
    int pixels = g.n * g.h * g.w, end = min(int(blockIdx.y + 1) * share, pixels);
    float sum[TAPS] = {};
    if (channel < x.c) {
        for (int p = blockIdx.y * share + threadIdx.y; p < end; p += 8) {
            float d = load(g, p, channel);
            Pixel at = place(p, g.h, g.w);
            int y = at.y * stride - padding + ky * dilation, first = at.x * stride - padding;
#pragma unroll
            for (int kx = 0; kx < TAPS; ++kx) {
                if (kx < size) sum[kx] = fmaf(load(x, at.n, y, first + kx * dilation, channel), d, sum[kx]);
            }
        }
    }
#pragma unroll
    for (int kx = 0; kx < TAPS; ++kx) {
        if (kx < size) {
            float total = sum_of_pixels(sum[kx]);
            if (threadIdx.y == 0 && channel < x.c) {
                out[(size_t(blockIdx.y) * size * size + ky * size + kx) * x.c + channel] = total;
            }
        }
    }
}
