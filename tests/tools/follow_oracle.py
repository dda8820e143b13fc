#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Graphs that change, and what `nereid ALGORITHM --updates` is to print of them: everything recomputed in every epoch.

usage: follow_oracle.py make SEED FOLDER                        writes graph.txt, updates.txt, vertices.txt, arguments.txt
       follow_oracle.py answer ALGORITHM FOLDER [--final] [--undirected] [--vertices] [--source V]
"""
import heapq
import random
import sys
from collections import Counter

UNREACHABLE = 9223372036854775807


def make(seed, folder):
    draw = random.Random(seed)
    ids = draw.sample([0, 1, 2, 3, 4, 5, 7, 9, 300, 65536, 2**32 - 1, 2**32, 2**53 + 1, 2**63, 2**64 - 1],
                      draw.randint(1, 12))
    live = []
    undirected = draw.random() < 0.4
    weights = [None, None, 1, 0, 0.25, 2.5, 7]

    def line(edge):
        separator = draw.choice([" ", "\t", ",", " , ", "  "])
        return separator.join(str(x) for x in edge if x is not None)

    def fresh():
        return (draw.choice(ids), draw.choice(ids), draw.choice(weights))

    def write(name, lines):
        with open(folder + "/" + name, "w", newline="") as file:
            for text in lines:
                file.write(text + draw.choice(["\n", "\n", "\r\n", "\r"]))
                if draw.random() < 0.05:
                    file.write(draw.choice(["# a comment\n", "\n", "  \n", "% another\n"]))

    graph = []
    for _ in range(draw.choice([0, 3, 30])):
        live.append(fresh())
        graph.append(line(live[-1]))
    updates = []
    for _ in range(draw.randint(0, 12)):
        for _ in range(draw.choice([0, 1, 1, 2, 5, 40])):
            if live and draw.random() < draw.choice([0.2, 0.5, 0.9]):
                edge = live.pop(draw.randrange(len(live)))
                if undirected and draw.random() < 0.5:
                    edge = (edge[1], edge[0], edge[2])
                if edge[2] in (None, 1):
                    edge = (edge[0], edge[1], draw.choice([None, 1]))
                updates.append("-" + draw.choice([" ", "\t", ","]) + line(edge))
            else:
                live.append(fresh())
                updates.append("+" + draw.choice([" ", "\t", "   "]) + line(live[-1]))
        updates.append("commit")
    if draw.random() < 0.5 and updates:
        updates.pop()
    write("graph.txt", graph)
    write("updates.txt", updates)
    write("vertices.txt", [str(draw.choice(ids)) for _ in range(draw.randint(0, 3))])
    with open(folder + "/arguments.txt", "w") as file:
        file.write("--source %d" % draw.choice(ids + [77]))
        file.write(" --undirected" if undirected else "")
        file.write(" --vertices vertices.txt" if draw.random() < 0.5 else "")


def lines_of(path):
    with open(path, newline="") as file:
        for text in file.read().replace("\r\n", "\n").replace("\r", "\n").split("\n"):
            columns = text.replace(",", " ").split()
            if columns and columns[0][0] not in "#%":
                yield columns


def edge_of(columns, weighted, undirected):
    u, v = int(columns[0]), int(columns[1])
    weight = float(columns[2]) if len(columns) > 2 and weighted else 1.0
    return (min(u, v), max(u, v), weight) if undirected else (u, v, weight)


def epochs(folder, weighted, undirected):
    live = Counter(edge_of(c, weighted, undirected) for c in lines_of(folder + "/graph.txt"))
    yield live
    pending = False
    for columns in lines_of(folder + "/updates.txt"):
        pending = columns[0] != "commit"
        if pending:
            live[edge_of(columns[1:], weighted, undirected)] += 1 if columns[0] == "+" else -1
        else:
            yield live
    if pending:
        yield live


def number(value):
    if value == float("inf"):
        return "Infinity"
    return next(text for text in ("%.15g" % value, "%.16g" % value, "%.17g" % value) if float(text) == value)


def search(vertices, out, source):
    best = {v: float("inf") for v in vertices}
    heap = []
    if source in best:
        best[source] = 0.0
        heap.append((0.0, source))
    while heap:
        distance, u = heapq.heappop(heap)
        if distance > best[u]:
            continue
        for v, weight in out[u]:
            if distance + weight < best[v]:
                best[v] = distance + weight
                heapq.heappush(heap, (best[v], v))
    return best


def components(vertices, edges):
    label = {v: v for v in vertices}
    moved = True
    while moved:
        moved = False
        for u, v, _ in edges:
            least = min(label[u], label[v])
            moved |= label[u] != least or label[v] != least
            label[u] = label[v] = least
    return label


def answer(algorithm, live, extra, undirected, source):
    there = [edge for edge, count in live.items() if count > 0]
    vertices = {x for u, v, _ in there for x in (u, v)} | extra
    edges = {edge for edge in there if edge[0] != edge[1]}
    if undirected:
        edges |= {(v, u, weight) for u, v, weight in edges}
    out = {v: [] for v in vertices}
    for u, v, weight in edges:
        out[u].append((v, weight))
    if algorithm == "degrees":
        n_in, n_out = Counter(v for _, v, _ in edges), Counter(u for u, _, _ in edges)
        return {v: "%d %d" % (n_out[v], n_in[v]) for v in vertices}
    if algorithm == "wcc":
        return {v: str(x) for v, x in components(vertices, edges).items()}
    best = search(vertices, out, source)
    if algorithm == "sssp":
        return {v: number(x) for v, x in best.items()}
    return {v: str(UNREACHABLE if x == float("inf") else int(x)) for v, x in best.items()}


def print_answers(algorithm, folder, options):
    undirected, final = "--undirected" in options, "--final" in options
    source = int(options[options.index("--source") + 1]) if "--source" in options else None
    extra = {int(c[0]) for c in lines_of(folder + "/vertices.txt")} if "--vertices" in options else set()
    before, now = {}, {}
    for epoch, live in enumerate(epochs(folder, algorithm == "sssp", undirected)):
        now = answer(algorithm, live, extra, undirected, source)
        for v in sorted(set(before) | set(now)) if not final else []:
            if before.get(v) != now.get(v):
                if v in before:
                    print(epoch, v, before[v], "-1")
                if v in now:
                    print(epoch, v, now[v], "+1")
        before = now
    for v in sorted(now) if final else []:
        print(v, now[v])


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(int(sys.argv[2]), sys.argv[3])
    else:
        print_answers(sys.argv[2], sys.argv[3], sys.argv[4:])
