// BatchNorm as numbers per channel: statistics, the map its readers apply, and the map of its gradient. Sums of a whole
// batch end in double precision, in a fixed order.

// The statistics of z [pixels, c]. Grid: channels, pieces of `share` pixels.
KERNEL(256) batch_stats(const float* z, int pixels, int c, int share, const __grid_constant__ Statistics statistics) {
    __shared__ float mean[CHANNELS];
    int channel = first_channel(), mine = threadIdx.x % CHANNELS;
    int begin = blockIdx.y * share, end = min(begin + share, pixels);
    for (int pass = 0; pass < 2; ++pass) {
        float sum = 0.0f, centre = pass == 0 ? 0.0f : mean[mine];
        if (channel < c) {
            // The first pass runs around the first pixel, so that a large mean keeps its digits.
            float origin = pass == 0 ? z[size_t(begin) * c + channel] : centre;
            for (int p = begin + pixel_of_block(); p < end; p += PIXELS<>) {
                float d = z[size_t(p) * c + channel] - origin;
                sum += pass == 0 ? d : d * d;
            }
        }
        float total = sum_of_pixels(Lanes<1>{{sum}});
        if (threadIdx.x < CHANNELS && channel < c) {
            if (pass == 0) total = mean[mine] = z[size_t(begin) * c + channel] + total / (end - begin);
            statistics.moments[(size_t(blockIdx.y) * 2 + pass) * c + channel] = total;
        }
        __syncthreads();
    }
    if (!last_of(statistics.counters + blockIdx.x, gridDim.y)) return;
    int first = blockIdx.x * CHANNELS;
    write_statistics<256, CHANNELS>(statistics, first, min(CHANNELS, c - first), c, gridDim.y, share, pixels);
}

// rstd, scale and shift, out [3, c], from mean and variance; gamma and beta may be null.
KERNEL(256) norm_map(
    const float* mean, const float* variance, const float* gamma, const float* beta, double eps, int c, float* out) {
    int channel = first_value();
    if (channel >= c) return;
    double rstd = 1.0 / sqrt(double(variance[channel]) + eps);
    double scale = gamma ? double(gamma[channel]) * rstd : rstd;
    out[channel] = rstd;
    out[c + channel] = scale;
    out[2 * c + channel] = (beta ? double(beta[channel]) : 0.0) - double(mean[channel]) * scale;
}

// running = (1 - momentum) * running + momentum * factor * batch
KERNEL(256) update_running(float* running, const float* batch, double momentum, double factor, int c) {
    int channel = first_value();
    if (channel >= c) return;
    running[channel] = (1.0 - momentum) * double(running[channel]) + momentum * factor * double(batch[channel]);
}

// The gradient's map of a BatchNorm whose statistics are constants, out [3, c]: dz = gate * scale * dy.
KERNEL(256) constant_map(const float* scale, float gate, int c, float* out) {
    int channel = first_value();
    if (channel >= c) return;
    out[channel] = gate * scale[channel];
    out[c + channel] = 0.0f;
    out[2 * c + channel] = 0.0f;
}
