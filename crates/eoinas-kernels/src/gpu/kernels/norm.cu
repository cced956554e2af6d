// BatchNorm as numbers per channel: statistics, the map its readers apply, and the map of its gradient. Sums of a whole
// batch end in double precision, in a fixed order.

// Mean and squared deviations of a piece of `share` pixels of z [pixels, c]: moments [pieces, 2, c].
// Grid: 32 channels, pieces. Block: 32 channels, 8 pixels.
KERNEL moments(const float* z, int pixels, int c, int share, float* moments) {
    __shared__ float mean[32];
    int channel = blockIdx.x * 32 + threadIdx.x;
    int begin = blockIdx.y * share, end = min(begin + share, pixels);
    for (int pass = 0; pass < 2; ++pass) {
        float sum = 0.0f, centre = pass == 0 ? 0.0f : mean[threadIdx.x];
        if (channel < c) {
            // The first pass runs around the first pixel, so that a large mean keeps its digits.
            float origin = pass == 0 ? z[size_t(begin) * c + channel] : centre;
            for (int p = begin + threadIdx.y; p < end; p += 8) {
                float d = z[size_t(p) * c + channel] - origin;
                sum += pass == 0 ? d : d * d;
            }
        }
        float total = sum_of_pixels(sum);
        if (threadIdx.y == 0 && channel < c) {
            if (pass == 0) total = mean[threadIdx.x] = z[size_t(begin) * c + channel] + total / (end - begin);
            moments[(size_t(blockIdx.y) * 2 + pass) * c + channel] = total;
        }
        __syncthreads();
    }
}

// All pieces together: mean and biased variance of each channel. `share` pixels a piece, fewer in the last.
// Grid: 32 channels. Block: 32 channels, 8 pieces.
KERNEL merge_moments(const float* moments, int pieces, int share, int pixels, int c, float* mean, float* variance) {
    __shared__ double count[8][32], centre[8][32], squares[8][32];
    int channel = blockIdx.x * 32 + threadIdx.x, lane = threadIdx.y;
    double n = 0.0, m = 0.0, s = 0.0;
    if (channel < c) {
        for (int piece = lane; piece < pieces; piece += 8) {
            double n2 = min(share, pixels - piece * share);
            double d = moments[(size_t(piece) * 2) * c + channel] - m;
            s += moments[(size_t(piece) * 2 + 1) * c + channel] + d * d * n * n2 / (n + n2);
            m += d * n2 / (n + n2);
            n += n2;
        }
    }
    count[lane][threadIdx.x] = n;
    centre[lane][threadIdx.x] = m;
    squares[lane][threadIdx.x] = s;
    __syncthreads();
    if (lane == 0 && channel < c) {
        for (int other = 1; other < 8; ++other) {
            double n2 = count[other][threadIdx.x];
            if (n2 == 0.0) continue;
            double d = centre[other][threadIdx.x] - m;
            s += squares[other][threadIdx.x] + d * d * n * n2 / (n + n2);
            m += d * n2 / (n + n2);
            n += n2;
        }
        mean[channel] = m;
        variance[channel] = s / n;
    }
}

// rstd, scale and shift from mean and variance; gamma and beta may be null.
KERNEL norm_map(
    const float* mean, const float* variance, const float* gamma, const float* beta, double eps, int c, float* rstd,
    float* scale, float* shift) {
    int channel = first_value();
    if (channel >= c) return;
    double r = 1.0 / sqrt(double(variance[channel]) + eps);
    double s = gamma ? double(gamma[channel]) * r : r;
    rstd[channel] = r;
    scale[channel] = s;
    shift[channel] = (beta ? double(beta[channel]) : 0.0) - double(mean[channel]) * s;
}

// running = (1 - momentum) * running + momentum * factor * batch
KERNEL update_running(float* running, const float* batch, double momentum, double factor, int c) {
    int channel = first_value();
    if (channel >= c) return;
    running[channel] = (1.0 - momentum) * double(running[channel]) + momentum * factor * double(batch[channel]);
}

// The gradient's map dz = a * dy + b * z + d. Without sums (null) the statistics are constants: dz = a * dy.
KERNEL gradient_map(
    const float* mean, const float* rstd, const float* scale, const float* dy, const float* dy_xhat, double count,
    float gate, int c, float* a, float* b, float* d) {
    int channel = first_value();
    if (channel >= c) return;
    double factor = double(gate) * double(scale[channel]);
    a[channel] = factor;
    b[channel] = 0.0f;
    d[channel] = 0.0f;
    if (!dy) return;
    double mean_dy = double(dy[channel]) / count, mean_dy_xhat = double(dy_xhat[channel]) / count;
    b[channel] = -factor * double(rstd[channel]) * mean_dy_xhat;
    d[channel] = factor * (double(mean[channel]) * double(rstd[channel]) * mean_dy_xhat - mean_dy);
}

// out[i] = sum over the pieces of parts[piece][i], in order.
KERNEL sum_pieces(const float* parts, int pieces, int values, float* out) {
    int i = first_value();
    if (i >= values) return;
    double sum = 0.0;
    for (int piece = 0; piece < pieces; ++piece) sum += parts[size_t(piece) * values + i];
    out[i] = sum;
}
