"""Whole search cells with one sampled op an edge."""
import torch

from network import EDGES, INPUTS, OPS, Scope, apply_cell, cell_shapes
from recorder import gradients, named

FILE = "cell.safetensors"


def record(recorder):
    # Channels and sizes as in a network of C = 4: cells after the stem, at the first reduction, and after it.
    recorder.case("normal", cell, 0, (2, 8, 8, 12), (2, 8, 8, 12), 4, False, False)
    recorder.case("reduce", cell, 1, (2, 8, 8, 12), (2, 8, 8, 16), 8, True, False)
    recorder.case("normal_after_reduce.odd", cell, 2, (2, 7, 10, 16), (2, 4, 5, 32), 8, False, True)
    recorder.case("reduce_after_reduce.odd", cell, 3, (2, 9, 14, 16), (2, 5, 7, 32), 4, True, True)


def cell(inputs, shift, shape0, shape1, c, reduction, reduce_first):
    """Edge e runs op (3 e + shift) mod 8 of the DARTS order, so each op stands on one edge at least."""
    s0, s1 = inputs.normal(*shape0), inputs.normal(*shape1)
    params = inputs.parameters(cell_shapes((shape0[-1], shape1[-1]), c, reduction, reduce_first))
    path = torch.tensor([(3 * e + shift) % len(OPS) for e in range(len(EDGES))])
    gates = inputs.exact(torch.ones(len(EDGES)))
    states = apply_cell(Scope(params), s0, s1, [[(OPS[o], gates[e])] for e, o in enumerate(path)],
                        reduction, reduce_first)
    for state in states:
        state.retain_grad()
    y = torch.cat(states[INPUTS:], -1)
    dy = inputs.normal(*y.shape)
    y.backward(dy)
    nodes = {str(i): s for i, s in enumerate(states)}
    return ({"s0": s0, "s1": s1, "path": path, "gates": gates, "y": y, "dy": dy, "ds0": s0.grad, "ds1": s1.grad,
             "dgates": gates.grad}
            | named("node", nodes) | gradients("dnode", nodes) | named("param", params) | gradients("grad", params))
