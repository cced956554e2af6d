// Matrix products whose operands are read through functors: a window of an image, a gradient with its BatchNorm
// pending, a depthwise convolution computed on the way in. A thread has one row and four columns of the results: products
// are small here, and what counts is that there are many threads.
#pragma once

// Threads of a block.
constexpr int THREADS = 512;

// Rows of a block's results that has so many columns; `rows` in `grid.rs`. Its tiles are as deep as they are wide.
template <int COLS>
constexpr int ROWS = THREADS * 4 / COLS;

template <int COLS>
struct Tile {
    // Rows are padded against bank conflicts, to whole vectors.
    float a[ROWS<COLS>][COLS + 4];
    float b[COLS][COLS + 4];
};

// Columns of a tensor with `stride` channels, from `first` on.
struct Columns {
    float* out;
    int stride, first;

    __device__ Fit fit() const { return stride | first | ::fit(out); }
    template <int V>
    __device__ void put(int row, int column, const Lanes<V>& value) const {
        value.to(out + size_t(row) * stride + first + column);
    }
};

// Hands a thread's results to `c`.
template <int COLS, class C>
__device__ inline void write(const Lanes<4>& sum, const C& c, int row0, int col0, int rows, int cols) {
    int row = row0 + threadIdx.x / (COLS / 4), column = col0 + threadIdx.x % (COLS / 4) * 4;
    if (row >= rows) return;
    if (c.fit() % 4 == 0 && column + 4 <= cols) {
        c.put(row, column, sum);
        return;
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) {
        if (column + k < cols) c.put(row, column + k, Lanes<1>{{sum.v[k]}});
    }
}

// Writes mean and sum of squared deviations of each column of this block's results to two rows of `moments`.
template <int COLS>
__device__ inline void column_moments(
    const Lanes<4>& sum, int row0, int col0, int rows, int cols, const Columns& moments) {
    constexpr int GROUPS = THREADS / COLS, HEIGHT = ROWS<COLS> / GROUPS;
    alignas(16) __shared__ float values[ROWS<COLS>][COLS];
    __shared__ float plain[GROUPS][COLS], squares[GROUPS][COLS];
    int t = threadIdx.x, column = t % COLS, group = t / COLS, count = min(ROWS<COLS>, rows - row0);
    sum.to(&values[t / (COLS / 4)][t % (COLS / 4) * 4]);
    __syncthreads();
    // Around the first value, so that a mean far from zero costs no digits of the variance.
    float origin = values[0][column], total = 0.0f, total_squares = 0.0f;
#pragma unroll
    for (int r = 0; r < HEIGHT; ++r) {
        float d = group * HEIGHT + r < count ? values[group * HEIGHT + r][column] - origin : 0.0f;
        total += d;
        total_squares = fmaf(d, d, total_squares);
    }
    plain[group][column] = total;
    squares[group][column] = total_squares;
    __syncthreads();
    if (t < COLS && col0 + t < cols) {
        for (int other = 1; other < GROUPS; ++other) {
            total += plain[other][t];
            total_squares += squares[other][t];
        }
        float off = total / count, rest = total_squares - total * off;
        moments.put(blockIdx.x * 2, col0 + t, Lanes<1>{{origin + off}});
        moments.put(blockIdx.x * 2 + 1, col0 + t, Lanes<1>{{rest < 0.0f ? 0.0f : rest}});
    }
}

// The sums of `gemm`, with V values of `a` read at a time along its rows.
template <int V, int COLS, class A, class B>
__device__ inline Lanes<4> multiply(
    Tile<COLS>& tile, const A& a, const B& b, int row0, int col0, int rows, int cols, int depth) {
    constexpr int DEPTH = COLS, PER_ROW = DEPTH / V;
    int t = threadIdx.x, mine = t / (COLS / 4), column = t % (COLS / 4) * 4;
    Lanes<4> sum = Lanes<4>::of(0.0f);
    for (int k0 = 0; k0 < depth; k0 += DEPTH) {
#pragma unroll 1
        for (int i = t; i < ROWS<COLS> * PER_ROW; i += THREADS) {
            int r = i / PER_ROW, k = i % PER_ROW * V;
            bool inside = row0 + r < rows && k0 + k < depth;
            (inside ? a.template at<V>(a.row(row0 + r), k0 + k) : Lanes<V>::of(0.0f)).to(&tile.a[r][k]);
        }
        for (int i = t; i < DEPTH * COLS; i += THREADS) {
            // Neighbouring threads read neighbouring weights.
            int k = B::DOWN ? i % DEPTH : i / COLS, col = B::DOWN ? i / DEPTH : i % COLS;
            tile.b[k][col] = k0 + k < depth && col0 + col < cols ? b.at(k0 + k, col0 + col) : 0.0f;
        }
        __syncthreads();
        int deep = min(DEPTH, depth - k0);
#pragma unroll 4
        for (int k = 0; k < deep; k += 4) {
            Lanes<4> x = Lanes<4>::from(&tile.a[mine][k]);
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                add_product(sum, Lanes<4>::of(x.v[j]), Lanes<4>::from(&tile.b[k + j][column]));
            }
        }
        __syncthreads();
    }
    return sum;
}

// c(row, column) = sum over k of a(row, k) * b(k, column). Grid: tiles of rows, tiles of columns. Gives the thread's part.
template <int COLS, class A, class B, class C>
__device__ inline Lanes<4> gemm(const A& a, const B& b, const C& c, int rows, int cols, int depth) {
    alignas(16) __shared__ Tile<COLS> tile;
    int row0 = blockIdx.x * ROWS<COLS>, col0 = blockIdx.y * COLS;
    Lanes<4> sum;
    by_width(a.fit(), [&](auto width) {
        sum = multiply<width.value, COLS>(tile, a, b, row0, col0, rows, cols, depth);
    });
    write<COLS>(sum, c, row0, col0, rows, cols);
    return sum;
}

// The same with the statistics of `c`, where they have a place.
template <int COLS, class A, class B>
__device__ inline void gemm(
    const A& a, const B& b, const Columns& c, int rows, int cols, int depth, const Statistics& statistics) {
    Lanes<4> sum = gemm<COLS>(a, b, c, rows, cols, depth);
    if (!statistics.moments) return;
    int row0 = blockIdx.x * ROWS<COLS>, col0 = blockIdx.y * COLS;
    column_moments<COLS>(sum, row0, col0, rows, cols, Columns{statistics.moments, c.stride, c.first});
    if (!last_of(statistics.counters + blockIdx.y, gridDim.x)) return;
    write_statistics<THREADS, COLS>(
        statistics, c.first + col0, min(COLS, cols - col0), c.stride, gridDim.x, ROWS<COLS>, rows);
}

// sum[r][c] += a[r] * b[c]
__device__ inline void add_outer(float (&sum)[4][4], const Lanes<4>& a, const Lanes<4>& b) {
#pragma unroll
    for (int r = 0; r < 4; ++r) {
#pragma unroll
        for (int c = 0; c < 4; ++c) sum[r][c] = fmaf(a.v[r], b.v[c], sum[r][c]);
    }
}

// Threads of a block that multiplies for a weight's gradient.
constexpr int WEIGHT_THREADS = 256;

// How the block of a tile of SIZE x SIZE weights shares its work: groups of threads, each with the whole tile, take turns
// at the pixels of a chunk; `chunk` in `pieces.rs`.
template <int SIZE>
constexpr int GROUP = SIZE / 4 * (SIZE / 4);
template <int SIZE>
constexpr int GROUPS = WEIGHT_THREADS / GROUP<SIZE>;
template <int SIZE>
constexpr int CHUNK = 2048 / SIZE;

// The sums of a group, with V values read at a time. `memory`: a chunk of `a`, then one of `g`.
template <int V, int SIZE, class A, class G>
__device__ inline void multiply_pixels(
    float* memory, const A& a, const G& g, int row0, int col0, int rows, int cols, int begin, int end,
    float (&sum)[4][4]) {
    float *tile_a = memory, *tile_g = memory + CHUNK<SIZE> * SIZE;
    int t = threadIdx.x, group = t / GROUP<SIZE>, tx = t % (SIZE / 4) * 4, ty = t % GROUP<SIZE> / (SIZE / 4) * 4;
    for (int p0 = begin; p0 < end; p0 += CHUNK<SIZE>) {
#pragma unroll 1
        for (int i = t; i < CHUNK<SIZE> * SIZE / V; i += WEIGHT_THREADS) {
            int p = p0 + i / (SIZE / V), k = i % (SIZE / V) * V;
            Lanes<V> zero = Lanes<V>::of(0.0f);
            (p < end && row0 + k < rows ? a.template at<V>(a.row(p), row0 + k) : zero).to(tile_a + i * V);
            (p < end && col0 + k < cols ? g.template at<V>(p, col0 + k) : zero).to(tile_g + i * V);
        }
        __syncthreads();
        for (int p = group; p < CHUNK<SIZE>; p += GROUPS<SIZE>) {
            add_outer(sum, Lanes<4>::from(tile_a + p * SIZE + ty), Lanes<4>::from(tile_g + p * SIZE + tx));
        }
        __syncthreads();
    }
}

// The gradient of weights: out[piece][k][column] = sum over this piece's pixels of a(pixel, k) * g(pixel, column).
// Grid: tiles of k, tiles of columns, pieces of `share` pixels; `sum_parts` adds up the pieces, in order.
template <int SIZE, class A, class G>
__device__ inline void weight_gradient(
    const A& a, const G& g, float* out, int rows, int cols, int pixels, int share) {
    alignas(16) __shared__ float memory[2 * CHUNK<SIZE> * SIZE];
    int t = threadIdx.x, row0 = blockIdx.x * SIZE, col0 = blockIdx.y * SIZE;
    int begin = blockIdx.z * share, end = min(begin + share, pixels);
    float sum[4][4] = {};
    by_width(a.fit() | g.fit(), [&](auto width) {
        multiply_pixels<width.value, SIZE>(memory, a, g, row0, col0, rows, cols, begin, end, sum);
    });
    // The groups' sums come where the chunks were.
    int tx = t % (SIZE / 4) * 4, ty = t % GROUP<SIZE> / (SIZE / 4) * 4;
#pragma unroll
    for (int r = 0; r < 4; ++r) {
        Lanes<4>{{sum[r][0], sum[r][1], sum[r][2], sum[r][3]}}.to(
            memory + t / GROUP<SIZE> * SIZE * SIZE + (ty + r) * SIZE + tx);
    }
    __syncthreads();
    for (int i = t; i < SIZE * SIZE; i += WEIGHT_THREADS) {
        float total = 0.0f;
        for (int group = 0; group < GROUPS<SIZE>; ++group) total += memory[group * SIZE * SIZE + i];
        int row = row0 + i / SIZE, column = col0 + i % SIZE;
        if (row < rows && column < cols) out[(size_t(blockIdx.z) * rows + row) * cols + column] = total;
    }
}
