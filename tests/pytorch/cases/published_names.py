"""A network for CIFAR under the names that DARTS' published code gives its tensors (`NetworkCIFAR`), in evaluation mode.

Written anew as modules: only the names, the order of the layers and the shapes are those of that code.
"""
import torch
from torch import nn

from recorder import named

FILE = "published_names.safetensors"
CHANNELS, CELLS, CLASSES, SIZE = 4, 6, 5, 16
# Every op of that code that has a place in a found cell, each node's pair in an order of its own.
NORMAL = [("sep_conv_3x3", 1), ("skip_connect", 0), ("dil_conv_5x5", 0), ("max_pool_3x3", 2),
          ("sep_conv_5x5", 3), ("conv_7x1_1x7", 1), ("avg_pool_3x3", 0), ("sep_conv_7x7", 4)]
REDUCE = [("skip_connect", 1), ("max_pool_3x3", 0), ("sep_conv_3x3", 0), ("skip_connect", 2),
          ("dil_conv_3x3", 1), ("conv_7x1_1x7", 0), ("avg_pool_3x3", 1), ("dil_conv_5x5", 3)]
CONCAT = [2, 3, 4, 5]


def record(recorder):
    recorder.case("published_names", values)


def values(inputs):
    net = Network()
    state = net.state_dict()
    for name in sorted(state):
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
        elif state[name].dim() > 1:
            state[name] = inputs.normal(*state[name].shape, std=(2 / state[name][0].numel()) ** 0.5).detach()
        elif name.endswith("running_var"):
            state[name] = inputs.normal(*state[name].shape).detach().abs() + 0.5
        else:
            mean = 1.0 if name.endswith("weight") else 0.0
            state[name] = inputs.normal(*state[name].shape, mean=mean, std=0.2).detach()
    images = inputs.normal(3, SIZE, SIZE, 3).detach()
    net = net.to(inputs.dtype).eval()
    net.load_state_dict(state)
    return named("state", state) | {"images": images, "logits": net(images.permute(0, 3, 1, 2)).detach()}


def conv(before, channels, kernel, stride=1, dilation=1, groups=1):
    kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
    stride = (stride, stride) if isinstance(stride, int) else stride
    padding = tuple(dilation * (k - 1) // 2 for k in kernel)
    return nn.Conv2d(before, channels, kernel, stride, padding, dilation, groups, bias=False)


class Op(nn.Module):
    """What that code keeps as `op`: the layers one after the other."""

    def __init__(self, *layers):
        super().__init__()
        self.op = nn.Sequential(*layers)

    def forward(self, x):
        return self.op(x)


def relu_conv_bn(before, channels):
    return Op(nn.ReLU(), conv(before, channels, 1), nn.BatchNorm2d(channels))


def separable(channels, kernel, stride, dilation=1):
    return [nn.ReLU(), conv(channels, channels, kernel, stride, dilation, groups=channels),
            conv(channels, channels, 1), nn.BatchNorm2d(channels)]


class FactorizedReduce(nn.Module):
    def __init__(self, before, channels):
        super().__init__()
        self.conv_1, self.conv_2 = conv(before, channels // 2, 1, 2), conv(before, channels // 2, 1, 2)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x):
        x = torch.relu(x)
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(x[:, :, 1:, 1:])], 1))


def op(name, channels, stride):
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, 1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, 1, count_include_pad=False)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels)
    if name == "conv_7x1_1x7":
        return nn.Sequential(nn.ReLU(), conv(channels, channels, (1, 7), (1, stride)),
                             conv(channels, channels, (7, 1), (stride, 1)), nn.BatchNorm2d(channels))
    kernel = int(name[-1])
    if name.startswith("dil_conv"):
        return Op(*separable(channels, kernel, stride, dilation=2))
    return Op(*separable(channels, kernel, stride), *separable(channels, kernel, 1))


class Cell(nn.Module):
    def __init__(self, before, last, channels, reduction, reduced):
        super().__init__()
        self.preprocess0 = (FactorizedReduce if reduced else relu_conv_bn)(before, channels)
        self.preprocess1 = relu_conv_bn(last, channels)
        self.pairs = REDUCE if reduction else NORMAL
        self._ops = nn.ModuleList(op(name, channels, 2 if reduction and source < 2 else 1)
                                  for name, source in self.pairs)

    def forward(self, s0, s1):
        states = [self.preprocess0(s0), self.preprocess1(s1)]
        for node in range(len(self.pairs) // 2):
            terms = [self._ops[i](states[self.pairs[i][1]]) for i in (2 * node, 2 * node + 1)]
            states.append(terms[0] + terms[1])
        return torch.cat([states[i] for i in CONCAT], 1)


class AuxiliaryHead(nn.Module):
    """Narrower than the published one, and never run: a file of weights has it, and evaluation has no use for it."""

    def __init__(self, channels):
        super().__init__()
        self.features = nn.Sequential(nn.ReLU(), nn.AvgPool2d(2), conv(channels, 6, 1), nn.BatchNorm2d(6), nn.ReLU(),
                                      nn.Conv2d(6, 8, 2, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.classifier = nn.Linear(8, CLASSES)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        before = last = 3 * CHANNELS
        self.stem = nn.Sequential(conv(3, last, 3), nn.BatchNorm2d(last))
        self.cells, channels, reduced = nn.ModuleList(), CHANNELS, False
        for index in range(CELLS):
            reduction = index in (CELLS // 3, 2 * CELLS // 3)
            channels *= 2 if reduction else 1
            self.cells.append(Cell(before, last, channels, reduction, reduced))
            before, last, reduced = last, len(CONCAT) * channels, reduction
            if index == 2 * CELLS // 3:
                self.auxiliary_head = AuxiliaryHead(last)
        self.classifier = nn.Linear(last, CLASSES)

    def forward(self, x):
        s0 = s1 = self.stem(x)
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1)
        return self.classifier(s1.mean((2, 3)))
