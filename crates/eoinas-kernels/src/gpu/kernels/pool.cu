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
};

// The largest value of a window, NaN before all others, or the mean.
template <int V>
__device__ inline void pool_values(const Pool& pool, int n, int max, int out_h, int out_w, float* z) {
    int values = n * out_h * out_w * pool.c;
    for (int i = first_value() * V; i < values; i += all_threads() * V) {
        int pixel = i / pool.c, channel = i - pixel * pool.c;
        Pixel at = place(pixel, out_h, out_w);
        int row = at.y * pool.stride - 1, column = at.x * pool.stride - 1;
        unsigned rows = inside_bits(row, 3, 1, pool.h), columns = inside_bits(column, 3, 1, pool.w);
        // A window's centre is always inside.
        int centre = (at.n * pool.h + row + 1) * pool.w + column + 1;
        Lanes<V> largest = Lanes<V>::of(-INFINITY), sum = Lanes<V>::of(0.0f);
#pragma unroll 1
        for (int down = 0; down < 3; ++down) {
#pragma unroll
            for (int across = 0; across < 3; ++across) {
                bool inside = rows >> down & columns >> across & 1;
                int from = inside ? centre + (down - 1) * pool.w + across - 1 : centre;
                Lanes<V> v = Lanes<V>::from(pool.x + size_t(from) * pool.c + channel);
#pragma unroll
                for (int j = 0; j < V; ++j) {
                    sum.v[j] += inside ? v.v[j] : 0.0f;
                    largest.v[j] = v.v[j] > largest.v[j] || v.v[j] != v.v[j] ? v.v[j] : largest.v[j];
                }
            }
        }
        int count = pool.count(at.y, at.x);
#pragma unroll
        for (int j = 0; j < V; ++j) sum.v[j] = max ? largest.v[j] : sum.v[j] / count;
        sum.to(z + i);
    }
}

KERNEL(256) pool_forward(
    const float* x, int n, int h, int w, int c, int stride, int max, int out_h, int out_w, float* z) {
    Pool pool{x, h, w, c, stride};
    by_width(c | fit(x) | fit(z), [&](auto width) { pool_values<width.value>(pool, n, max, out_h, out_w, z); });
}

// Hands the gradient of each window that a pixel lies in, those whose centre is at most one pixel away, to
// `take(down, across, y, x)`; y and x are those of the output, or -1 where there is no such window.
template <int STRIDE, class F>
__device__ inline void for_windows(const Pixel& at, const F& take) {
#pragma unroll 1
    for (int down = -1; down <= 1; ++down) {
#pragma unroll
        for (int across = -1; across <= 1; ++across) {
            int y = at.y + down, x = at.x + across;
            bool centre = y >= 0 && x >= 0 && y % STRIDE == 0 && x % STRIDE == 0;
            take(down, across, centre ? y / STRIDE : -1, centre ? x / STRIDE : -1);
        }
    }
}

template <int STRIDE, int V>
__device__ inline void max_pool_backward(const Pool& pool, const Gradient& g, int add, float* dx) {
    int values = g.n * pool.h * pool.w * g.c;
    for (int i = first_value() * V; i < values; i += all_threads() * V) {
        int pixel = i / g.c;
        Pixel at = place(pixel, pool.h, pool.w);
        GradientChannels<V> gradient(g, i - pixel * g.c);
        Lanes<V> v = Lanes<V>::from(pool.x + i), sum = add ? Lanes<V>::from(dx + i) : Lanes<V>::of(0.0f);
        unsigned rows = inside_bits(at.y - 2, 5, 1, pool.h), columns = inside_bits(at.x - 2, 5, 1, pool.w);
        // A bit for each pixel that shares a window with this one, row by row: whether this one goes before it, as the first
        // of the largest does. Beside a NaN none does.
        unsigned goes_before[V] = {};
#pragma unroll 1
        for (int down = -2; down <= 2; ++down) {
#pragma unroll
            for (int across = -2; across <= 2; ++across) {
                bool inside = rows >> (down + 2) & columns >> (across + 2) & 1;
                Lanes<V> other = Lanes<V>::from(pool.x + (inside ? i + (down * pool.w + across) * g.c : i));
                bool before = down < 0 || (down == 0 && across < 0);
#pragma unroll
                for (int j = 0; j < V; ++j) {
                    bool smaller = before ? other.v[j] < v.v[j] : other.v[j] <= v.v[j];
                    goes_before[j] |= unsigned(smaller || !inside) << ((down + 2) * 5 + across + 2);
                }
            }
        }
        for_windows<STRIDE>(at, [&](int down, int across, int y, int x) {
            unsigned window = 0x1ce7u << ((down + 1) * 5 + across + 1);
            Lanes<V> d = gradient.at(at.n, y, x);
#pragma unroll
            for (int j = 0; j < V; ++j) sum.v[j] += (goes_before[j] & window) == window ? d.v[j] : 0.0f;
        });
        sum.to(dx + i);
    }
}

template <int STRIDE, int V>
__device__ inline void mean_pool_backward(const Pool& pool, const Gradient& g, int add, float* dx) {
    int values = g.n * pool.h * pool.w * g.c;
    for (int i = first_value() * V; i < values; i += all_threads() * V) {
        Pixel at = place(i / g.c, pool.h, pool.w);
        GradientChannels<V> gradient(g, i % g.c);
        Lanes<V> sum = add ? Lanes<V>::from(dx + i) : Lanes<V>::of(0.0f);
        for_windows<STRIDE>(at, [&](int, int, int y, int x) {
            float share = 1.0f / pool.count(y < 0 ? 0 : y, x < 0 ? 0 : x);
            add_product(sum, Lanes<V>::of(share), gradient.at(at.n, y, x));
        });
        sum.to(dx + i);
    }
}

template <int STRIDE>
__device__ inline void pool_backward_by(const Pool& pool, const Gradient& g, int max, int add, float* dx) {
    by_width(fit(g) | fit(pool.x) | fit(dx), [&](auto width) {
        if (max) max_pool_backward<STRIDE, width.value>(pool, g, add, dx);
        else mean_pool_backward<STRIDE, width.value>(pool, g, add, dx);
    });
}

KERNEL(256) pool_backward(
    const float* x, const __grid_constant__ Gradient g, int h, int w, int stride, int max, int add, float* dx) {
    Pool pool{x, h, w, g.c, stride};
    if (stride == 1) pool_backward_by<1>(pool, g, max, add, dx);
    else pool_backward_by<2>(pool, g, max, add, dx);
}
