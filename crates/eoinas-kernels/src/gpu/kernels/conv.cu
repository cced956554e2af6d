// Dense convolution, pointwise included, and the factorised reduce.

template <int COLS>
__device__ inline void conv_forward(
    const Input& x, const float* weight, int columns, int taps, int stride, int first_y, int first_x, int out_h,
    int out_w, int co, float* z, int z_stride, int z_first, const Statistics& statistics) {
    Window window{x, columns, stride, first_y, first_x, out_h, out_w};
    gemm<COLS>(
        window, Weights{weight, co}, Columns{z, z_stride, z_first}, x.n * out_h * out_w, co, taps * x.c, statistics);
}

template <int COLS>
__device__ inline void conv_backward_input(
    const Input& x, const Gradient& g, const float* weight, int columns, int taps, int stride, int first_y,
    int first_x, const Target& target) {
    GradientWindow window{g, columns, stride, first_y, first_x, x.h, x.w};
    gemm<COLS>(
        window, WeightsBack{weight, x.c, g.c}, InputColumns{target, x}, x.n * x.h * x.w, x.c, taps * g.c);
}

template <int SIZE>
__device__ inline void conv_backward_weight(
    const Input& x, const Gradient& g, int columns, int taps, int stride, int first_y, int first_x, int g_first,
    int co, int share, float* out) {
    Window window{x, columns, stride, first_y, first_x, g.h, g.w};
    weight_gradient<SIZE>(window, GradientColumns{g, g_first}, out, taps * x.c, co, g.n * g.h * g.w, share);
}

template <int COLS>
__device__ inline void reduce_backward_input(
    const Input& x, const Gradient& g, const float* weight_1, const float* weight_2, int split, const Target& target) {
    ReduceGradientWindow window{g, split, x.h, x.w};
    ReduceWeightsBack weights{weight_1, weight_2, split, g.c};
    gemm<COLS>(window, weights, InputColumns{target, x}, x.n * x.h * x.w, x.c, g.c);
}

#define CONV(SIZE)                                                                                                     \
    KERNEL(THREADS) conv_forward_##SIZE(                                                                               \
        const __grid_constant__ Input x, const float* weight, int columns, int taps, int stride, int first_y,          \
        int first_x, int out_h, int out_w, int co, float* z, int z_stride, int z_first,                                \
        const __grid_constant__ Statistics statistics) {                                                               \
        conv_forward<SIZE>(                                                                                            \
            x, weight, columns, taps, stride, first_y, first_x, out_h, out_w, co, z, z_stride, z_first, statistics);   \
    }                                                                                                                  \
    KERNEL(THREADS) conv_backward_input_##SIZE(                                                                        \
        const __grid_constant__ Input x, const __grid_constant__ Gradient g, const float* weight, int columns,         \
        int taps, int stride, int first_y, int first_x, const __grid_constant__ Target target) {                       \
        conv_backward_input<SIZE>(x, g, weight, columns, taps, stride, first_y, first_x, target);                      \
    }                                                                                                                  \
    KERNEL(WEIGHT_THREADS) conv_backward_weight_##SIZE(                                                                \
        const __grid_constant__ Input x, const __grid_constant__ Gradient g, int columns, int taps, int stride,        \
        int first_y, int first_x, int g_first, int co, int share, float* out) {                                        \
        conv_backward_weight<SIZE>(x, g, columns, taps, stride, first_y, first_x, g_first, co, share, out);            \
    }                                                                                                                  \
    KERNEL(THREADS) reduce_backward_input_##SIZE(                                                                      \
        const __grid_constant__ Input x, const __grid_constant__ Gradient g, const float* weight_1,                    \
        const float* weight_2, int split, const __grid_constant__ Target target) {                                     \
        reduce_backward_input<SIZE>(x, g, weight_1, weight_2, split, target);                                          \
    }
CONV(16)
CONV(32)
CONV(64)
#undef CONV
