// The weights' gradients and optimiser, for many small tensors in one launch. Grid: blocks, tensors.

// Tensors of one launch, at most.
constexpr int TENSORS = 64;

struct Tensors {
    float* value[TENSORS];
    const float* gradient[TENSORS];
    float* momentum[TENSORS];
    int values[TENSORS];
};

// Sums of squares of the gradients: parts [tensors, blocks].
KERNEL(256) sum_of_squares(const __grid_constant__ Tensors tensors, double* parts) {
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
KERNEL(256) sgd_update(const __grid_constant__ Tensors tensors, float lr, float momentum, float decay, float scale) {
    int t = blockIdx.y;
    for (int i = blockIdx.x * 256 + threadIdx.x; i < tensors.values[t]; i += gridDim.x * 256) {
        float v = tensors.value[t][i], g = fmaf(scale, tensors.gradient[t][i], decay * v);
        float m = fmaf(momentum, tensors.momentum[t][i], g);
        tensors.momentum[t][i] = m;
        tensors.value[t][i] = fmaf(-lr, m, v);
    }
}

// Sums of many tensors' pieces, each in order: out[i] = sum over the pieces of parts[piece][i].
// Grid: blocks, tensors. Block: 32 values, 8 threads that share the pieces of each.
struct Parts {
    const float* parts[TENSORS];
    float* out[TENSORS];
    int values[TENSORS], pieces[TENSORS];
};

KERNEL(256) sum_parts(const __grid_constant__ Parts tensors) {
    __shared__ double part[8][32];
    int t = blockIdx.y, values = tensors.values[t], pieces = tensors.pieces[t];
    int value = threadIdx.x % 32, sharer = threadIdx.x / 32;
    for (int first = blockIdx.x * 32; first < values; first += gridDim.x * 32) {
        double sum = 0.0;
        if (first + value < values) {
            const float* parts = tensors.parts[t] + first + value;
            for (int piece = sharer; piece < pieces; piece += 8) sum += parts[size_t(piece) * values];
        }
        part[sharer][value] = sum;
        __syncthreads();
        if (sharer == 0 && first + value < values) {
            for (int other = 1; other < 8; ++other) sum += part[other][value];
            tensors.out[t][first + value] = sum;
        }
        __syncthreads();
    }
}
