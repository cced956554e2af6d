"""How near a computation comes to a kink, where float32's rounding could turn a gradient on or off."""
import math

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode


class KinkDistance(TorchFunctionMode):
    """Smallest distance, over all calls inside, from ReLU's zero and from a tie in max pooling.

    Exact zeros and exact ties are no danger: they are exact in any precision, and have defined gradients.
    """

    def __init__(self):
        super().__init__()
        self.smallest = math.inf

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is F.relu:
            self.see(args[0].detach())
        elif func is torch.max_pool2d:
            x, kernel, stride, padding = args[:4]
            padded = F.pad(x.detach(), [padding] * 4, value=-math.inf)
            windows = padded.unfold(2, kernel, stride).unfold(3, kernel, stride).flatten(4)
            first, second = windows.topk(2, -1).values.unbind(-1)
            self.see((first - second)[second.isfinite()])
        return func(*args, **(kwargs or {}))

    def see(self, distances):
        distances = distances[distances != 0].abs()
        if distances.numel():
            self.smallest = min(self.smallest, float(distances.min()))
