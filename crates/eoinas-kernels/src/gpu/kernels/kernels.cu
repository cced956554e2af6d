// All kernels, as one module.

// A kernel for blocks of so many threads at most.
#ifndef KERNEL
#define KERNEL(THREADS) extern "C" __global__ void __launch_bounds__(THREADS)
#endif

#include "views.cuh"
#include "threads.cuh"
#include "gemm.cuh"
#include "operands.cuh"

#include "conv.cu"
#include "depthwise.cu"
#include "elementwise.cu"
#include "head.cu"
#include "node.cu"
#include "norm.cu"
#include "optim.cu"
#include "pool.cu"
#include "separable.cu"
