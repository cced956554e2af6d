// ReLU as a pass of its own, dropout of single values, zeros.

// NaN stays NaN.
KERNEL(256) relu_forward(const float* x, int values, float* out) {
    for (int i = first_value(); i < values; i += all_threads()) out[i] = x[i] < 0.0f ? 0.0f : x[i];
}

KERNEL(256) relu_backward(const float* x, const float* dy, int values, float* out) {
    for (int i = first_value(); i < values; i += all_threads()) {
        out[i] = x[i] > 0.0f ? dy[i] : 0.0f;
    }
}

// out = factor * x where kept and 0 elsewhere, even where x is not finite; or that added to it.
KERNEL(256) dropout(const float* x, const unsigned char* keep, float factor, int values, int add, float* out) {
    for (int i = first_value(); i < values; i += all_threads()) {
        float kept = keep[i] ? factor * x[i] : 0.0f;
        out[i] = add ? out[i] + kept : kept;
    }
}

KERNEL(256) set_zero(float* out, int values) {
    for (int i = first_value(); i < values; i += all_threads()) out[i] = 0.0f;
}
