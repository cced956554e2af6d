// All kernels, as one module.

#ifndef KERNEL
#define KERNEL extern "C" __global__ void
#endif

#include "threads.cuh"
#include "views.cuh"
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
