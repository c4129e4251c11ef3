/* gather - the batch of a step, made from the data set on the device, and values of a table.
 *
 *   gather_batch      x[n] = sample order[first + position + n] of the data, as floats: k/255 or, dequantised, (k+u)/256 with 16
 *                     bits of u (24 would round k+u up to k+1); logit: y = fma(1-2l, x, l), rest = fma(1-2l, 1-x, l),
 *                     ln y - ln rest, l = 1e-6 (1 - y itself would lose its digits near 1)
 *   gather_batch_f32  the same for float data, as they are
 *   gather_class      y[n] = class[order[first + position + n]]
 *   lookup            y[n] = table[label[n]]
 *
 * flip: a sample is mirrored where the first bit of its draw is set.  u of element e: word e mod 4 of Philox's counter
 * { e/4, sample, step, dequantise }; of a flip: word 0 of { 0, sample, step, flip }.
 * Kernels: cl/ops/gather.cl.  Oracles and cases: tests/ops/gather.c. */
#include "graph/arith.h"
#include "graph/op.h"
#include "lib/coef.h"
#include "ops/chunks.h"

typedef struct place { size_t row; uint32_t sample; bool mirrored; } place;

static uint64_t seed_of(const uint32_t *counters)
{
    return (uint64_t)counters[SCL_CNT_SEED_HI] << 32 | counters[SCL_CNT_SEED_LO];
}

static place place_of(const scl_node *n, const uint32_t *counters, const int32_t *order, int i)
{
    const uint32_t position = counters[SCL_CNT_POSITION] + (uint32_t)i, sample = counters[SCL_CNT_SAMPLE] + position;
    const scl_words w = scl_random(seed_of(counters), 0, sample, counters[SCL_CNT_STEP], SCL_STREAM_FLIP, 0);
    return (place){ .row = (size_t)order[counters[SCL_CNT_FIRST] + position], .sample = sample,
                    .mirrored = scl_attr_int(n, "flip") && w.w[0] >> 31 };
}

static size_t source(const scl_node *n, int e, bool mirrored)
{
    const int C = scl_dim(n, 'C'), W = scl_dim(n, 'W'), x = e / C % W;
    return (size_t)(mirrored ? e + (W - 1 - 2 * x) * C : e);
}

static int values_of(const scl_node *n) { return scl_dim(n, 'H') * scl_dim(n, 'W') * scl_dim(n, 'C'); }

static float value(uint8_t k, uint32_t word, bool dequantize, bool logit)
{
    const float x = dequantize ? (float)((int)k << 16 | (int)(word >> 16)) * 0x1p-24f : scl_div((float)k, 255.0f);
    if (!logit)
        return scl_flush(x);
    const float y = fmaf(LOGIT_SCALE, x, LOGIT_EDGE), rest = fmaf(LOGIT_SCALE, 1.0f - x, LOGIT_EDGE);
    return scl_flush(scl_log(y) - scl_log(rest));
}

static void ref_batch(const scl_node *n, const scl_host_values *v)
{
    const uint8_t *data = v->in[0];
    const uint32_t *counters = v->in[2];
    const int D = values_of(n);
    const bool dequantize = scl_attr_int(n, "dequantize"), logit = scl_attr_int(n, "logit");
    for (int i = 0; i < scl_dim(n, 'N'); i++) {
        const place p = place_of(n, counters, v->in[1], i);
        scl_words w = { { 0 } };
        for (int e = 0; e < D; e++) {
            if (e % 4 == 0 && dequantize)
                w = scl_random(seed_of(counters), (uint32_t)e / 4, p.sample, counters[SCL_CNT_STEP],
                               SCL_STREAM_DEQUANTISE, 0);
            ((float *)v->out[0])[(size_t)i * D + e] =
                value(data[p.row * (size_t)D + source(n, e, p.mirrored)], w.w[e % 4], dequantize, logit);
        }
    }
}

static void ref_batch_f32(const scl_node *n, const scl_host_values *v)
{
    const int D = values_of(n);
    for (int i = 0; i < scl_dim(n, 'N'); i++) {
        const place p = place_of(n, v->in[2], v->in[1], i);
        const float *row = (const float *)v->in[0] + p.row * (size_t)D;
        for (int e = 0; e < D; e++)
            ((float *)v->out[0])[(size_t)i * D + e] = scl_flush(row[source(n, e, p.mirrored)]);
    }
}

static void ref_class(const scl_node *n, const scl_host_values *v)
{
    const uint32_t *counters = v->in[2];
    for (int i = 0; i < scl_dim(n, 'N'); i++)
        ((int32_t *)v->out[0])[i] = ((const int32_t *)v->in[0])[(
            (const int32_t *)v->in[1])[counters[SCL_CNT_FIRST] + counters[SCL_CNT_POSITION] + (uint32_t)i]];
}

static void ref_lookup(const scl_node *n, const scl_host_values *v)
{
    for (int i = 0; i < scl_dim(n, 'N'); i++)
        ((float *)v->out[0])[i] = scl_flush(((const float *)v->in[0])[((const int32_t *)v->in[1])[i]]);
}

static scl_status launch_batch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int D = values_of(n), quads = (D + 3) / 4;
    return SCL_LAUNCH(q, n, err, "bytes", scl_chunk_grid(q, quads, scl_dim(n, 'N')), SCL_BUF(data), SCL_BUF(order),
                      SCL_BUF(counters), SCL_BUF(x), SCL_I32(D, D), SCL_I32(W, scl_dim(n, 'W')), SCL_I32(C, scl_dim(n, 'C')),
                      SCL_I32(chunk, scl_chunk(q, quads)), SCL_U32(flip_stream, SCL_STREAM_FLIP << 24),
                      SCL_U32(dequantise_stream, SCL_STREAM_DEQUANTISE << 24), SCL_DEFINE(FLIP, scl_attr_int(n, "flip")),
                      SCL_DEFINE(DEQUANTIZE, scl_attr_int(n, "dequantize")), SCL_DEFINE(LOGIT, scl_attr_int(n, "logit")));
}

static scl_status launch_batch_f32(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int D = values_of(n);
    return SCL_LAUNCH(q, n, err, "floats", scl_chunk_grid(q, D, scl_dim(n, 'N')), SCL_BUF(data), SCL_BUF(order),
                      SCL_BUF(counters), SCL_BUF(x), SCL_I32(D, D), SCL_I32(W, scl_dim(n, 'W')), SCL_I32(C, scl_dim(n, 'C')),
                      SCL_I32(chunk, scl_chunk(q, D)), SCL_U32(flip_stream, SCL_STREAM_FLIP << 24),
                      SCL_DEFINE(FLIP, scl_attr_int(n, "flip")));
}

static scl_status launch_class(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return SCL_LAUNCH(q, n, err, "classes", scl_groups(1, 1, 1, 1), SCL_BUF(class), SCL_BUF(order),
                      SCL_BUF(counters), SCL_BUF(y), SCL_I32(N, scl_dim(n, 'N')));
}

static scl_status launch_lookup(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return SCL_LAUNCH(q, n, err, "lookup", scl_groups(1, 1, 1, 1), SCL_BUF(table), SCL_BUF(label), SCL_BUF(y),
                      SCL_I32(N, scl_dim(n, 'N')));
}

#define ITEMS .tune = "WG=1|16|64 VEC=1", .cpu = "WG=1 VEC=1", .gpu = "WG=64 VEC=1", .fits = scl_chunks_fit

/* Data and tables of constants: nothing here has a derivative. */
static const scl_op op_batch = {
    .name = "gather_batch", .family = "gather", .brief = "a batch of bytes as floats: dequantised, mirrored, logits",
    .formula = "x[n] = (data[order[first + position + n]] + u)/256, or /255",
    .in = { "data u8[S,H,W,C]", "order i32[S] < S", "counters u32[16]" }, .out = { "x f32[N,H,W,C]" },
    .attr = { "N int 1..", "dequantize int 0..1 = 1", "flip int 0..1 = 0", "logit int 0..1 = 0" },
    .constant = true, .ref = ref_batch, .impl = { { .name = "chunks", ITEMS, .launch = launch_batch } }, .bytes = "5*N*H*W*C",
};

static const scl_op op_batch_f32 = {
    .name = "gather_batch_f32", .family = "gather", .brief = "a batch of floats, mirrored if asked",
    .formula = "x[n] = data[order[first + position + n]]",
    .in = { "data f32[S,H,W,C]", "order i32[S] < S", "counters u32[16]" }, .out = { "x f32[N,H,W,C]" },
    .attr = { "N int 1..", "flip int 0..1 = 0" },
    .constant = true, .ref = ref_batch_f32, .impl = { { .name = "chunks", ITEMS, .launch = launch_batch_f32 } },
    .bytes = "8*N*H*W*C",
};

static const scl_op op_class = {
    .name = "gather_class", .family = "gather", .brief = "the classes of a batch", .formula = "y[n] = class[order[first + position + n]]",
    .in = { "class i32[S]", "order i32[S] < S", "counters u32[16]" }, .out = { "y i32[N]" }, .attr = { "N int 1.." },
    .constant = true, .ref = ref_class, .impl = { { .name = "single", .launch = launch_class } }, .bytes = "12*N",
};

static const scl_op op_lookup = {
    .name = "lookup", .family = "gather", .brief = "values of a table", .formula = "y[n] = table[label[n]]",
    .in = { "table f32[L]", "label i32[N] < L" }, .out = { "y f32[N]" },
    .constant = true, .ref = ref_lookup, .impl = { { .name = "single", .launch = launch_lookup } },
};

scl_family scl_family_gather = { &op_batch, &op_batch_f32, &op_class, &op_lookup, NULL };
