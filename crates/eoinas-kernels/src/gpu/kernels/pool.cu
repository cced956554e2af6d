// 3x3 pooling with padding 1, stride 1 or 2.

struct Pool {
    const float* x;
    int h, w, c, stride;

    // Pixels of the image in the window of an output.
    __device__ int count(int row, int column) const {
        int rows = min(row * stride + 1, h - 1) - max0(row * stride - 1) + 1;
        return rows * (min(column * stride + 1, w - 1) - max0(column * stride - 1) + 1);
    }
    __device__ static int max0(int value) { return value > 0 ? value : 0; }

    // The first largest value of a window, NaN before all others; -1 where the window holds a NaN.
    __device__ int largest(int n, int row, int column, int channel, float* value) const {
        int first = -1;
        for (int y = row * stride - 1; y <= row * stride + 1; ++y) {
            for (int at = column * stride - 1; at <= column * stride + 1; ++at) {
                if (y < 0 || y >= h || at < 0 || at >= w) continue;
                float v = x[(size_t(n * h + y) * w + at) * c + channel];
                if (v != v) {
                    *value = v;
                    return -1;
                }
                if (first < 0 || v > *value) {
                    *value = v;
                    first = y * w + at;
                }
            }
        }
        return first;
    }

    __device__ float sum(int n, int row, int column, int channel) const {
        float total = 0.0f;
        for (int y = row * stride - 1; y <= row * stride + 1; ++y) {
            for (int at = column * stride - 1; at <= column * stride + 1; ++at) {
                if (y >= 0 && y < h && at >= 0 && at < w) total += x[(size_t(n * h + y) * w + at) * c + channel];
            }
        }
        return total;
    }
};

KERNEL pool_forward(const float* x, int n, int h, int w, int c, int stride, int max, int out_h, int out_w, float* z) {
    Pool pool{x, h, w, c, stride};
    int values = n * out_h * out_w * c;
    for (int i = first_value(); i < values; i += all_threads()) {
        int channel = i % c;
        Pixel at = place(i / c, out_h, out_w);
        float value = 0.0f;
        if (max) {
            pool.largest(at.n, at.y, at.x, channel, &value);
        } else {
            value = pool.sum(at.n, at.y, at.x, channel) / pool.count(at.y, at.x);
        }
        z[i] = value;
    }
}

// Each pixel collects what the windows that it lies in have for it.
KERNEL pool_backward(
    const float* x, const __grid_constant__ Gradient g, int h, int w, int stride, int max, int add, float* dx) {
    Pool pool{x, h, w, g.c, stride};
    int values = g.n * h * w * g.c;
    for (int i = first_value(); i < values; i += all_threads()) {
        int channel = i % g.c;
        Pixel at = place(i / g.c, h, w);
        float sum = 0.0f;
        // Windows whose centre is at most one pixel away.
        int first_y = Pool::max0(at.y - 1 + stride - 1) / stride;
        int first_x = Pool::max0(at.x - 1 + stride - 1) / stride;
        for (int oy = first_y; oy * stride <= at.y + 1 && oy < g.h; ++oy) {
            for (int ox = first_x; ox * stride <= at.x + 1 && ox < g.w; ++ox) {
                float d = load(g, at.n, oy, ox, channel), value;
                if (!max) {
                    sum += d / pool.count(oy, ox);
                } else if (pool.largest(at.n, oy, ox, channel, &value) == at.y * w + at.x) {
                    sum += d;
                }
            }
        }
        dx[i] = add ? dx[i] + sum : sum;
    }
}
