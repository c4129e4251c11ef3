/* The definition of the Winograd weight gradient in plain C, tile by tile (docs/design/arithmetic.md 3).
 *
 *   dw = G' [ sum over tiles of (B' x B) . (A dy A') ] G          per pair of channels
 *
 * Per frequency a chain of fma over the tiles of a leaf; leaves are flushed and merged in the tree of a group of 32 samples,
 * which stays transformed; its flushed root times G' and G, flushed, is a leaf of the tree over groups, which batch_root
 * drains. */
#include <string.h>

#include "graph/arith.h"
#include "ops/winograd.h"
#include "ops/winograd_transforms.h"

static int log2_floor(int n)
{
    int k = 0;
    while (n >>= 1)
        k++;
    return k;
}

scl_winograd_dw scl_winograd_dw_of(const scl_conv_shape *s, int m, int samples)
{
    scl_winograd_dw o = { .w = scl_winograd_of(s, m), .Q = SCL_WINOGRAD_GROUP, .G = 1 };
    while (o.Q > 1 && o.Q * o.w.tiles > SCL_WINOGRAD_SEGMENT)
        o.Q /= 2;
    if (o.w.tiles > SCL_WINOGRAD_SEGMENT)
        o.G = (o.w.tiles + SCL_WINOGRAD_SEGMENT - 1) / SCL_WINOGRAD_SEGMENT;
    const int most = samples < SCL_WINOGRAD_GROUP ? samples : SCL_WINOGRAD_GROUP, leaves = (most + o.Q - 1) / o.Q;
    const size_t taps = 9 * (size_t)s->C * (size_t)s->K;
    o.slots = log2_floor(leaves) + 1 + (o.G > 1 ? log2_floor(o.G) + 1 : 0);
    o.level = (size_t)o.w.frequencies * (size_t)s->C * (size_t)s->K;
    o.rows = (int)((o.level * (size_t)o.slots + taps - 1) / taps);
    return o;
}

/* Values of the definition while it runs. */
typedef struct walk {
    scl_conv_shape s;
    scl_winograd_dw o;
    float *tree, *stack;     /* [slot][frequency][C][K] of the group, [slot][9][C][K] over groups */
    float *v, *d;            /* [frequency][C], [frequency][K] of one tile */
    float *chain;            /* [frequency][C][K] of the open leaf or segment */
} walk;

/* A dy A' of one channel of a tile; outputs outside of the image are zero. */
SCL_FAST_REF static void gradient(const walk *k, const float *dy, int tile, float *d)
{
    const scl_winograd *w = &k->o.w;
    const scl_winograd_place at = scl_winograd_tile(w, &k->s, tile);
    float in[16];
    for (int i = 0; i < w->m; i++)
        for (int j = 0; j < w->m; j++) {
            const int y = at.y + i * k->s.dilation, x = at.x + j * k->s.dilation;
            in[i * w->m + j] = y < k->s.H && x < k->s.W ? dy[((size_t)y * k->s.W + x) * k->s.K] : 0.0f;
        }
    scl_winograd_2d(w->m == 4 ? scl_winograd4_aa : scl_winograd2_aa, w->m, w->t, in, d);
}

/* One link of all chains. */
SCL_FAST_REF static void add_tile(const walk *k, const float *x, const float *dy, int tile)
{
    const int C = k->s.C, K = k->s.K, F = k->o.w.frequencies;
    float one[SCL_WINOGRAD_FREQUENCIES], *chain = k->chain;
    for (int c = 0; c < C; c++) {
        scl_winograd_input(&k->o.w, &k->s, x + c, tile, one);
        for (int f = 0; f < F; f++)
            k->v[f * C + c] = one[f];
    }
    for (int c = 0; c < K; c++) {
        gradient(k, dy + c, tile, one);
        for (int f = 0; f < F; f++)
            k->d[f * K + c] = one[f];
    }
    for (int f = 0; f < F; f++)
        for (int c = 0; c < C; c++, chain += K) {
            const float v = k->v[f * C + c], *d = k->d + (size_t)f * K;
            for (int i = 0; i < K; i++)
                chain[i] = fmaf(v, d[i], chain[i]);
        }
}

/* A finished chain or root, in slot `top` of a stack: flushed and merged with so many older nodes. */
static void push(float *node, float *stack, size_t level, int top, int merges)
{
    float *to = stack + level * (size_t)top;
    for (size_t i = 0; i < level; i++)
        node[i] = scl_flush(node[i]);
    for (; merges > 0; merges--) {
        to -= level;
        for (size_t i = 0; i < level; i++)
            node[i] = scl_flush(to[i] + node[i]);
    }
    memcpy(to, node, sizeof *node * level);
}

/* The root of group `group`, in slot 0 of its tree, becomes a leaf of the tree over groups. */
static void push_root(const walk *k, unsigned group)
{
    const size_t channels = (size_t)k->s.C * (size_t)k->s.K, taps = 9 * channels;
    for (size_t i = 0; i < channels; i++) {
        float in[SCL_WINOGRAD_FREQUENCIES], out[9];
        for (int f = 0; f < k->o.w.frequencies; f++)
            in[f] = k->tree[(size_t)f * channels + i];
        scl_winograd_2d(k->o.w.m == 4 ? scl_winograd4_gt : scl_winograd2_gt, k->o.w.t, 3, in, out);
        for (int tap = 0; tap < 9; tap++)
            k->chain[(size_t)tap * channels + i] = out[tap];
    }
    push(k->chain, k->stack, taps, scl_popcount(group), scl_trailing_ones(group));
}

/* One sample, at a position of its batch; first_of_run, last_of_run: the open chain comes from the stack, and goes there. */
static void add_sample(const walk *k, const float *x, const float *dy, unsigned position, bool last, bool first_of_run,
                       bool last_of_run)
{
    const scl_winograd_dw *o = &k->o;
    const unsigned in_group = position % SCL_WINOGRAD_GROUP, Q = (unsigned)o->Q, leaf = in_group / Q;
    const bool group_ends = last || in_group + 1 == SCL_WINOGRAD_GROUP, leaf_ends = group_ends || in_group % Q + 1 == Q;
    float *const open = k->tree + o->level * (size_t)scl_popcount(leaf);
    if (first_of_run && in_group % Q)
        memcpy(k->chain, open, sizeof *open * o->level);
    for (int tile = 0; tile < o->w.tiles; tile++) {
        const int segment = o->G > 1 ? tile / SCL_WINOGRAD_SEGMENT : 0;
        const int slot = scl_popcount(leaf) + scl_popcount((unsigned)segment);
        if (o->G > 1 ? tile % SCL_WINOGRAD_SEGMENT == 0 : tile == 0 && in_group % Q == 0)
            memset(k->chain, 0, sizeof *k->chain * o->level);
        add_tile(k, x, dy, tile);
        if (o->G > 1 && tile + 1 < o->w.tiles && (tile + 1) % SCL_WINOGRAD_SEGMENT == 0)
            push(k->chain, k->tree, o->level, slot, scl_trailing_ones((unsigned)segment));
        /* Draining a tree is the same addition as merging it. */
        if (tile + 1 == o->w.tiles && leaf_ends)
            push(k->chain, k->tree, o->level, slot,
                 scl_popcount((unsigned)segment) + (group_ends ? scl_popcount(leaf) : scl_trailing_ones(leaf)));
    }
    if (last_of_run && !leaf_ends)
        memcpy(open, k->chain, sizeof *open * o->level);
    if (group_ends)
        push_root(k, position / SCL_WINOGRAD_GROUP);
}

void scl_winograd_dw_ref(const scl_node *n, const float *x, const float *dy, const unsigned *counters, float *stack)
{
    walk k = { .s = scl_conv_shape_of(n), .stack = stack };
    const bool open = scl_attr_int(n, "open") != 0;
    const scl_conv_shape *s = &k.s;
    const size_t image = (size_t)s->H * (size_t)s->W;
    scl_arena scratch = { 0 };
    k.o = scl_winograd_dw_of(s, scl_winograd_m(scl_attr_text(n, "algorithm")), open ? SCL_WINOGRAD_GROUP : s->N);
    k.v = SCL_NEW_ARRAY(&scratch, float, (size_t)k.o.w.frequencies * (size_t)s->C);
    k.d = SCL_NEW_ARRAY(&scratch, float, (size_t)k.o.w.frequencies * (size_t)s->K);
    k.chain = SCL_NEW_ARRAY(&scratch, float, k.o.level);
    k.tree = open ? stack + (size_t)(scl_dim(n, 'T') - k.o.rows) * 9 * (size_t)s->C * (size_t)s->K
                  : SCL_NEW_ARRAY(&scratch, float, k.o.level * (size_t)k.o.slots);
    for (int i = 0; i < s->N; i++) {
        const unsigned position = counters[SCL_CNT_POSITION] + (unsigned)i;
        add_sample(&k, x + (size_t)i * image * (size_t)s->C, dy + (size_t)i * image * (size_t)s->K, position,
                   position + 1 >= counters[SCL_CNT_BATCH], i == 0, i + 1 == s->N);
    }
    scl_arena_free(&scratch);
}
