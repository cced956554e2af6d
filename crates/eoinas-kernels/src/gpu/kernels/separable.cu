// Depthwise, then pointwise convolution: what lies between them is computed where it is read, never written. SIZE: as in
// `depthwise.cu`.

template <int COLS, int SIZE>
__device__ inline void separable_forward(
    const Input& x, const float* depthwise, const float* pointwise, int size, int stride, int dilation, int out_h,
    int out_w, int co, float* z, const Statistics& statistics) {
    DepthwiseWindow<SIZE> window{x, depthwise, size, stride, dilation, out_h, out_w};
    gemm<COLS>(window, Weights{pointwise, co}, Columns{z, co, 0}, x.n * out_h * out_w, co, x.c, statistics);
}

// The gradient between the convolutions.
template <int COLS>
__device__ inline void separable_backward_between(const Gradient& g, const float* pointwise, int ci, float* between) {
    gemm<COLS>(GradientRows{g}, WeightsBack{pointwise, ci, g.c}, Columns{between, ci, 0}, g.n * g.h * g.w, ci, g.c);
}

template <int COLS, int SIZE>
__device__ inline void separable_backward_pointwise(
    const Input& x, const Gradient& g, const float* depthwise, int size, int stride, int dilation, int share,
    float* out) {
    DepthwiseWindow<SIZE> window{x, depthwise, size, stride, dilation, g.h, g.w};
    weight_gradient<COLS>(window, GradientColumns{g, 0}, out, x.c, g.c, g.n * g.h * g.w, share);
}

#define SEPARABLE(COLS, NAME, SIZE)                                                                                    \
    KERNEL(THREADS) separable_forward_##NAME##_##COLS(                                                                 \
        const __grid_constant__ Input x, const float* depthwise, const float* pointwise, int size, int stride,         \
        int dilation, int out_h, int out_w, int co, float* z, const __grid_constant__ Statistics statistics) {         \
        separable_forward<COLS, SIZE>(                                                                                 \
            x, depthwise, pointwise, size, stride, dilation, out_h, out_w, co, z, statistics);                         \
    }                                                                                                                  \
    KERNEL(WEIGHT_THREADS) separable_backward_pointwise_##NAME##_##COLS(                                               \
        const __grid_constant__ Input x, const __grid_constant__ Gradient g, const float* depthwise, int size,         \
        int stride, int dilation, int share, float* out) {                                                             \
        separable_backward_pointwise<COLS, SIZE>(x, g, depthwise, size, stride, dilation, share, out);                 \
    }
#define BETWEEN(COLS)                                                                                                  \
    KERNEL(THREADS) separable_backward_between_##COLS(                                                                 \
        const __grid_constant__ Gradient g, const float* pointwise, int ci, float* between) {                          \
        separable_backward_between<COLS>(g, pointwise, ci, between);                                                   \
    }                                                                                                                  \
    SEPARABLE(COLS, 3, 3)                                                                                              \
    SEPARABLE(COLS, 5, 5)                                                                                              \
    SEPARABLE(COLS, n, 0)
BETWEEN(16)
BETWEEN(32)
BETWEEN(64)
#undef BETWEEN
#undef SEPARABLE
