"""How long a step takes on many ranks: a model, from what is exchanged in one and what it takes alone.

    mpirun -n 2 --bind-to core eoinas bench step --draw balanced --threads 1 --json > two.json
    python3 tests/ranks/scale.py two.json --one 934 --two 516
    python3 tests/ranks/scale.py two.json --one 934 --two 516 --threads 8
    python3 tests/ranks/scale.py two.json --one 934 --two 516 --measured 1:934 2:548 --svg docs/ranks.svg

`--one` and `--two` are milliseconds of a step of one process on one and two threads of a machine that does nothing else: the line
through them gives what does not become less with more threads or ranks, and what does. T(R) = serial * R / min(R, cores) + parallel *
share(R) * R / min(R, cores) / threads + exchanged(R), where share(R) is the largest part of the batch's 32 pieces that a rank has, and
all ranks have cores of their own but on the machine itself, of which `--cores` says how many it has. A gather of B bytes takes
ceil(log2 R) latencies and B (R - 1) / R over the bandwidth, an exchange R - 1 latencies and its bytes likewise. Needs no packages.
"""

import argparse
import json
import math

PIECES = 32
# Latency in seconds, bytes a second: what such networks are sold as.
NETWORKS = {"Ethernet (25 us, 10 Gb/s)": (25e-6, 1.25e9), "InfiniBand (2 us, 100 Gb/s)": (2e-6, 12.5e9)}
RANKS = [1, 2, 4, 8, 16, 32]


def share(ranks):
    """The largest part of the pieces that one of so many ranks has."""
    return math.ceil(PIECES / ranks) / PIECES


def exchanged(two, ranks, latency, bandwidth):
    """Seconds of what a step exchanges, from what each of two ranks did."""
    if ranks == 1:
        return 0.0
    # Of two ranks each gets all pieces of half of the weights.
    weights = 2 * two["exchanged_kib"] * 1024
    received = two["gathered_kib"] * 1024 + weights / ranks
    messages = two["gathers"] * math.ceil(math.log2(ranks)) + two["exchanges"] * (ranks - 1)
    return messages * latency + received * (ranks - 1) / ranks / bandwidth


class Model:
    """What a step takes."""

    def __init__(self, two, one, halved, threads):
        self.two, self.threads = two, threads
        self.parallel = 2 * (one - halved) / 1e3
        self.serial = one / 1e3 - self.parallel

    def seconds(self, ranks, network, cores=None):
        crowd = ranks / min(ranks, cores or ranks)
        computed = self.serial + self.parallel / self.threads * share(ranks)
        return crowd * computed + exchanged(self.two, ranks, *network)


def svg(model, measured):
    """Time over ranks, both by powers of two: the model's lines, and what was measured."""
    width, height, left, bottom = 560, 320, 60, 50
    x = lambda ranks: left + math.log2(ranks) / math.log2(RANKS[-1]) * (width - left - 20)
    y = lambda ms: height - bottom - (math.log2(ms) - 6) / (10 - 6) * (height - bottom - 30)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>',
           '<text x="60" y="16">milliseconds a step over ranks of one thread: model (lines), measured (dots)</text>']
    for ms in [64, 128, 256, 512, 1024]:
        out.append(f'<line x1="{left}" x2="{width - 20}" y1="{y(ms):.1f}" y2="{y(ms):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 8}" y="{y(ms) + 4:.1f}" text-anchor="end">{ms}</text>')
    for ranks in RANKS:
        out.append(f'<text x="{x(ranks):.1f}" y="{height - bottom + 18}" text-anchor="middle">{ranks}</text>')
    for (name, network), colour, row in zip(NETWORKS.items(), ["#c2571a", "#1f6fb4"], [0, 1]):
        points = " ".join(f"{x(ranks):.1f},{y(1e3 * model.seconds(ranks, network)):.1f}" for ranks in RANKS)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{left + 180 * row}" y="{height - 8}" fill="{colour}">{name}</text>')
    for ranks, ms in measured:
        out.append(f'<circle cx="{x(ranks):.1f}" cy="{y(ms):.1f}" r="4" fill="black"/>')
    return "\n".join(out + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("two", help="the JSON line of `bench step` on two ranks")
    parser.add_argument("--one", type=float, required=True)
    parser.add_argument("--two", dest="halved", type=float, required=True)
    parser.add_argument("--threads", type=int, default=1, help="of each rank")
    parser.add_argument("--cores", type=int, default=2, help="of the machine on which two ranks were measured")
    parser.add_argument("--measured", nargs="*", default=[], metavar="RANKS:MS", help="each rank with a core of its own")
    parser.add_argument("--svg", help="file for the picture")
    args = parser.parse_args()
    two = json.load(open(args.two))
    model = Model(two, args.one, args.halved, args.threads)
    print(f"{two['gathers']:.0f} gathers, {two['gathered_kib'] / 1024:.1f} MiB; {two['exchanges']:.0f} exchange of "
          f"{two['exchanged_kib'] / 1024:.1f} MiB among two; {1e3 * model.serial:.0f} ms serial, {1e3 * model.parallel:.0f} ms shared")
    if "latency_us" in two:
        here = (two["latency_us"] * 1e-6, two["mib_per_s"] * 2**20)
        of = ", ".join(f"{ranks}: {1e3 * model.seconds(ranks, here, args.cores):.0f} ms" for ranks in [1, 2, 4])
        print(f"on {args.cores} cores of one machine ({two['latency_us']:.0f} us, {two['mib_per_s']:.0f} MiB/s): {of}")
    alone = model.seconds(1, NETWORKS["Ethernet (25 us, 10 Gb/s)"])
    print("| ranks |" + "".join(f" {name} |" for name in NETWORKS))
    print("|---|" + "---|" * len(NETWORKS))
    for ranks in RANKS:
        times = [model.seconds(ranks, network) for network in NETWORKS.values()]
        print(f"| {ranks} |" + "".join(f" {1e3 * time:.0f} ms, {alone / time:.1f}x |" for time in times))
    if args.svg:
        measured = [tuple(map(float, point.split(":"))) for point in args.measured]
        open(args.svg, "w").write(svg(model, measured))


if __name__ == "__main__":
    main()
