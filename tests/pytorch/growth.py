#!/usr/bin/env python3
"""How the time of a search step grows with batch, image, channels, cells and threads, beside another program's, as a picture.

    python3 growth.py --eoinas target/release/eoinas --baseline "python3 supernet.py --channels-last" --svg growth.svg

The baseline is any program that takes the flags --batch, --channels, --cells, --size, --threads, --steps, --warmup and --json of
`eoinas bench step` for the same network and draw, and prints a JSON line with `step_ms`. The two take turns at every point; --runs of
them are made, of which the medians count. Needs no packages, and a machine that does nothing else."""
import argparse
import json
import math
import shlex
import statistics
import subprocess

BASE = {"batch": 64, "channels": 16, "cells": 8, "size": 32, "threads": 2}
# What grows, with what else is not as in BASE.
GROWTH = {
    "images a batch": ("batch", [16, 32, 64, 128], {}),
    "pixels a side (batch 16)": ("size", [16, 32, 64], {"batch": 16}),
    "channels (batch 32)": ("channels", [8, 16, 32], {"batch": 32}),
    "cells (batch 32)": ("cells", [4, 8, 16], {"batch": 32}),
    "threads": ("threads", [1, 2], {}),
}
NAMES, COLOURS = ["EoiNAS", "PyTorch"], ["#1f6fb4", "#c2571a"]


def step_ms(command, flags, steps):
    arguments = [part for name, value in flags.items() for part in (f"--{name}", str(value))]
    line = subprocess.run(command + arguments + ["--steps", str(steps), "--warmup", "2", "--json"],
                          check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
    return json.loads(line)["step_ms"]


def measured(commands, flags, runs, steps):
    times = [[step_ms(command, flags, steps) for command in commands] for _ in range(runs)]
    return [statistics.median(of) for of in zip(*times)]


def panel(title, values, times, left):
    """One curve a program: milliseconds over a value, both by powers of two."""
    width, top, height = 190, 40, 220
    low, high = 4, 13
    x = lambda i: left + i * (width - 50) / max(len(values) - 1, 1)
    y = lambda ms: top + height * (1 - (math.log2(ms) - low) / (high - low))
    out = [f'<text x="{left}" y="{top - 12}">{title}</text>']
    for power in range(low, high + 1, 2):
        out.append(f'<line x1="{left}" x2="{left + width - 50}" y1="{y(2 ** power):.1f}" y2="{y(2 ** power):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 6}" y="{y(2 ** power) + 4:.1f}" text-anchor="end" fill="#555">{2 ** power}</text>')
    for i, value in enumerate(values):
        out.append(f'<text x="{x(i):.1f}" y="{top + height + 18}" text-anchor="middle">{value}</text>')
    for program, colour in enumerate(COLOURS):
        points = " ".join(f"{x(i):.1f},{y(of[program]):.1f}" for i, of in enumerate(times))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x(i):.1f}" cy="{y(of[program]):.1f}" r="3" fill="{colour}"/>' for i, of in enumerate(times)]
    for i, (ours, theirs) in enumerate(times):
        out.append(f'<text x="{x(i):.1f}" y="{y(theirs) - 8:.1f}" text-anchor="middle" fill="#555">{theirs / ours:.1f}x</text>')
    return out


def svg(rows):
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 310" font-family="sans-serif" font-size="12">',
           '<rect width="1000" height="310" fill="white"/>',
           '<text x="40" y="16" font-weight="bold">milliseconds a search step</text>']
    out += [f'<text x="{260 + 90 * i}" y="16" fill="{colour}">{name}</text>' for i, (name, colour) in enumerate(zip(NAMES, COLOURS))]
    for column, (title, values, times) in enumerate(rows):
        out += panel(title, values, times, 45 + 195 * column)
    return "\n".join(out + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--eoinas", default="eoinas")
    parser.add_argument("--baseline", required=True)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--svg")
    args = parser.parse_args()
    commands = [[args.eoinas, "bench", "step", "--draw", "balanced"], shlex.split(args.baseline)]
    known, rows = {}, []
    for title, (name, values, others) in GROWTH.items():
        times = []
        for value in values:
            flags = BASE | others | {name: value}
            key = tuple(flags.items())
            if key not in known:
                known[key] = measured(commands, flags, args.runs, args.steps)
            ours, theirs = known[key]
            print(f"{title:26} {value:4}  {ours:8.1f} ms  {theirs:8.1f} ms  {theirs / ours:4.1f} times", flush=True)
            times.append((ours, theirs))
        rows.append((title, values, times))
    if args.svg:
        with open(args.svg, "w", encoding="utf-8") as file:
            file.write(svg(rows))


if __name__ == "__main__":
    main()
