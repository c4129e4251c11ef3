/* random - numbers of the counter-based generator Philox4x32-10 (Salmon et al. 2011).
 *
 *   key = seed;  counter = { element/4, (sample + position + n) / repeat, step, stream << 24 | sub }          (docs/design/arithmetic.md 6)
 *
 *   random_normal   N(0, 1): words 0, 1 give elements 4i, 4i+1, words 2, 3 give 4i+2, 4i+3 (Box-Muller, scl_normal2)
 *   random_uniform  [0, 1), 24 bits: word j gives element 4i+j
 *   random_integer  0 ... below-1, one a sample: mul_hi(word 0 of element 0, below)
 *
 * repeat (1 but for fields): so many neighbouring samples share their numbers.
 * element: NHWC index inside the sample; step, sample, position: `counters`; streams: graph/arith.h.  Nothing advances, so batch
 * split and resume cannot change a number.  Kernels: cl/ops/random.cl.  Oracles and cases: tests/ops/random.c. */
#include "graph/arith.h"
#include "graph/op.h"
#include "ops/chunks.h"

static uint32_t stream_of(const scl_node *n)
{
    return (uint32_t)scl_attr_int(n, "stream") << 24 | (uint32_t)scl_attr_int(n, "sub");
}

static scl_words words(const uint32_t *counters, uint32_t quad, int n, uint32_t repeat, uint32_t stream)
{
    const uint32_t sample = counters[SCL_CNT_SAMPLE] + counters[SCL_CNT_POSITION] + (uint32_t)n;
    scl_words x = { { quad, sample / repeat, counters[SCL_CNT_STEP], stream } };
    scl_philox(&x.w[0], &x.w[1], &x.w[2], &x.w[3], counters[SCL_CNT_SEED_LO], counters[SCL_CNT_SEED_HI]);
    return x;
}

static uint32_t repeat_of(const scl_node *n) { return (uint32_t)scl_attr_int(n, "repeat"); }
static int values_of(const scl_node *n) { return scl_dim(n, 'H') * scl_dim(n, 'W') * scl_dim(n, 'C'); }

static void ref_normal(const scl_node *n, const scl_host_values *v)
{
    const int D = values_of(n);
    for (int i = 0; i < scl_dim(n, 'N'); i++)
        for (int e = 0; e < D; e += 4) {
            const scl_words x = words(v->in[0], (uint32_t)e / 4, i, repeat_of(n), stream_of(n));
            float z[4];
            scl_normal2(x.w[0], x.w[1], &z[0], &z[1]);
            scl_normal2(x.w[2], x.w[3], &z[2], &z[3]);
            for (int k = 0; k < 4 && e + k < D; k++)
                ((float *)v->out[0])[(size_t)i * D + e + k] = z[k];
        }
}

static void ref_uniform(const scl_node *n, const scl_host_values *v)
{
    const int D = values_of(n);
    for (int i = 0; i < scl_dim(n, 'N'); i++)
        for (int e = 0; e < D; e += 4) {
            const scl_words x = words(v->in[0], (uint32_t)e / 4, i, repeat_of(n), stream_of(n));
            for (int k = 0; k < 4 && e + k < D; k++)
                ((float *)v->out[0])[(size_t)i * D + e + k] = scl_uniform(x.w[k]);
        }
}

static void ref_integer(const scl_node *n, const scl_host_values *v)
{
    const uint32_t below = (uint32_t)scl_attr_int(n, "below");
    for (int i = 0; i < scl_dim(n, 'N'); i++)
        ((int32_t *)v->out[0])[i] = (int32_t)scl_integer(words(v->in[0], 0, i, 1, stream_of(n)).w[0], below);
}

static scl_status launch_field(scl_launcher *q, const scl_node *n, bool normal, scl_err *err)
{
    const int D = values_of(n), quads = (D + 3) / 4;
    return SCL_LAUNCH(q, n, err, "field", scl_chunk_grid(q, quads, scl_dim(n, 'N')), SCL_BUF(counters), SCL_BUF(out),
                      SCL_I32(D, D), SCL_I32(chunk, scl_chunk(q, quads)), SCL_U32(stream, stream_of(n)),
                      SCL_DEFINE(NORMAL, normal), SCL_DEFINE(REPEAT, repeat_of(n)));
}

static scl_status launch_normal(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return launch_field(q, n, true, err);
}
static scl_status launch_uniform(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return launch_field(q, n, false, err);
}

static scl_status launch_integer(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return SCL_LAUNCH(q, n, err, "integers", scl_groups(1, 1, 1, 1), SCL_BUF(counters), SCL_BUF(out),
                      SCL_I32(N, scl_dim(n, 'N')), SCL_U32(below, scl_attr_int(n, "below")), SCL_U32(stream, stream_of(n)));
}

#define FIELD(launch_)                                                                                                 \
    .attr = { "N int 1..", "H int 1..", "W int 1..", "C int 1..", "stream int 0..255", "sub int 0..16777215 = 0",      \
              "repeat int 1..1048576 = 1" },                                                                           \
    .constant = true, .impl = { { .name = "chunks", .tune = SCL_CHUNKS_TUNE, .cpu = "WG=1 VEC=8", .gpu = "WG=64 VEC=1",\
                                  .fits = scl_chunks_fit, .launch = (launch_) } }

/* Noise depends on nothing that has a derivative. */
static const scl_op op_normal = {
    .name = "random_normal", .family = "random", .brief = "standard normal numbers", .formula = "out ~ N(0, 1)",
    .in = { "counters u32[16]" }, .out = { "out f32[N,H,W,C]" }, .ref = ref_normal, FIELD(launch_normal),
    .flops = "60*N*H*W*C", .bytes = "4*N*H*W*C",
};

static const scl_op op_uniform = {
    .name = "random_uniform", .family = "random", .brief = "uniform numbers", .formula = "out ~ U[0, 1)",
    .in = { "counters u32[16]" }, .out = { "out f32[N,H,W,C]" }, .ref = ref_uniform, FIELD(launch_uniform),
    .flops = "25*N*H*W*C", .bytes = "4*N*H*W*C",
};

static const scl_op op_integer = {
    .name = "random_integer", .family = "random", .brief = "uniform integers, one a sample", .formula = "out ~ U{0 ... below-1}",
    .in = { "counters u32[16]" }, .out = { "out i32[N]" },
    .attr = { "N int 1..", "below int 1..", "stream int 0..255", "sub int 0..16777215 = 0" },
    .constant = true, .ref = ref_integer, .impl = { { .name = "single", .launch = launch_integer } },
};

scl_family scl_family_random = { &op_normal, &op_uniform, &op_integer, NULL };
