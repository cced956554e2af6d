"""An edge with partial channels (PC-DARTS): all ops on the first 1/K of the channels, the others passing by."""
import torch
import torch.nn.functional as F

from network import OPS, Scope, apply_op, nchw, nhwc, op_shapes
from recorder import gradients, named

FILE = "partial_channels.safetensors"
SHAPE, SHARE = (2, 6, 8, 16), 4


def record(recorder):
    for stride in (1, 2):
        recorder.case(f"s{stride}", edge, stride)


def edge(inputs, stride):
    x, part = inputs.normal(*SHAPE), SHAPE[-1] // SHARE
    params = inputs.parameters({f"{op}.{name}": shape for op in OPS
                                for name, shape in op_shapes(op, part, stride).items()})
    gates = inputs.exact(torch.softmax(inputs.normal(len(OPS)).detach(), -1))
    read, passed = x[..., :part], x[..., part:]
    y = sum(g * apply_op(op, Scope(params).at(op), read, stride) for op, g in zip(OPS, gates))
    if stride == 2:
        passed = nhwc(F.max_pool2d(nchw(passed), 2, 2))
    y = shuffled(torch.cat([y, passed], -1))
    dy = inputs.normal(*y.shape)
    y.backward(dy)
    return ({"x": x, "gates": gates, "y": y, "dy": dy, "dx": x.grad, "dgates": gates.grad}
            | named("param", params) | gradients("grad", params))


def shuffled(x):
    """Channel i of group g becomes channel i * SHARE + g."""
    n, h, w, c = x.shape
    return x.reshape(n, h, w, SHARE, c // SHARE).transpose(3, 4).reshape(n, h, w, c)
