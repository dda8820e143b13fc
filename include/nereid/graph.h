/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_GRAPH_H
#define NEREID_GRAPH_H

/** @file
 * Graphs: reading graph files edge by edge or whole, graphs in memory with dense vertex numbers,
 * graphs that change, generated graphs, and plain single-threaded algorithms to check answers
 * against.
 *
 * A vertex *id* is any unsigned 64-bit number, as it stands in a file. A graph in memory numbers
 * its vertices 0, 1, 2, ... in the order of their ids; that *dense* number fits 32 bits.
 *
 * Input formats, recognised by content: edge lists (`src dst [weight]`, separated by blanks, tabs
 * or commas; lines that begin with # or % and empty lines are skipped; lines end with a line feed,
 * a carriage return or both; columns after the third are ignored; with commas a first line of names
 * is skipped) and Matrix Market coordinate files (by their first line). Each may be compressed with
 * gzip or zstd. An error in a line is ND_INPUT with the message `FILE:LINE: cause`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/collection.h>
#include <nereid/dataflow.h>
#include <nereid/error.h>
#include <nereid/io.h>
#include <nereid/type.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* --- Edge by edge --- */

/** One line of a graph file. The weight is finite, and 1 where the line has none. */
typedef struct nd_edge {
    uint64_t src, dst;
    double weight;
} nd_edge;

/** What a file says of itself before its first edge; all zero for an edge list. */
typedef struct nd_edge_facts {
    bool is_matrix_market;
    bool is_symmetric; /* Matrix Market, symmetric: undirected unless the caller knows better */
    bool is_pattern;   /* Matrix Market, pattern: no weights */
    uint64_t n_rows, n_columns, n_entries;
} nd_edge_facts;

/** Reads the edges of one file in order, with memory that does not depend on the file. One thread
 * at a time. */
typedef struct nd_edge_reader nd_edge_reader;

/** Opens a graph file; `-` is standard input. Errors: ND_INPUT (missing, unreadable, a wrong Matrix
 * Market header), ND_NOMEM. */
ND_CHECKED nd_err nd_edge_reader_open(const char *path, nd_edge_reader **reader,
                                      nd_message *message);

/** Reads edges from `bytes`, which it takes, also on failure. Errors as above. */
ND_CHECKED nd_err nd_edge_reader_open_bytes(nd_reader *bytes, nd_edge_reader **reader,
                                            nd_message *message);

/** Fills `edges` with up to `capacity` edges and sets `*len`; zero is the end. On an error `edges`
 * and `*len` are undefined and the reader is only good for closing. Errors: ND_INPUT (a line that
 * does not parse, broken compression, a Matrix Market file with fewer or more entries than it
 * announces), ND_NOMEM. */
ND_CHECKED nd_err nd_edge_reader_next(nd_edge_reader *reader, nd_edge *edges, size_t capacity,
                                      size_t *len, nd_message *message);

/** From now on a negative weight is bad input. To be called before the first edge is read. */
void nd_edge_reader_refuse_negative(nd_edge_reader *reader);

/** What the file said before its first edge. Borrowed until close. */
const nd_edge_facts *nd_edge_reader_facts(const nd_edge_reader *reader);

/** Closes and frees; NULL is fine. */
void nd_edge_reader_close(nd_edge_reader *reader);

/* --- Graphs in memory --- */

/** A graph without duplicate edges and self-loops. Immutable once built, and *shared*: any number
 * of threads may read. */
typedef struct nd_graph nd_graph;

/** How a line of a graph file is read. */
typedef enum nd_direction { ND_AS_THE_FILE_SAYS, ND_DIRECTED, ND_UNDIRECTED } nd_direction;

/** Which neighbours a directed graph lists. Degrees are known both ways except that a graph of
 * out-lists alone has no in-degrees. */
typedef enum nd_lists { ND_OUT_LISTS, ND_IN_LISTS, ND_BOTH_LISTS } nd_lists;

/** How to read and build; all zero is a directed graph (Matrix Market: as its header says) without
 * weights. */
typedef struct nd_graph_options {
    nd_direction direction;
    bool keep_weights;         /* of equal edges the least weight stays */
    bool no_negative_weights;  /* a negative weight is bad input */
    nd_lists lists;            /* of a directed graph; an undirected one has the same both ways */
    unsigned n_threads;        /* that read and build; 0 is one, and then no thread is started */
    const char *vertices_path; /* a file of ids, one a line, that exist even without an edge; NULL:
                                  see nd_graph_read */

    /* Called now and then on the calling thread while reading: bytes (decompressed) and edges so
     * far. May be NULL. */
    void (*progress)(void *user, uint64_t n_bytes, uint64_t n_edges);
    void *user;
} nd_graph_options;

/** Sizes of a graph, and what was left out of it. An undirected edge counts once. */
typedef struct nd_graph_counts {
    uint32_t n_vertices;
    bool is_directed;
    bool has_weights;
    uint64_t n_edges;
    uint64_t n_duplicates; /* lines that repeated an edge */
    uint64_t n_self_loops; /* lines from a vertex to itself: the vertex exists, the edge does not */
} nd_graph_counts;

/** The neighbours of every vertex: those of `v` are targets[offsets[v]] to targets[offsets[v + 1] -
 * 1], ascending. */
typedef struct nd_adjacency {
    const uint64_t *offsets; /* n_vertices + 1 of them */
    const uint32_t *targets; /* dense numbers, offsets[n_vertices] of them */
    const double *weights;   /* one a target, or NULL */
} nd_adjacency;

/** Reads a whole graph. Where `path` ends in `.e` (or `.e.gz`, `.e.zst`: an LDBC pair) and no
 * vertices_path is given, the file of that name with `.v` is read for it if it exists: packed
 * alike, else `.v`, `.v.gz` or `.v.zst`. Peak memory for a graph without weights: 16 bytes a line
 * and 32 a vertex. Errors: ND_INPUT with file and line, ND_NOMEM. */
ND_CHECKED nd_err nd_graph_read(const char *path, const nd_graph_options *options, nd_graph **graph,
                                nd_message *message);

/** Frees a graph; NULL is fine. */
void nd_graph_destroy(nd_graph *graph);

/** Sizes. Borrowed as long as the graph lives, as is all below. */
const nd_graph_counts *nd_graph_get_counts(const nd_graph *graph);

/** The id of each dense number, ascending. */
const uint64_t *nd_graph_ids(const nd_graph *graph);

/** Finds the dense number of an id, in time logarithmic in vertices; false if there is no such
 * vertex. */
bool nd_graph_find(const nd_graph *graph, uint64_t id, uint32_t *dense);

/** Out-edges; of an undirected graph all edges, each in the lists of both ends. With ND_IN_LISTS
 * only the offsets are there, which give the degrees. */
nd_adjacency nd_graph_out(const nd_graph *graph);

/** In-edges; of an undirected graph the same as nd_graph_out. All NULL with ND_OUT_LISTS. */
nd_adjacency nd_graph_in(const nd_graph *graph);

/** Builds a graph from any mixture of files and edges in memory. One thread at a time. */
typedef struct nd_graph_builder nd_graph_builder;

/** `options` (NULL: all zero) is copied; what it points to is lent until finish or destroy. Errors:
 * ND_NOMEM. */
ND_CHECKED nd_err nd_graph_builder_create(const nd_graph_options *options,
                                          nd_graph_builder **builder);

/** Adds the edges of a graph file, and its `.v` file or vertices_path, as nd_graph_read does. A
 * direction left to the file is fixed by the first file. After an error the builder is only good
 * for destroying. */
ND_CHECKED nd_err nd_graph_builder_read(nd_graph_builder *builder, const char *path,
                                        nd_message *message);

/** Adds the edges that `bytes` holds; takes `bytes`, also on failure. Errors as
 * nd_graph_builder_read. */
ND_CHECKED nd_err nd_graph_builder_read_bytes(nd_graph_builder *builder, nd_reader *bytes,
                                              nd_message *message);

/** Adds the vertices that `bytes` names, one id a line; takes `bytes`, also on failure. Errors:
 * ND_INPUT, ND_NOMEM. */
ND_CHECKED nd_err nd_graph_builder_read_vertices(nd_graph_builder *builder, nd_reader *bytes,
                                                 nd_message *message);

/** Adds `len` edges. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_graph_builder_add(nd_graph_builder *builder, const nd_edge *edges, size_t len);

/** Adds `len` vertices that may have no edge. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_graph_builder_add_vertices(nd_graph_builder *builder, const uint64_t *ids,
                                                size_t len);

/** Builds the graph, in time linear in edges. The builder is empty afterwards, also on failure, and
 * is still to be destroyed. Errors: ND_NOMEM, ND_INPUT (more than 4294967294 vertices). */
ND_CHECKED nd_err nd_graph_builder_finish(nd_graph_builder *builder, nd_graph **graph,
                                          nd_message *message);

/** Frees a builder; NULL is fine. */
void nd_graph_builder_destroy(nd_graph_builder *builder);

/* --- Graphs that change --- */

/** Which files tell how a graph changes, and how they are read. Paths are lent until close. */
typedef struct nd_update_options {
    const char *graph_path;    /* epoch 0 */
    const char *vertices_path; /* as in nd_graph_options */
    const char *updates_path;  /* epochs 1, 2, ...; NULL: none */
    nd_direction direction;
    bool keep_weights;        /* an edge of another weight is another edge; else all weigh 1 */
    bool no_negative_weights; /* a negative weight is bad input */
} nd_update_options;

/** An edge that comes (`diff` is 1) or goes (-1). */
typedef struct nd_edge_update {
    nd_edge edge;
    int64_t diff;
} nd_edge_update;

/** Reads a graph file and then a file of updates: lines `+ src dst [weight]`, `- src dst [weight]`,
 * and `commit`, which ends an epoch; blanks, commas, comments, line ends and compression as in edge
 * lists. Edges are counted: one that has come twice must go twice. Memory is that of the edges that
 * are there. One thread at a time. */
typedef struct nd_update_reader nd_update_reader;

/** Opens the graph; the file of updates, which may be a pipe, is opened when epoch 0 is over.
 * Errors: ND_INPUT (a file is missing or unreadable, a wrong header), ND_NOMEM. */
ND_CHECKED nd_err nd_update_reader_open(const nd_update_options *options, nd_update_reader **reader,
                                        nd_message *message);

/** Reads updates from `bytes`, which it takes, also on failure, from epoch 1 on: there is no graph
 * before. Paths are not looked at. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_update_reader_open_bytes(nd_reader *bytes, const nd_update_options *options,
                                              nd_update_reader **reader);

/** Fills `updates` with up to `capacity` of one epoch, at least two, and sets `*len`, and
 * `*ends_epoch` if the epoch is over with them; neither is the end. Does not wait for more than it
 * takes to know that an epoch is over. An edge of an undirected graph comes, and goes, both ways; a
 * vertex without edges comes as an edge to itself. On an error the reader is only good for closing.
 * Errors: ND_INPUT (as nd_edge_reader_next; an edge goes that is not there), ND_NOMEM. */
ND_CHECKED nd_err nd_update_reader_next(nd_update_reader *reader, nd_edge_update *updates,
                                        size_t capacity, size_t *len, bool *ends_epoch,
                                        nd_message *message);

/** How many edges, each counted once, are there after what was read; self-loops do not count. */
uint64_t nd_update_reader_n_edges(const nd_update_reader *reader);

/** How many bytes, decompressed, of the updates were read. */
uint64_t nd_update_reader_n_bytes(const nd_update_reader *reader);

/** Builds the graph that is there after what was read. Errors: as nd_graph_builder_finish. */
ND_CHECKED nd_err nd_update_reader_build(const nd_update_reader *reader, nd_lists lists,
                                         nd_graph **graph, nd_message *message);

/** Closes and frees; NULL is fine. */
void nd_update_reader_close(nd_update_reader *reader);

/** The type of nd_edge. The key is the source. */
extern const nd_type nd_edge_type;

/** Feeds this worker's share of a graph that every worker of the process holds: all workers' shares
 * together are its edges, both ways if it is undirected, and an edge to itself for every vertex.
 * `edges` is an input of nd_edge_type; the graph has out-lists. */
void nd_graph_feed(nd_worker *worker, const nd_graph *graph, nd_input *edges);

/** Has the dataflow refused when it starts, unless all processes hold the same graph; with the same
 * weights, where they are kept. */
void nd_graph_agree(nd_dataflow *flow, const nd_graph *graph);

/* --- Generated graphs --- */

/** Kinds of generated graphs over 2^scale vertices.
 * Kron: the recursive matrix graph of the Graph500 benchmark (quadrants 0.57, 0.19, 0.19, 0.05; ids
 * scrambled). Uniform: both ends of each edge drawn evenly. Grid: a rectangle, an edge to the right
 * and one down. */
typedef enum nd_generator_kind { ND_KRON, ND_UNIFORM, ND_GRID } nd_generator_kind;

/** Which graph; the same options give the same edges on every machine. */
typedef struct nd_generator {
    nd_generator_kind kind;
    unsigned scale;  /* 2^scale vertices, at most ND_MAX_SCALE */
    uint64_t degree; /* edges a vertex, at most ND_MAX_DEGREE; a grid has its own */
    uint64_t seed;
    bool weights; /* whole numbers from 1 to 255 instead of 1 */
} nd_generator;

enum { ND_MAX_SCALE = 40, ND_MAX_DEGREE = 1 << 20 };

/** How many edges the graph has, duplicates and self-loops included; zero for options out of range.
 * Pure. */
uint64_t nd_generator_size(const nd_generator *generator);

/** Writes edges number `first` to `first + len - 1` to `edges`; each is a pure function of its
 * number, so pieces may be made anywhere, in any order. `first + len` is at most nd_generator_size.
 */
void nd_generator_edges(const nd_generator *generator, uint64_t first, size_t len, nd_edge *edges);

/* --- Algorithms --- */

/** Says that PageRank's damping is zero, since zero itself stands for the default. */
#define ND_NO_DAMPING (-1.0)

/** PageRank as LDBC Graphalytics defines it: synchronous, dangling mass spread evenly, ranks sum to
 * one. */
typedef struct nd_pagerank_options {
    uint32_t iterations; /* 0: 30, or 1,000 with a tolerance */
    double damping;      /* 0: 0.85; from 0 (ND_NO_DAMPING) to 1 */
    double tolerance; /* 0: none; else stop when the sum of |changes| of a round falls below it */

    /* Called on worker 0's thread after each iteration with the number done so far; may be NULL. */
    void (*progress)(void *user, uint32_t round);
    void *user;
} nd_pagerank_options;

/** A vertex and its rank. The key is the id. */
typedef struct nd_rank {
    uint64_t id;
    double rank;
} nd_rank;
extern const nd_type nd_rank_type;

/** PageRank of a graph that every worker of the process holds, alike in every process: a stream of
 * nd_rank at epoch 0, of each vertex once. Each worker gives a range of vertices, ascending by id,
 * the ranges ascending by worker. Every sum has a fixed order, so ranks are the same bits for any
 * number of workers. The graph, undirected or with in-lists, is lent until the dataflow is freed;
 * `options` (NULL: all zero) is copied. A mistake in building: a graph without in-lists. Cost: an
 * iteration is linear in edges and vertices; a worker holds four bytes for each edge into its range
 * and 16 for each vertex of the graph. */
nd_stream nd_pagerank(nd_scope *scope, const nd_graph *graph, const nd_pagerank_options *options);

/** A vertex and its degrees; undirected, the degree twice. The key is the id. */
typedef struct nd_degree {
    uint64_t id, out, in;
} nd_degree;
extern const nd_type nd_degree_type;

/** The degrees of a graph that every worker of the process holds: a stream of nd_degree at epoch 0,
 * in the order of nd_pagerank's. The graph is lent as there. A mistake in building: a graph without
 * in-lists. */
nd_stream nd_degrees(nd_scope *scope, const nd_graph *graph);

/* --- Algorithms on graphs that change ---
 *
 * Queries over a collection of nd_edge_type: the edges, as nd_update_reader_next gives them. Each
 * is there while its count is above zero; the vertices are the ends of edges, and edges from a
 * vertex to itself say nothing else. What comes out has one record of each vertex, and a change
 * costs what it changes.
 *
 * Those that loop also tell in which rounds of the loop something has changed: `*rounds`, unless
 * `rounds` is NULL, becomes a stream of their numbers (uint64_t, from 0 on), each once for all
 * epochs, on worker 0. */

/** A vertex and how many hops it is away from the source: ND_UNREACHABLE if it is not reached. The
 * key is the id. */
typedef struct nd_hops {
    uint64_t id, hops;
} nd_hops;
extern const nd_type nd_hops_type;
#define ND_UNREACHABLE ((uint64_t)INT64_MAX)

/** A vertex and the least sum of weights on a way from the source: infinite if there is none. The
 * key is the id. */
typedef struct nd_distance {
    uint64_t id;
    double distance;
} nd_distance;
extern const nd_type nd_distance_type;

/** A vertex and the least id that it is connected with, whichever way edges point. The key is the
 * id. */
typedef struct nd_component {
    uint64_t id, component;
} nd_component;
extern const nd_type nd_component_type;

/** How many edges leave and enter each vertex: a collection of nd_degree. */
nd_collection nd_degrees_follow(nd_collection edges);

/** Breadth-first search along edges: a collection of nd_hops. A source that is no vertex reaches
 * nothing. */
nd_collection nd_bfs_follow(nd_collection edges, uint64_t source, nd_stream *rounds);

/** Shortest paths by weight: a collection of nd_distance. Weights must not be negative. */
nd_collection nd_sssp_follow(nd_collection edges, uint64_t source, nd_stream *rounds);

/** Weakly connected components: a collection of nd_component. */
nd_collection nd_wcc_follow(nd_collection edges, nd_stream *rounds);

/* --- Plain algorithms, to check answers against --- */

/** PageRank by plain loops on one thread: `ranks` has one a dense vertex; `*rounds` (may be NULL)
 * is the number of iterations done. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_plain_pagerank(const nd_graph *graph, const nd_pagerank_options *options,
                                    double *ranks, uint32_t *rounds);

/** The out- and in-degree of each dense vertex; undirected, the degree in both. */
void nd_plain_degrees(const nd_graph *graph, uint64_t *out, uint64_t *in);

/** The hops from `source`, a dense number or none, to each dense vertex, or ND_UNREACHABLE. Needs
 * out-lists. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_plain_bfs(const nd_graph *graph, uint32_t source, uint64_t *hops);

/** The same by weight: the least sums, or infinity. Needs out-lists with weights that are not
 * negative. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_plain_sssp(const nd_graph *graph, uint32_t source, double *distances);

/** The least id of each dense vertex's component. Needs out-lists. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_plain_wcc(const nd_graph *graph, uint64_t *components);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
