/* A store: the persistent values (weights, optimiser state, inputs, constants, accumulators) of one or more graphs in one
 * block of device memory, found by name. */
#ifndef SCL_GRAPH_STORE_H
#define SCL_GRAPH_STORE_H

#include "graph/backend.h"

typedef struct scl_store scl_store;

/* Collects the persistent values of the graphs (same name: same value; shapes must agree), allocates and zeroes them. */
scl_status scl_store_create(scl_store **out, scl_backend *b, scl_graph *const *graphs, int n_graphs, scl_err *err);
/* The same with bands of at least guard_bytes round every value, all in blocks of memory of the store's own. */
scl_status scl_store_create_guarded(scl_store **out, scl_backend *b, scl_graph *const *graphs, int n_graphs,
                                    size_t guard_bytes, scl_err *err);
/* Bytes of a value's block that belong to no value: from the end of the value before (NULL: none) to the next (NULL: none). */
typedef struct scl_store_gap { scl_region region; const scl_value *before, *behind; } scl_store_gap;
int scl_store_gaps(const scl_store *store, scl_store_gap *out);   /* at most 2 scl_store_count; returns how many */
void scl_store_free(scl_store *store);                              /* NULL is accepted */
size_t scl_store_bytes(const scl_store *store);

/* NULL value: no such name. */
scl_binding scl_store_find(const scl_store *store, const char *name);
int scl_store_count(const scl_store *store);
scl_binding scl_store_at(const scl_store *store, int i);

/* Whole values, device layout.  bytes must be the value's. */
scl_status scl_store_write(scl_store *store, const char *name, const void *from, size_t bytes, scl_err *err);
scl_status scl_store_read(scl_store *store, const char *name, void *to, size_t bytes, scl_err *err);

/* What a store of these graphs would take, and the largest value in it.  Opens and allocates nothing. */
scl_status scl_store_measure(scl_graph *const *graphs, int n_graphs, size_t *bytes, size_t *largest, scl_err *err);

#endif
