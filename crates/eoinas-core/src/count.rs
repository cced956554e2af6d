//! Exact parameter and multiply-add counts, without building any tensor.
