// Matrix products whose operands are read through functors: a window of an image, a gradient with its BatchNorm
// pending, a depthwise convolution computed on the way in. 256 threads; each has ROWS / 16 x COLS / 16 results.
#pragma once

constexpr int DEPTH = 16;

template <int ROWS, int COLS>
struct Tile {
    float a[DEPTH][ROWS + 1];
    float b[DEPTH][COLS];
};

template <int ROWS, int COLS>
__device__ inline void multiply(const Tile<ROWS, COLS>& tile, float (&sum)[ROWS / 16][COLS / 16]) {
    int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
    for (int k = 0; k < DEPTH; ++k) {
        float a[ROWS / 16], b[COLS / 16];
#pragma unroll
        for (int r = 0; r < ROWS / 16; ++r) a[r] = tile.a[k][ty * (ROWS / 16) + r];
#pragma unroll
        for (int c = 0; c < COLS / 16; ++c) b[c] = tile.b[k][tx * (COLS / 16) + c];
#pragma unroll
        for (int r = 0; r < ROWS / 16; ++r) {
#pragma unroll
            for (int c = 0; c < COLS / 16; ++c) sum[r][c] = fmaf(a[r], b[c], sum[r][c]);
        }
    }
}

// Columns of a tensor with `stride` channels, from `first` on.
struct Columns {
    float* out;
    int stride, first;

    __device__ void operator()(int row, int column, float value) const {
        out[size_t(row) * stride + first + column] = value;
    }
};

// Hands a block's results to `c(row, column, value)`.
template <int ROWS, int COLS, class C>
__device__ inline void write(
    const float (&sum)[ROWS / 16][COLS / 16], const C& c, int row0, int col0, int rows, int cols) {
    int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
#pragma unroll
    for (int r = 0; r < ROWS / 16; ++r) {
#pragma unroll
        for (int k = 0; k < COLS / 16; ++k) {
            int row = row0 + ty * (ROWS / 16) + r, column = col0 + tx * (COLS / 16) + k;
            if (row < rows && column < cols) c(row, column, sum[r][k]);
        }
    }
}

// Writes mean and sum of squared deviations of each column of this block's results, for `merge_moments`: around the
// block's own mean, so that a mean far from zero costs no digits of the variance. Rows of `moments`: two a block.
template <int ROWS, int COLS>
__device__ inline void column_moments(
    const float (&sum)[ROWS / 16][COLS / 16], int row0, int col0, int rows, int cols, const Columns& moments) {
    __shared__ float part[16][COLS];
    __shared__ float mean[COLS];
    int t = threadIdx.x, tx = t % 16, ty = t / 16;
    int count = min(ROWS, rows - row0);
    for (int pass = 0; pass < 2; ++pass) {
#pragma unroll
        for (int c = 0; c < COLS / 16; ++c) {
            int column = tx * (COLS / 16) + c;
            float total = 0.0f, centre = pass == 0 ? 0.0f : mean[column];
#pragma unroll
            for (int r = 0; r < ROWS / 16; ++r) {
                float d = sum[r][c] - centre;
                if (ty * (ROWS / 16) + r < count) total += pass == 0 ? d : d * d;
            }
            part[ty][column] = total;
        }
        __syncthreads();
        if (t < COLS) {
            float total = 0.0f;
            for (int y = 0; y < 16; ++y) total += part[y][t];
            if (pass == 0) mean[t] = total / count;
            if (col0 + t < cols) moments(blockIdx.x * 2 + pass, col0 + t, pass == 0 ? mean[t] : total);
        }
        __syncthreads();
    }
}

// c(row, column) = sum over k of a(row, k) * b(k, column). Grid: tiles of rows, tiles of columns. `moments`
// ([row tiles, 2, ...]) are written where they have a place.
template <int ROWS, int COLS, class A, class B, class C>
__device__ inline void gemm(
    const A& a, const B& b, const C& c, int rows, int cols, int depth, const Columns& moments = {nullptr, 0, 0}) {
    __shared__ Tile<ROWS, COLS> tile;
    int t = threadIdx.x, tx = t % 16, ty = t / 16;
    int row0 = blockIdx.x * ROWS, col0 = blockIdx.y * COLS;
    typename A::Row row[ROWS / 16];
    float sum[ROWS / 16][COLS / 16] = {};
#pragma unroll
    for (int i = 0; i < ROWS / 16; ++i) row[i] = a.row(min(row0 + ty + 16 * i, rows - 1));
    for (int k0 = 0; k0 < depth; k0 += DEPTH) {
#pragma unroll
        for (int i = 0; i < ROWS / 16; ++i) {
            bool inside = row0 + ty + 16 * i < rows && k0 + tx < depth;
            tile.a[tx][ty + 16 * i] = inside ? a.at(row[i], k0 + tx) : 0.0f;
        }
        for (int i = t; i < DEPTH * COLS; i += 256) {
            int k = i / COLS, column = i % COLS;
            bool inside = k0 + k < depth && col0 + column < cols;
            tile.b[k][column] = inside ? b.at(k0 + k, col0 + column) : 0.0f;
        }
        __syncthreads();
        multiply<ROWS, COLS>(tile, sum);
        __syncthreads();
    }
    write<ROWS, COLS>(sum, c, row0, col0, rows, cols);
    if (moments.out) column_moments<ROWS, COLS>(sum, row0, col0, rows, cols, moments);
}

// The gradient of weights: out[piece][k][column] = sum over this piece's pixels of a(pixel, k) * g(pixel, column).
// Grid: tiles of k, tiles of columns, pieces of `share` pixels; `sum_pieces` adds up the pieces, in order.
template <int SIZE, class A, class G>
__device__ inline void weight_gradient(
    const A& a, const G& g, float* out, int rows, int cols, int pixels, int share) {
    __shared__ Tile<SIZE, SIZE> tile;
    int t = threadIdx.x;
    int row0 = blockIdx.x * SIZE, col0 = blockIdx.y * SIZE;
    int begin = blockIdx.z * share, end = min(begin + share, pixels);
    float sum[SIZE / 16][SIZE / 16] = {};
    for (int p0 = begin; p0 < end; p0 += DEPTH) {
        for (int i = t; i < DEPTH * SIZE; i += 256) {
            int p = p0 + i / SIZE, k = i % SIZE;
            tile.a[i / SIZE][k] = p < end && row0 + k < rows ? a.at(a.row(p), row0 + k) : 0.0f;
            tile.b[i / SIZE][k] = p < end && col0 + k < cols ? g.at(p, col0 + k) : 0.0f;
        }
        __syncthreads();
        multiply<SIZE, SIZE>(tile, sum);
        __syncthreads();
    }
    Columns columns{out + size_t(blockIdx.z) * rows * cols, cols, 0};
    write<SIZE, SIZE>(sum, columns, row0, col0, rows, cols);
}
