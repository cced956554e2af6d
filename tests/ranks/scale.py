"""How long a step takes on many ranks: a model, from what is exchanged in one and what it takes alone.

    mpirun -n 2 --bind-to none eoinas bench step --threads 1 --json > two.json
    python3 tests/ranks/scale.py two.json --one 1064 --two 552 --threads 8

`--one` and `--two` are milliseconds of a step of one process on one and two threads of a machine that does nothing else: the line
through them gives what does not become less with more threads or ranks, and what does. T(R) = serial + parallel / threads *
share(R) + exchanged(R), where share(R) is the largest part of the batch's 32 pieces that a rank has. A gather of B bytes takes
ceil(log2 R) latencies and B (R - 1) / R over the bandwidth, an exchange R - 1 latencies and its bytes likewise. Needs no packages.
"""

import argparse
import json
import math

PIECES = 32
# Latency in seconds, bytes a second: what such networks are sold as.
NETWORKS = {"Ethernet (25 us, 10 Gb/s)": (25e-6, 1.25e9), "InfiniBand (2 us, 100 Gb/s)": (2e-6, 12.5e9)}


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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("two", help="the JSON line of `bench step` on two ranks")
    parser.add_argument("--one", type=float, required=True)
    parser.add_argument("--two", dest="halved", type=float, required=True)
    parser.add_argument("--threads", type=int, default=1, help="of each rank")
    args = parser.parse_args()
    two = json.load(open(args.two))
    parallel = 2 * (args.one - args.halved) / 1e3
    serial = args.one / 1e3 - parallel
    print(f"{two['gathers']:.0f} gathers, {two['gathered_kib'] / 1024:.1f} MiB; {two['exchanges']:.0f} exchange of "
          f"{two['exchanged_kib'] / 1024:.1f} MiB among two; {1e3 * serial:.0f} ms serial, {1e3 * parallel:.0f} ms shared")
    alone = serial + parallel / args.threads
    print("| ranks |" + "".join(f" {name} |" for name in NETWORKS))
    print("|---|" + "---|" * len(NETWORKS))
    for ranks in [1, 2, 4, 8, 16, 32]:
        times = [serial + parallel / args.threads * share(ranks) + exchanged(two, ranks, *of) for of in NETWORKS.values()]
        print(f"| {ranks} |" + "".join(f" {1e3 * time:.0f} ms, {alone / time:.1f}x |" for time in times))


if __name__ == "__main__":
    main()
