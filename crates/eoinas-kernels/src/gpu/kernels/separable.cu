// Depthwise, then pointwise convolution: what lies between them is computed where it is read, never written.

template <int COLS>
__device__ inline void separable_forward(
    const Input& x, const float* depthwise, const float* pointwise, int size, int stride, int dilation, int out_h,
    int out_w, int co, float* z, float* moments) {
    DepthwiseWindow window{x, depthwise, size, stride, dilation, out_h, out_w};
    gemm<64, COLS>(
        window, Weights{pointwise, co}, Columns{z, co, 0}, x.n * out_h * out_w, co, x.c, Columns{moments, co, 0});
}

// The gradient between the convolutions.
template <int COLS>
__device__ inline void separable_backward_between(const Gradient& g, const float* pointwise, int ci, float* between) {
    gemm<64, COLS>(
        GradientRows{g}, WeightsBack{pointwise, ci, g.c}, Columns{between, ci, 0}, g.n * g.h * g.w, ci, g.c);
}

template <int SIZE>
__device__ inline void separable_backward_pointwise(
    const Input& x, const Gradient& g, const float* depthwise, int size, int stride, int dilation, int share,
    float* out) {
    DepthwiseWindow window{x, depthwise, size, stride, dilation, g.h, g.w};
    weight_gradient<SIZE>(window, GradientColumns{g, 0}, out, x.c, g.c, g.n * g.h * g.w, share);
}

#define SEPARABLE(SIZE)                                                                                                \
    KERNEL separable_forward_##SIZE(                                                                                   \
        const __grid_constant__ Input x, const float* depthwise, const float* pointwise, int size, int stride,         \
        int dilation, int out_h, int out_w, int co, float* z, float* moments) {                                        \
        separable_forward<SIZE>(x, depthwise, pointwise, size, stride, dilation, out_h, out_w, co, z, moments);        \
    }                                                                                                                  \
    KERNEL separable_backward_between_##SIZE(                                                                          \
        const __grid_constant__ Gradient g, const float* pointwise, int ci, float* between) {                          \
        separable_backward_between<SIZE>(g, pointwise, ci, between);                                                   \
    }                                                                                                                  \
    KERNEL separable_backward_pointwise_##SIZE(                                                                        \
        const __grid_constant__ Input x, const __grid_constant__ Gradient g, const float* depthwise, int size,         \
        int stride, int dilation, int share, float* out) {                                                             \
        separable_backward_pointwise<SIZE>(x, g, depthwise, size, stride, dilation, share, out);                       \
    }
SEPARABLE(16)
SEPARABLE(32)
SEPARABLE(64)
#undef SEPARABLE
