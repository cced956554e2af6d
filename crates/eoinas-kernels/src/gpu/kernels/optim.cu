// The weights' optimiser, for many small tensors in one launch. Grid: blocks, tensors.

// Tensors of one launch, at most.
constexpr int TENSORS = 64;

struct Tensors {
    float* value[TENSORS];
    const float* gradient[TENSORS];
    float* momentum[TENSORS];
    int values[TENSORS];
};

// Sums of squares of the gradients: parts [tensors, blocks].
KERNEL sum_of_squares(const __grid_constant__ Tensors tensors, double* parts) {
    __shared__ double part[256];
    int t = blockIdx.y;
    double sum = 0.0;
    for (int i = blockIdx.x * 256 + threadIdx.x; i < tensors.values[t]; i += gridDim.x * 256) {
        double g = tensors.gradient[t][i];
        sum += g * g;
    }
    part[threadIdx.x] = sum;
    __syncthreads();
    for (int half = 128; half > 0; half /= 2) {
        if (int(threadIdx.x) < half) part[threadIdx.x] += part[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) parts[size_t(t) * gridDim.x + blockIdx.x] = part[0];
}

// g = scale * gradient + decay * value, m = momentum * m + g, value -= lr * m
KERNEL sgd_update(const __grid_constant__ Tensors tensors, float lr, float momentum, float decay, float scale) {
    int t = blockIdx.y;
    for (int i = blockIdx.x * 256 + threadIdx.x; i < tensors.values[t]; i += gridDim.x * 256) {
        float v = tensors.value[t][i], g = fmaf(scale, tensors.gradient[t][i], decay * v);
        float m = fmaf(momentum, tensors.momentum[t][i], g);
        tensors.momentum[t][i] = m;
        tensors.value[t][i] = fmaf(-lr, m, v);
    }
}
