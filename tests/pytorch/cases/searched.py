"""Stages and motifs by their texts (NETWORKS.md): counts, logits in evaluation, and motifs' gradients of a pass in training.

As in `models.py` nothing but results is stored."""
import torch
from torch import nn
from torch.nn import functional as F

from recorder import as_arrays

from .models import gradients, logits
import model_counts

FILE = "searched.safetensors"
CLASSES = 5
# Text and the size of the images.
STAGES = [
    ("stage5-6:1-01 stage3-8:0-10-111 dense12", 16),
    # A node that is left out, a stage without connections, and one with a single node; the images end as one pixel.
    ("stage3-4:1-00-000-0100 stage1-5:0-00 stage3-6 dense9", 7),
]
MOTIFS = [
    # Every primitive; the cell joins what its motifs make.
    ("motifs6 1.2.3 4.5.6 3.1.0.0.2.6 | 1.3.2", 9),
    ("motifs8 3.0.6 1.4.2 | 1.2.1", 12),
    # Flat: joins of joins, the same value twice, and nodes on no path to the output.
    ("motifs4 6.6.6.2.0.3.0.0.1.0.0.0.5.1.0", 8),
    # Three levels, of which the first has a motif that passes nothing on.
    ("motifs5 1.0.0 0.2.0 | 1.2.2 2.2.2 | 1.0.2", 8),
]


def block(read, made, kernel, groups=1):
    return nn.Sequential(nn.Conv2d(read, made, kernel, 1, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(made), nn.ReLU())


class Separable(nn.Module):
    def __init__(self, read, made, stride=1):
        super().__init__()
        self.depthwise = nn.Conv2d(read, read, 3, stride, 1, groups=read, bias=False)
        self.pointwise = block(read, made, 1)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


class StageGraph(nn.Module):
    """Genetic CNN, section 3.1.1: nodes that read no other read the input node, the output node reads those that no other reads."""

    def __init__(self, word, read):
        super().__init__()
        sizes, _, bits = word.removeprefix("stage").partition(":")
        kernel, channels = map(int, sizes.split("-"))
        rows = [[]] + ([[i for i, bit in enumerate(row) if bit == "1"] for row in bits.split("-")] if bits else [])
        read_by_others = {source for row in rows for source in row}
        self.sources = {node: row for node, row in enumerate(rows) if row or node in read_by_others}
        self.ends = [node for node in self.sources if node not in read_by_others]
        self.channels = channels
        self.input = block(read, channels, kernel)
        self.nodes = nn.ModuleDict({str(node): block(channels, channels, kernel) for node in self.sources})
        self.output = block(channels, channels, kernel) if self.sources else None

    def forward(self, x):
        x, values = self.input(x), {}
        for node, sources in self.sources.items():
            values[node] = self.nodes[str(node)](sum(values[source] for source in sources) if sources else x)
        return self.output(sum(values[node] for node in self.ends)) if self.output else x


class Stages(nn.Module):
    def __init__(self, text, size):
        super().__init__()
        *words, dense = text.split()
        self.stages, read = nn.ModuleList(), 3
        for word in words:
            self.stages.append(StageGraph(word, read))
            read, size = self.stages[-1].channels, (size + 1) // 2
        units = int(dense.removeprefix("dense"))
        # Over one pixel the same as a linear layer.
        self.dense = nn.Conv2d(read, units, size, bias=True)
        self.classifier = nn.Linear(units, CLASSES)

    def forward(self, x):
        for stage in self.stages:
            x = F.max_pool2d(stage(x), 3, 2, 1)
        return self.classifier(F.dropout(self.dense(x).relu(), 0.5, self.training).flatten(1))


class MotifGraph(nn.Module):
    """Hierarchical NAS, section 2: each node joins what its edges bring; what does not lead to the last node is not made."""

    def __init__(self, levels, level, number, channels, read):
        super().__init__()
        ops = [int(op) for op in levels[level][number - 1].split(".")]
        edges, target, self.made = {}, 0, {0: read}
        while ops:
            target += 1
            edges[target] = [(source, op) for source, op in enumerate(ops[:target]) if op and passes(levels, level, op)]
            ops = ops[target:]
        self.last, wanted = target, {target}
        for node in range(target, 0, -1):
            wanted |= {source for source, _ in edges[node]} if node in wanted else set()
        self.edges, self.runs = [], nn.ModuleDict()
        for node in range(1, target + 1):
            for source, op in edges[node] if node in wanted else []:
                if source not in self.made:
                    continue
                run, made = edge(levels, level, op, channels, self.made[source])
                self.made[node] = self.made.get(node, 0) + made
                self.runs[f"{source}-{node}"] = run
                self.edges.append((source, node))
        # All but the cell are followed by a convolution to as many channels as they read.
        self.out = block(self.made[target], read, 1) if level + 1 < len(levels) else None
        self.channels = read if self.out else self.made[target]

    def forward(self, x):
        values = {0: [x]}
        for source, node in self.edges:
            values.setdefault(node, []).append(self.runs[f"{source}-{node}"](torch.cat(values[source], 1)))
        x = torch.cat(values[self.last], 1)
        return self.out(x) if self.out else x


def passes(levels, level, op):
    """Whether an op of the level's edges has a path through it."""
    if level == 0:
        return True
    ops, reached, target = [int(op) for op in levels[level - 1][op - 1].split(".")], {0}, 0
    while ops:
        target += 1
        if any(op and source in reached and passes(levels, level - 1, op) for source, op in enumerate(ops[:target])):
            reached.add(target)
        ops = ops[target:]
    return target in reached


def edge(levels, level, op, channels, read):
    """The module of an edge, and the channels that it makes."""
    if level > 0:
        motif = MotifGraph(levels, level - 1, op, channels, read)
        return motif, motif.channels
    return {
        1: lambda: (block(read, channels, 1), channels),
        2: lambda: (block(read, read, 3, groups=read), read),
        3: lambda: (Separable(read, channels), channels),
        4: lambda: (nn.MaxPool2d(3, 1, 1), read),
        5: lambda: (nn.AvgPool2d(3, 1, 1), read),
        6: lambda: (nn.Identity(), read),
    }[op]()


class Motifs(nn.Module):
    def __init__(self, text, _):
        super().__init__()
        head, rest = text.split(" ", 1)
        channels, levels = int(head.removeprefix("motifs")), [level.split() for level in rest.split("|")]
        layers, read = [block(3, channels, 3)], channels
        for stride in (2, 2, 1):
            cell = MotifGraph(levels, len(levels) - 1, 1, channels, read)
            channels *= stride
            layers += [cell, Separable(cell.channels, channels, stride)]
            read = channels
        self.layers, self.classifier = nn.Sequential(*layers), nn.Linear(read, CLASSES)

    def forward(self, x):
        return self.classifier(self.layers(x).mean((2, 3)))


def record(recorder):
    for build, cases in ((Stages, STAGES), (Motifs, MOTIFS)):
        for text, size in cases:
            parameters, multiply_adds = model_counts.count(build(text, size), size)
            values = {"size": size, "parameters": parameters, "multiply_adds": multiply_adds}
            values |= logits(build(text, size).double(), size)
            if build is Motifs:
                found = gradients(build(text, size).double(), size)
                values |= found
            recorder.tensors |= {f"{text}/{what}": value for what, value in as_arrays(values).items()}
