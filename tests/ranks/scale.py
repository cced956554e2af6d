"""How long a step takes on many ranks: a model, from what `eoinas bench step --json` measured on a few.

    eoinas bench step --threads 1 --json >> steps.jsonl
    mpirun -n 2 --bind-to core eoinas bench step --threads 1 --json >> steps.jsonl
    mpirun -n 4 --oversubscribe eoinas bench step --threads 1 --json >> steps.jsonl
    python3 tests/ranks/scale.py steps.jsonl

T(R) = serial + parallel * share(R) + time of what is exchanged. share(R) is the largest part of the batch's 32 pieces that a rank
has. `parallel` and `serial` are those of the line through the times of 1 and 2 ranks without what they exchange. A gather of B
bytes takes ceil(log2 R) latencies and B (R - 1) / R over the bandwidth; an exchange R - 1 latencies and its bytes likewise. Two
networks are assumed, one has the values that the two ranks measured among themselves. Needs no packages.
"""

import json
import math
import sys

PIECES = 32
# Latency in seconds, bytes a second: what such networks are sold as.
NETWORKS = {"Ethernet, 25 us, 10 Gb/s": (25e-6, 1.25e9), "InfiniBand, 2 us, 100 Gb/s": (2e-6, 12.5e9)}


def share(ranks, pieces=PIECES):
    """The largest part of the pieces that one of so many ranks has; all of them where there are too few."""
    return math.ceil(pieces / ranks) / pieces if ranks <= pieces else 1.0


def exchanged(two, ranks, latency, bandwidth):
    """Seconds of what a step exchanges, from what one of two ranks did."""
    if ranks == 1 or ranks > PIECES:
        return 0.0
    gathers, exchanges = two["gathers"], two["exchanges"]
    # All pieces of half of the weights; of so many ranks each adds up its own part.
    pieces_of_weights = 2 * two["exchanged_kib"] * 1024
    gathered = two["gathered_kib"] * 1024 + pieces_of_weights / ranks
    messages = gathers * math.ceil(math.log2(ranks)) + exchanges * (ranks - 1)
    return messages * latency + gathered * (ranks - 1) / ranks / bandwidth


def main(path):
    lines = [json.loads(line) for line in open(path) if line.strip()]
    by_ranks = {line.get("ranks", 1): line for line in lines}
    one, two = by_ranks[1], by_ranks[2]
    alone, halved = one["step_ms"] / 1e3, (two["step_ms"] - two["exchange_ms"]) / 1e3
    parallel = min(2 * max(alone - halved, 0.0), alone)
    serial = alone - parallel
    print(f"batch {one['batch']}, C = {one['channels']}, {one['cells']} cells, {one['path']} path, {one['threads']} thread(s)")
    print(f"a step exchanges {two['gathers']:.0f} gathers of {two['gathered_kib'] / 1024:.2f} MiB in all and "
          f"{two['exchanges']:.0f} exchanges of {two['exchanged_kib'] / 1024:.2f} MiB")
    print(f"measured among two ranks here: {two['latency_us']} us a call, {two['mib_per_s']} MiB/s")
    print(f"fitted: {1e3 * serial:.1f} ms serial, {1e3 * parallel:.1f} ms over the ranks")
    here = (two["latency_us"] * 1e-6, max(two["mib_per_s"], 1) * 2**20)
    networks = {"as measured here": here, **NETWORKS}
    print("| ranks | measured, ms |" + "".join(f" {name} |" for name in networks))
    print("|---|---|" + "---|" * len(networks))
    for ranks in [1, 2, 4, 8, 16, 32, 64]:
        measured = f"{by_ranks[ranks]['step_ms']:.0f}" if ranks in by_ranks else ""
        cells = []
        for latency, bandwidth in networks.values():
            if ranks > PIECES:
                cells.append("refused")
                continue
            seconds = serial + parallel * share(ranks) + exchanged(two, ranks, latency, bandwidth)
            cells.append(f"{1e3 * seconds:.0f} ms, {alone / seconds:.1f}x")
        print(f"| {ranks} | {measured} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(sys.argv[1])
