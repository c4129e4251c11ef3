/* The canonical sums in C. */
#include "graph/arith.h"

#include "graph/graph.h"
#include "lib/counters.h"

_Static_assert(CNT_SEED_LO == SCL_CNT_SEED_LO && CNT_SEED_HI == SCL_CNT_SEED_HI && CNT_STEP == SCL_CNT_STEP &&
                   CNT_POSITION == SCL_CNT_POSITION && CNT_BATCH == SCL_CNT_BATCH &&
                   CNT_FIRST == SCL_CNT_FIRST && CNT_SAMPLE == SCL_CNT_SAMPLE && CNT_SLOT == SCL_CNT_SLOT,
               "kernels and graph/graph.h number the counters alike");

void scl_sum_push(scl_sum_stream *s, float v)
{
    s->level[0] += v;
    uint32_t full = ++s->count;
    for (int k = 1; k < SUM_LEVELS && full % SUM_GROUP == 0; k++, full /= SUM_GROUP) {
        s->level[k] += s->level[k - 1];
        s->level[k - 1] = 0.0f;
    }
}

float scl_sum_end(const scl_sum_stream *s)
{
    float sum = s->level[0];
    for (int k = 1; k < SUM_LEVELS; k++)
        sum = s->level[k] + sum;
    return sum;
}

float scl_sum64(const float *v, size_t n)
{
    scl_sum_stream s = { 0 };
    for (size_t i = 0; i < n; i++)
        scl_sum_push(&s, v[i]);
    return scl_sum_end(&s);
}

void scl_flat_block(scl_flat *s)
{
    for (int h = SUM_LANES / 2; h; h /= 2)
        for (int l = 0; l < h; l++)
            s->lane[l] += s->lane[l + h];
    scl_sum_push(&s->blocks, s->lane[0]);
    for (int l = 0; l < SUM_LANES; l++)
        s->lane[l] = 0.0f;
    s->used = 0;
}

float scl_flat_end(scl_flat *s)
{
    if (s->used)
        scl_flat_block(s);
    return scl_sum_end(&s->blocks);
}

float scl_flat_sum(const float *v, size_t n)
{
    scl_flat s = { 0 };
    for (size_t i = 0; i < n; i++)
        scl_flat_add(&s, v[i]);
    return scl_flat_end(&s);
}

SCL_FAST_REF float scl_flat_sumsq(const float *v, size_t n)
{
    scl_flat s = { 0 };
    for (size_t b = 0; b < n; b += SUM_BLOCK) {
        const size_t end = b + SUM_BLOCK < n ? b + SUM_BLOCK : n;
        size_t i = b;
        for (; i + SUM_LANES <= end; i += SUM_LANES)
            for (int l = 0; l < SUM_LANES; l++)
                s.lane[l] = fmaf(v[i + l], v[i + l], s.lane[l]);
        for (int l = 0; i + l < end; l++)
            s.lane[l] = fmaf(v[i + l], v[i + l], s.lane[l]);
        scl_flat_block(&s);
    }
    return scl_flat_end(&s);
}

static int least(int a, int b) { return a < b ? a : b; }

float scl_pixel_sum(const float *v, int H, int W, size_t stride)
{
    scl_sum_stream s = { 0 };
    for (int y0 = 0; y0 < H; y0 += SUM_LEAF)
        for (int x0 = 0; x0 < W; x0 += SUM_LEAF) {
            float leaf = 0.0f;
            for (int y = y0; y < least(y0 + SUM_LEAF, H); y++)
                for (int x = x0; x < least(x0 + SUM_LEAF, W); x++)
                    leaf += v[((size_t)y * W + x) * stride];
            scl_sum_push(&s, leaf);
        }
    return scl_sum_end(&s);
}

SCL_FAST_REF float scl_pixel_sum_product(const float *u, const float *v, int H, int W, size_t stride)
{
    scl_sum_stream s = { 0 };
    for (int y0 = 0; y0 < H; y0 += SUM_LEAF)
        for (int x0 = 0; x0 < W; x0 += SUM_LEAF) {
            float leaf = 0.0f;
            for (int y = y0; y < least(y0 + SUM_LEAF, H); y++)
                for (int x = x0; x < least(x0 + SUM_LEAF, W); x++) {
                    const size_t at = ((size_t)y * W + x) * stride;
                    leaf = fmaf(u[at], v[at], leaf);
                }
            scl_sum_push(&s, leaf);
        }
    return scl_sum_end(&s);
}
