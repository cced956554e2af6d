"""Seeded inputs, and the file that inputs and results are collected in.

Every case is computed in float64 from inputs that are exact in float32, and stored as float32. A draw of inputs is
thrown away for the next one where float32 cannot be expected to agree: where PyTorch's own float32 result is further
than `TOLERANCE` from float64, or a ReLU or a max pooling comes nearer than `KINK_DISTANCE` to where its gradient jumps.
"""
import math
import zlib

import numpy as np
import torch
from safetensors.numpy import save_file

from conditioning import KinkDistance

TOLERANCE = 1e-5
KINK_DISTANCE = 5e-6
ATTEMPTS = 100


class Inputs:
    """Random inputs of one case. Its generator is seeded by the case's name, so cases do not disturb each other."""

    def __init__(self, case, attempt, dtype):
        self.generator = torch.Generator().manual_seed(zlib.crc32(f"{case}#{attempt}".encode()))
        self.dtype = dtype

    def exact(self, values):
        """`values` rounded to float32, as a leaf that wants a gradient."""
        return values.detach().float().to(self.dtype).requires_grad_()

    def normal(self, *shape, mean=0.0, std=1.0):
        return self.exact(torch.randn(shape, generator=self.generator) * std + mean)

    def uniform(self, *shape):
        return torch.rand(shape, generator=self.generator, dtype=torch.float64).clamp(1e-6, 1 - 1e-6)

    def integers(self, high, *shape):
        return torch.randint(high, shape, generator=self.generator)

    def gumbel(self, *shape):
        return self.exact(-torch.log(-torch.log(self.uniform(*shape)))).detach()

    def parameters(self, shapes):
        """Convolutions scaled by their fan-in, BatchNorm near the identity."""
        tensors = {}
        for name, shape in shapes.items():
            if name.endswith("gamma"):
                tensors[name] = self.normal(*shape, mean=1.0, std=0.2)
            elif name.endswith(("beta", "bias")):
                tensors[name] = self.normal(*shape, std=0.2)
            else:
                fan_in = math.prod(shape[:2]) if name.endswith("depthwise") else math.prod(shape[:-1])
                tensors[name] = self.normal(*shape, std=math.sqrt(2 / fan_in))
        return tensors


def named(prefix, tensors):
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def gradients(prefix, tensors):
    return {f"{prefix}.{name}": t.grad for name, t in tensors.items() if t.grad is not None}


def snapshot(tensors):
    return {name: t.detach().clone() for name, t in tensors.items()}


class Recorder:
    """Collects the tensors of one file under the keys `case/what`."""

    def __init__(self):
        self.tensors, self.worst = {}, (0.0, "")

    def case(self, name, build, *args, accept=lambda values: True):
        """Records what `build(inputs, *args)` returns: a dict of tensors and numbers, of a draw that `accept` takes."""
        for attempt in range(ATTEMPTS):
            with KinkDistance() as kinks:
                exact = as_arrays(build(Inputs(name, attempt, torch.float64), *args))
            rough = as_arrays(build(Inputs(name, attempt, torch.float32), *args))
            if exact.keys() == rough.keys() and kinks.smallest >= KINK_DISTANCE and accept(exact):
                error = max((difference(exact[what], rough[what]), f"{name}/{what}") for what in exact)
                if error[0] <= TOLERANCE:
                    self.worst = max(self.worst, error)
                    self.tensors |= {f"{name}/{what}": value for what, value in exact.items()}
                    return
        raise SystemExit(f"{name}: no well-conditioned draw among {ATTEMPTS}")

    def save(self, path):
        save_file(self.tensors, path)
        error, key = self.worst
        print(f"{path.name}: {len(self.tensors)} tensors, {path.stat().st_size} bytes; PyTorch's float32 differs by at "
              f"most {error:.1e} of a tensor's largest value, in {key}")


def difference(exact, rough):
    """Largest difference, over the largest value of `exact`; infinite where counts differ or a value is not finite."""
    if exact.dtype != np.float32:
        return 0.0 if (exact == rough).all() else math.inf
    if not (np.isfinite(exact).all() and np.isfinite(rough).all()):
        return math.inf
    return float(np.abs(exact - rough).max(initial=0.0) / max(np.abs(exact).max(initial=0.0), 1e-6))


def as_arrays(values):
    """float32, or uint32 for what is counted."""
    arrays = {}
    for name, value in values.items():
        array = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        kind = np.float32 if np.issubdtype(array.dtype, np.floating) else np.uint32
        arrays[name] = np.array(array, dtype=kind, order="C")
    return arrays
