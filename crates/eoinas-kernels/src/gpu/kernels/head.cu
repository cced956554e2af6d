// The end of a network: global average pooling, the linear classifier and the cross-entropy loss.

// Mean over height and width of the joined sources, [n, c].
KERNEL(256) global_average_pool(const __grid_constant__ Input x, float* out) {
    int i = first_value(), pixels = x.h * x.w;
    if (i >= x.n * x.c) return;
    InputChannels<1> input(x, i % x.c);
    double sum = 0.0;
    for (int p = 0; p < pixels; ++p) sum += input.stored(i / x.c * pixels + p).v[0];
    out[i] = sum / pixels;
}

// Adds the gradient to one source, whose channels start at `first` of `total`.
KERNEL(256) global_average_pool_backward(
    const float* d, int total, int first, int c, int pixels, int values, float* dx) {
    for (int i = first_value(); i < values; i += all_threads()) {
        dx[i] += d[i / (pixels * c) * total + first + i % c] / pixels;
    }
}

// x [n, k] times weight [k, m] plus bias.
KERNEL(256) linear_forward(const float* x, const float* weight, const float* bias, int n, int k, int m, float* out) {
    int i = first_value();
    if (i >= n * m) return;
    float sum = bias[i % m];
    for (int j = 0; j < k; ++j) sum = fmaf(x[i / m * k + j], weight[j * m + i % m], sum);
    out[i] = sum;
}

KERNEL(256) linear_backward_input(const float* d, const float* weight, int n, int k, int m, float* dx) {
    int i = first_value();
    if (i >= n * k) return;
    float sum = 0.0f;
    for (int j = 0; j < m; ++j) sum = fmaf(d[i / k * m + j], weight[i % k * m + j], sum);
    dx[i] = sum;
}

// Row k is the bias, whose input is 1.
KERNEL(256) linear_backward_weight(const float* d, const float* x, int n, int k, int m, float* dw, float* dbias) {
    int i = first_value();
    if (i >= (k + 1) * m) return;
    float sum = 0.0f;
    for (int j = 0; j < n; ++j) sum = fmaf(i / m < k ? x[j * k + i / m] : 1.0f, d[j * m + i % m], sum);
    if (i / m < k) dw[i] = sum;
    else dbias[i % m] = sum;
}

// One thread an image: its loss and whether it is right, [n, 2], and the gradient of the mean loss.
KERNEL(256) cross_entropy(
    const float* logits, const unsigned* labels, float smoothing, int n, int classes, float* losses, float* dlogits) {
    int i = first_value();
    if (i >= n) return;
    const float* row = logits + size_t(i) * classes;
    int label = labels[i], before = 0;
    float largest = -INFINITY;
    for (int c = 0; c < classes; ++c) {
        largest = fmaxf(largest, row[c]);
        before += row[c] > row[label] || row[c] != row[c] || (row[c] == row[label] && c < label);
    }
    double sum = 0.0, loss = 0.0;
    for (int c = 0; c < classes; ++c) sum += exp(double(row[c] - largest));
    double log_sum = log(sum) + largest;
    for (int c = 0; c < classes; ++c) {
        double target = double(smoothing) / classes + (c == label ? 1.0 - double(smoothing) : 0.0);
        if (target != 0.0) loss += target * (log_sum - row[c]);
        dlogits[size_t(i) * classes + c] = (exp(double(row[c] - largest)) / sum - target) / n;
    }
    losses[2 * i] = loss;
    losses[2 * i + 1] = before == 0 && row[label] == row[label];
}
