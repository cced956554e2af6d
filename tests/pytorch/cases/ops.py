"""Every candidate op alone: strides 1 and 2, even and odd sizes, search and retraining form."""
import torch

from network import MORE_OPS, OPS, Scope, apply_op, op_shapes
from recorder import gradients, named

FILE = "ops.safetensors"
# Channels below, at and beside the width of a vector register; the last has images smaller than the kernels.
SIZES = {"even": (2, 8, 8, 4), "odd": (2, 7, 6, 8), "tiny": (2, 5, 3, 6)}


def record(recorder):
    for op in OPS + MORE_OPS:
        for stride in (1, 2):
            for size, shape in SIZES.items():
                recorder.case(f"{op}.s{stride}.{size}", search_form, op, stride, shape)
            recorder.case(f"{op}.s{stride}.odd.retrain", retraining_form, op, stride, SIZES["odd"])
    for stride in (1, 2):
        recorder.case(f"max_pool_3x3.s{stride}.ties", with_input, "max_pool_3x3", stride, tied_input)
        for op in ("sep_conv_3x3", "dil_conv_3x3", "nor_conv_3x3", "conv_7x1_1x7"):
            recorder.case(f"{op}.s{stride}.zeros", with_input, op, stride, input_with_zeros)
    recorder.case("skip_connect.s2.zeros", with_input, "skip_connect", 2, input_with_zeros)


def search_form(inputs, op, stride, shape):
    return values(inputs, op, stride, inputs.normal(*shape), pool_norm=True)


def with_input(inputs, op, stride, make_input):
    return values(inputs, op, stride, make_input(inputs), pool_norm=False)


def tied_input(inputs):
    """Few distinct values: the gradient of a tie goes to the first pixel of the window, row by row."""
    return inputs.exact(inputs.integers(3, *SIZES["odd"]) - 1.0)


def input_with_zeros(inputs):
    """A third of the values exactly zero, where ReLU's gradient is zero."""
    x = inputs.normal(*SIZES["odd"])
    return inputs.exact(x.detach() * (inputs.integers(3, *SIZES["odd"]) > 0))


def values(inputs, op, stride, x, pool_norm):
    params = inputs.parameters(op_shapes(op, x.shape[-1], stride))
    y = apply_op(op, Scope(params), x, stride, pool_norm)
    dy = inputs.normal(*y.shape)
    y.backward(dy)
    return {"x": x, "y": y, "dy": dy, "dx": x.grad} | named("param", params) | gradients("grad", params)


def retraining_form(inputs, op, stride, shape):
    """BatchNorm with scale and shift, running statistics after one training pass, then the output of evaluation."""
    x = inputs.normal(*shape)
    params = inputs.parameters(op_shapes(op, shape[-1], stride, affine=True))
    running = {}
    y = apply_op(op, Scope(params, running), x, stride, pool_norm=False)
    dy = inputs.normal(*y.shape)
    y.backward(dy)
    with torch.no_grad():
        y_eval = apply_op(op, Scope(params, running, training=False), x, stride, pool_norm=False)
    return ({"x": x, "y": y, "dy": dy, "dx": x.grad, "y_eval": y_eval}
            | named("param", params) | gradients("grad", params) | named("running", running))
