#!/usr/bin/env python3
"""Images a second of PyTorch with the network of a DARTS cell on the CPU, in training passes (forward and backward), and the
memory that takes.

    python cell_speed.py --threads 2 --batch 64
    python cell_speed.py --channels 16 --cells 8 --genotype FILE

Needs torch. Beside it: eoinas bench inference darts-v2 --train --threads 2 --batch 64. In CIFAR's form, without auxiliary head and
dropped paths; every tensor is kept that autograd keeps."""
import argparse
import re
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

DARTS_V2 = """Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1),
('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5],
reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0),
('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"""


def cells_of(text):
    """The (op, source) pairs of the normal and the reduction cell."""
    def of(name):
        body = re.search(name + r"\s*=\s*\[(.*?)\]", text, re.S).group(1)
        return [(op, int(source)) for op, source in re.findall(r"\('(\w+)',\s*(\d+)\)", body)]
    return of("normal"), of("reduce")


def depthwise(c, kernel, stride, dilation):
    return nn.Conv2d(c, c, kernel, stride, dilation * (kernel - 1) // 2, dilation, groups=c, bias=False)


def relu_conv_bn(c_in, c):
    return nn.Sequential(nn.ReLU(), nn.Conv2d(c_in, c, 1, bias=False), nn.BatchNorm2d(c))


class FactorizedReduce(nn.Module):
    def __init__(self, c_in, c):
        super().__init__()
        self.first = nn.Conv2d(c_in, c // 2, 1, 2, bias=False)
        self.second = nn.Conv2d(c_in, c - c // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(c)

    def forward(self, x):
        x = F.relu(x)
        return self.norm(torch.cat([self.first(x), self.second(x[:, :, 1:, 1:])], 1))


def make(op, c, stride):
    kernel = int(op[-1]) if op[-1].isdigit() else 0
    if op == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(c, c)
    if op == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, 1)
    if op == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, 1, count_include_pad=False)
    layers = [nn.ReLU(), depthwise(c, kernel, stride, 2 if op.startswith("dil") else 1), nn.Conv2d(c, c, 1, bias=False),
              nn.BatchNorm2d(c)]
    if op.startswith("sep"):
        layers += [nn.ReLU(), depthwise(c, kernel, 1, 1), nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c)]
    return nn.Sequential(*layers)


class Cell(nn.Module):
    def __init__(self, choices, c_before, c_in, c, reduction, reduced_before):
        super().__init__()
        first = FactorizedReduce(c_before, c) if reduced_before else relu_conv_bn(c_before, c)
        self.preprocess = nn.ModuleList([first, relu_conv_bn(c_in, c)])
        self.sources = [source for _, source in choices]
        self.ops = nn.ModuleList([make(op, c, 2 if reduction and source < 2 else 1) for op, source in choices])

    def forward(self, before, x):
        states = [self.preprocess[0](before), self.preprocess[1](x)]
        for node in range(len(self.ops) // 2):
            terms = [self.ops[i](states[self.sources[i]]) for i in (2 * node, 2 * node + 1)]
            states.append(terms[0] + terms[1])
        return torch.cat(states[2:], 1)


class Network(nn.Module):
    def __init__(self, genotype, c, layers, classes=10):
        super().__init__()
        normal, reduce = cells_of(genotype)
        self.stem = nn.Sequential(nn.Conv2d(3, 3 * c, 3, padding=1, bias=False), nn.BatchNorm2d(3 * c))
        before, now, reduced, self.cells = 3 * c, 3 * c, False, nn.ModuleList()
        for layer in range(layers):
            reduction = layer in (layers // 3, 2 * layers // 3)
            c *= 2 if reduction else 1
            self.cells.append(Cell(reduce if reduction else normal, before, now, c, reduction, reduced))
            before, now, reduced = now, 4 * c, reduction
        self.classifier = nn.Linear(now, classes)

    def forward(self, x):
        before = x = self.stem(x)
        for cell in self.cells:
            before, x = x, cell(before, x)
        return self.classifier(x.mean((2, 3)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genotype", help="a file with a cell in DARTS' text; without it DARTS V2")
    parser.add_argument("--channels", type=int, default=36)
    parser.add_argument("--cells", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--contiguous", action="store_true", help="the other layout, NCHW")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    genotype = open(args.genotype).read() if args.genotype else DARTS_V2
    form = torch.contiguous_format if args.contiguous else torch.channels_last
    network = Network(genotype, args.channels, args.cells).to(memory_format=form).train()
    images = torch.randn(args.batch, 3, 32, 32).contiguous(memory_format=form)
    labels, times = torch.zeros(args.batch, dtype=torch.long), []
    for run in range(args.runs + 1):
        start = time.perf_counter()
        network.zero_grad(set_to_none=True)
        F.cross_entropy(network(images), labels).backward()
        if run:
            times.append(time.perf_counter() - start)
    parameters = sum(p.numel() for p in network.parameters())
    print(f"{parameters} parameters, {args.batch / statistics.median(times):.1f} images/s in training, "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
