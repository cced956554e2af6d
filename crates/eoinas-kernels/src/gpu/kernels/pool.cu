// 3x3 pooling with padding 1, stride 1 or 2.

struct Pool {
    const float* x;
    int h, w, c, stride, out_h, out_w, max;

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
    Pool pool{x, h, w, c, stride, out_h, out_w, max};
    int values = n * out_h * out_w * c;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < values; i += gridDim.x * blockDim.x) {
        int channel = i % c, pixel = i / c, column = pixel % out_w, row = pixel / out_w % out_h;
        int image = pixel / out_w / out_h;
        float value = 0.0f;
        if (max) {
            pool.largest(image, row, column, channel, &value);
        } else {
            value = pool.sum(image, row, column, channel) / pool.count(row, column);
        }
        z[i] = value;
    }
}

// Each pixel collects what the windows that it lies in have for it.
KERNEL pool_backward(
    const float* x, const __grid_constant__ Gradient g, int h, int w, int stride, int max, int add, float* dx) {
    Pool pool{x, h, w, g.c, stride, g.h, g.w, max};
    int values = g.n * h * w * g.c;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < values; i += gridDim.x * blockDim.x) {
        int channel = i % g.c, pixel = i / g.c, column = pixel % w, line = pixel / w;
        int row = line % h, n = line / h;
        float sum = 0.0f;
        // Windows whose centre is at most one pixel away.
        int first_y = Pool::max0(row - 1 + stride - 1) / stride;
        int first_x = Pool::max0(column - 1 + stride - 1) / stride;
        for (int oy = first_y; oy * stride <= row + 1 && oy < g.h; ++oy) {
            for (int ox = first_x; ox * stride <= column + 1 && ox < g.w; ++ox) {
                float d = load(g, n, oy, ox, channel), value;
                if (!max) {
                    sum += d / pool.count(oy, ox);
                } else if (pool.largest(n, oy, ox, channel, &value) == row * w + column) {
                    sum += d;
                }
            }
        }
        dx[i] = add ? dx[i] + sum : sum;
    }
}
