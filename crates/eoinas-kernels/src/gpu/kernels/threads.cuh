// How the threads of a launch share its work.
#pragma once

// The first value of this thread, of a kernel whose threads take several values each; the next is `all_threads` further.
__device__ inline int first_value() {
    return blockIdx.x * blockDim.x + threadIdx.x;
}

__device__ inline int all_threads() {
    return gridDim.x * blockDim.x;
}

// Where a pixel lies: its index counts through [n, h, w].
struct Pixel {
    int n, y, x;
};

__device__ inline Pixel place(int pixel, int h, int w) {
    return {pixel / w / h, pixel / w % h, pixel % w};
}

// The sum over the pixels of a block of 32 channels and 8 pixels; whole in the threads of the first pixel.
__device__ inline float sum_of_pixels(float value) {
    __shared__ float part[8][32];
    part[threadIdx.y][threadIdx.x] = value;
    __syncthreads();
    float total = 0.0f;
    if (threadIdx.y == 0) {
        for (int y = 0; y < 8; ++y) total += part[y][threadIdx.x];
    }
    __syncthreads();
    return total;
}
