"""The search space's network in PyTorch, written for values, not for speed.

Everything is a function of a `Scope`, a view into a flat dict of tensors by name. Tensors have the layouts that the
Rust side reads (activations [n,h,w,c], depthwise [k,k,c], pointwise [ci,co], dense [kh,kw,ci,co], linear [in,out]), and
are permuted to PyTorch's own only where an op of PyTorch is called, so gradients come back in the stored layout, too.
"""
import torch
import torch.nn.functional as F

OPS = ["none", "max_pool_3x3", "avg_pool_3x3", "skip_connect",
       "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"]
MORE_OPS = ["sep_conv_7x7", "conv_7x1_1x7", "nor_conv_1x1", "nor_conv_3x3"]
INPUTS, NODES = 2, 4
EDGES = [(source, target) for target in range(INPUTS, INPUTS + NODES) for source in range(target)]


class Scope:
    """The tensors below a prefix. `running` holds BatchNorm's running statistics, None where they are not kept."""

    def __init__(self, tensors, running=None, training=True, prefix=""):
        self.tensors, self.running, self.training, self.prefix = tensors, running, training, prefix

    def at(self, name):
        return Scope(self.tensors, self.running, self.training, f"{self.prefix}{name}.")

    def __getitem__(self, name):
        return self.tensors[self.prefix + name]

    def norm(self, x):
        """BatchNorm `bn` of this scope; affine if it has a gamma."""
        gamma, beta = (self.tensors.get(f"{self.prefix}bn.{n}") for n in ("gamma", "beta"))
        mean = var = None
        if self.running is not None:
            like = x.detach().new_zeros(x.shape[-1])
            mean = self.running.setdefault(f"{self.prefix}bn.running_mean", like)
            var = self.running.setdefault(f"{self.prefix}bn.running_var", like + 1)
        y = F.batch_norm(nchw(x), mean, var, gamma, beta, self.training, momentum=0.1, eps=1e-5)
        return nhwc(y)


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def conv(x, w, stride=1):
    """Dense convolution, w [kh,kw,ci,co], padded to keep the size at stride 1."""
    pad = [(k - 1) // 2 for k in w.shape[:2]]
    return nhwc(F.conv2d(nchw(x), w.permute(3, 2, 0, 1), stride=stride, padding=pad))


def pointwise(x, w, stride=1):
    return conv(x, w[None, None], stride)


def depthwise(x, w, stride, dilation):
    pad = dilation * (w.shape[0] - 1) // 2
    weight = w.permute(2, 0, 1)[:, None]
    return nhwc(F.conv2d(nchw(x), weight, None, stride, pad, dilation, groups=w.shape[2]))


def factorised_reduce(scope, x):
    """Half of the channels from the even pixels, half from the odd ones; pixels beyond the border are zeros."""
    x = F.relu(x)
    shifted = F.pad(x[:, 1:, 1:], (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
    halves = [pointwise(x, scope["conv_1"], 2), pointwise(shifted, scope["conv_2"], 2)]
    return scope.norm(torch.cat(halves, -1))


def relu_conv_bn(scope, x):
    return scope.norm(pointwise(F.relu(x), scope["conv"]))


def relu_depthwise_pointwise_bn(scope, x, stride, dilation):
    x = depthwise(F.relu(x), scope["depthwise"], stride, dilation)
    return scope.norm(pointwise(x, scope["pointwise"]))


def max_pool(x, stride):
    return nhwc(F.max_pool2d(nchw(x), 3, stride, 1))


def avg_pool(x, stride):
    return nhwc(F.avg_pool2d(nchw(x), 3, stride, 1, count_include_pad=False))


def op_shapes(op, c, stride, affine=False):
    """Names and shapes of an op's parameters."""
    bn = {"bn.gamma": (c,), "bn.beta": (c,)} if affine else {}
    if op == "skip_connect" and stride == 2:
        return {"conv_1": (c, c // 2), "conv_2": (c, c - c // 2), **bn}
    if op.startswith(("sep_conv", "dil_conv")):
        k = int(op[-1])
        stage = {"depthwise": (k, k, c), "pointwise": (c, c), **bn}
        return {f"{i}.{n}": s for i in range(2 if op.startswith("sep") else 1) for n, s in stage.items()}
    if op.startswith("nor_conv"):
        return {"conv": (int(op[-1]), int(op[-1]), c, c), **bn}
    if op == "conv_7x1_1x7":
        return {"conv_1x7": (1, 7, c, c), "conv_7x1": (7, 1, c, c), **bn}
    return {}


def apply_op(op, scope, x, stride, pool_norm=True):
    """Output of an op. In the search pooling is followed by BatchNorm (`pool_norm`), in retraining it is not."""
    if op == "none":
        return x[:, ::stride, ::stride] * 0.0
    if op in ("max_pool_3x3", "avg_pool_3x3"):
        y = (max_pool if op.startswith("max") else avg_pool)(x, stride)
        return scope.norm(y) if pool_norm else y
    if op == "skip_connect":
        return x if stride == 1 else factorised_reduce(scope, x)
    if op.startswith("sep_conv"):
        x = relu_depthwise_pointwise_bn(scope.at(0), x, stride, 1)
        return relu_depthwise_pointwise_bn(scope.at(1), x, 1, 1)
    if op.startswith("dil_conv"):
        return relu_depthwise_pointwise_bn(scope.at(0), x, stride, 2)
    if op.startswith("nor_conv"):
        return scope.norm(conv(F.relu(x), scope["conv"], stride))
    if op == "conv_7x1_1x7":
        x = conv(F.relu(x), scope["conv_1x7"], (1, stride))
        return scope.norm(conv(x, scope["conv_7x1"], (stride, 1)))
    raise ValueError(op)


def edge_stride(source, reduction):
    return 2 if reduction and source < INPUTS else 1


def cell_shapes(channels_in, c, reduction, reduce_first):
    """Names and shapes of a search cell's parameters; `channels_in` are those of its two inputs."""
    first, second = channels_in
    shapes = {"preprocess.1.conv": (second, c)}
    if reduce_first:
        shapes |= {"preprocess.0.conv_1": (first, c // 2), "preprocess.0.conv_2": (first, c - c // 2)}
    else:
        shapes["preprocess.0.conv"] = (first, c)
    for e, (source, _) in enumerate(EDGES):
        for op in OPS:
            of_op = op_shapes(op, c, edge_stride(source, reduction))
            shapes |= {f"edges.{e}.{op}.{n}": s for n, s in of_op.items()}
    return shapes


def apply_cell(scope, s0, s1, gates, reduction, reduce_first):
    """All node states of a search cell. `gates[e]` lists the (op, gate) pairs that edge e runs."""
    pre = scope.at("preprocess.0")
    states = [factorised_reduce(pre, s0) if reduce_first else relu_conv_bn(pre, s0),
              relu_conv_bn(scope.at("preprocess.1"), s1)]
    for target in range(INPUTS, INPUTS + NODES):
        terms = []
        for e, (source, to) in enumerate(EDGES):
            if to == target:
                stride = edge_stride(source, reduction)
                for op, gate in gates[e]:
                    terms.append(gate * apply_op(op, scope.at(f"edges.{e}.{op}"), states[source], stride))
        states.append(sum(terms[1:], terms[0]))
    return states


class Supernet:
    """Stem, `cells` search cells with reductions at L/3 and 2L/3, global average, classifier."""

    def __init__(self, channels, cells, classes):
        before = last = 3 * channels
        self.shapes = {"stem.conv": (3, 3, 3, last), "stem.bn.gamma": (last,), "stem.bn.beta": (last,)}
        self.cells, c, reduced = [], channels, False
        for i in range(cells):
            reduction = i in (cells // 3, 2 * cells // 3)
            c *= 2 if reduction else 1
            of_cell = cell_shapes((before, last), c, reduction, reduced)
            self.shapes |= {f"cells.{i}.{n}": s for n, s in of_cell.items()}
            self.cells.append((reduction, reduced))
            before, last, reduced = last, NODES * c, reduction
        self.shapes |= {"classifier.weight": (last, classes), "classifier.bias": (classes,)}

    def logits(self, weights, images, gates):
        """`gates[kind]` for kind 0 (normal) and 1 (reduce), shared by all cells of the kind."""
        scope = Scope(weights)
        s0 = s1 = stem(scope, images)
        for i, (reduction, reduce_first) in enumerate(self.cells):
            states = apply_cell(scope.at(f"cells.{i}"), s0, s1, gates[int(reduction)], reduction, reduce_first)
            s0, s1 = s1, torch.cat(states[INPUTS:], -1)
        return classifier(scope, s1)


def stem(scope, images):
    return scope.at("stem").norm(conv(images, scope["stem.conv"]))


def classifier(scope, x):
    return F.linear(x.mean((1, 2)), scope["classifier.weight"].t(), scope["classifier.bias"])


def auxiliary(scope, x, stride):
    """The auxiliary head of the DARTS code, `1.conv` as [2*2*ci, co]; the last BatchNorm is there if it has a gamma."""
    x = nhwc(F.avg_pool2d(nchw(F.relu(x)), 5, stride, padding=0, count_include_pad=False))
    x = F.relu(scope.at(0).norm(pointwise(x, scope["0.conv"])))
    weight = scope["1.conv"].reshape(2, 2, x.shape[-1], -1)
    x = nhwc(F.conv2d(nchw(x), weight.permute(3, 2, 0, 1)))
    x = scope.at(1).norm(x) if "1.bn.gamma" in scope.tensors else x
    return classifier(scope, F.relu(x))
