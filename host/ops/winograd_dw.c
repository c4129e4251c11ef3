/* Launches of the Winograd weight gradient: cl/lib/winograd_dw.cl and what it names; its definition: winograd_dw_ref.c.
 *
 * By rows of frequencies, on CPUs of few cores: a work-item owns a row and transforms and multiplies a leaf for it in its core's
 * cache; a launch takes a group of 32 samples.  Elsewhere:
 * A chunk of tiles at a time: V and D of the chunk into the workspace, then the products, which go on with the tree of the
 * group of 32 samples, then, where a group ends, its root.  Chunks deal out the work and change no bit.  The tree lives in the
 * workspace when every run starts and ends with a group; else (attribute `open`) it is the last rows of the stack, and since
 * only the device knows where the groups begin, the tiles of a chunk before and after that are two launches. */
#include "ops/winograd.h"

#include "ops/cpu_tile.h"

/* On a CPU V and D of a chunk stay in the second caches where that takes no less than a leaf: to cut one costs a round trip of
 * its chains to memory, C K floats a frequency, more than its tiles' 128 (C + K) where those do not fit a cache.  Where the second
 * caches are small they stay in the third, and a chunk of several leaves merges these while they are in the first: 11 % less time
 * at 128 channels on a Zen 3 EPYC, the median of four turns each.  A GPU wants many work-items.  A work-item walks a chunk's tiles,
 * on llvmpipe with some ten rounds of loops each: not more than it runs before it gives up in silence, 65,535. */
enum {
    SECOND = 1 << 20, CPU_CHUNK = 3 << 19, CPU_CHUNK_THIRD = 6 << 20, GPU_CHUNK = 64 << 20, MOST_CHUNK = 32 << 20,
    MOST_TILES = 4096, ALIGN = 4096, ITEMS = 64, ROWS = 6
};

static int round_up(int n, int to) { return (n + to - 1) / to * to; }
static int divide_up(int n, int by) { return (n + by - 1) / by; }
static size_t aligned(size_t bytes) { return (bytes + ALIGN - 1) / ALIGN * ALIGN; }
static int least(int a, int b) { return a < b ? a : b; }

typedef struct layout {
    scl_conv_shape s;
    scl_winograd_dw o;
    bool gpu;                        /* the kernels with the tile t; else those of a register tile of MR x NR, vectors of VEC */
    scl_gpu_tile t;
    int VEC, NR, MR, vectors;        /* vectors: of a row of K */
    bool open;
    int whole, piece, chunk;         /* tiles: of a leaf or a sample; of a leaf or a segment; of a launch */
    int CP, KP;                      /* channels as the panels have them */
    int panel, v_step, d_step;       /* room for tiles, and floats from frequency to frequency */
    size_t v, d, tree;               /* bytes */
    int width;                       /* by rows: input channels of a work-item; else 0 */
} layout;

/* Tiles whose panels take so many bytes. */
static int tiles_in(const layout *l, size_t bytes)
{
    const size_t tiles = bytes / (sizeof(float) * (size_t)l->o.w.frequencies * (size_t)(l->CP + l->KP));
    return tiles < 1 ? 1 : tiles > MOST_TILES ? MOST_TILES : (int)tiles;
}

/* Whole leaves or samples, whole segments of a sample, or equal parts of a leaf or segment. */
static void set_chunk(layout *l, const scl_device_info *device)
{
    const bool gpu = device->klass == SCL_CLASS_GPU;
    const size_t wanted = gpu ? GPU_CHUNK : device->local_bytes >= SECOND ? CPU_CHUNK : CPU_CHUNK_THIRD;
    const int T = l->o.w.tiles, fit = tiles_in(l, wanted), most = tiles_in(l, gpu ? GPU_CHUNK : MOST_CHUNK);
    l->whole = l->o.G > 1 ? T : l->o.Q * T;
    l->piece = l->o.G > 1 ? SCL_WINOGRAD_SEGMENT : l->whole;
    l->chunk = fit >= l->whole    ? least(fit / l->whole * l->whole, SCL_WINOGRAD_GROUP * T)
               : most >= l->piece ? (fit < l->piece ? 1 : fit / l->piece) * l->piece
                                  : divide_up(l->piece, divide_up(l->piece, most));
    l->chunk = least(l->chunk, l->s.N * T);
}

static layout layout_of(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    layout l = { .s = scl_conv_shape_of(n), .open = scl_attr_int(n, "open") != 0, .VEC = 1 };
    l.gpu = scl_gpu_tile_of(tune, &l.t);
    if (!l.gpu) {
        l.VEC = scl_tune_get(tune, "VEC");
        l.NR = scl_tune_get(tune, "NR");
        l.MR = scl_tune_get(tune, "MR");
    }
    l.o = scl_winograd_dw_of(&l.s, scl_winograd_m(scl_attr_text(n, "algorithm")), l.open ? SCL_WINOGRAD_GROUP : l.s.N);
    l.vectors = divide_up(l.s.K, l.VEC);
    l.CP = round_up(l.s.C, l.gpu ? l.t.BM : l.VEC);
    l.KP = round_up(l.s.K, l.gpu ? l.t.BN : l.VEC);
    set_chunk(&l, device);
    /* On CPUs odd numbers of vectors, or the frequencies of a tile meet in a few sets of the cache. */
    l.panel = l.gpu ? l.chunk : l.chunk | 1;
    l.v_step = l.gpu ? l.CP * l.panel : (divide_up(l.s.C, l.VEC) * l.panel | 1) * l.VEC;
    l.d_step = l.gpu ? l.KP * l.panel : (l.vectors * l.panel | 1) * l.VEC;
    l.v = aligned(sizeof(float) * (size_t)l.o.w.frequencies * (size_t)l.v_step);
    l.d = aligned(sizeof(float) * (size_t)l.o.w.frequencies * (size_t)l.d_step);
    l.tree = l.open ? 0 : sizeof(float) * l.o.level * (size_t)l.o.slots;
    return l;
}

/* A row of V's panels holds VEC channels: whole tiles of them. */
bool scl_winograd_dw_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    if (!scl_winograd_m(scl_attr_text(n, "algorithm")) || device->klass == SCL_CLASS_GPU || scl_device_scalar(device))
        return false;
    const int VEC = scl_tune_get(tune, "VEC"), MR = scl_tune_get(tune, "MR"), K = scl_dim(n, 'K');
    return VEC % MR == 0 && (VEC == 4 ? scl_cpu_columns_fit(device, K, tune) : scl_cpu_tile_fits(device, K, tune));
}

/* A product of C x K a frequency.  The narrow tile has many rows: not for few input channels; the widest does not leave enough
 * registers for the tree. */
bool scl_winograd_dw_gpu_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const scl_conv_shape s = scl_conv_shape_of(n);
    const int m = scl_winograd_m(scl_attr_text(n, "algorithm"));
    scl_gpu_tile t;
    return m && scl_gpu_tile_of(tune, &t) && t.BN > 4 && t.BN < 128 &&
           (device->klass != SCL_CLASS_GPU || t.BN > 16 || s.C > t.BM / 2) &&
           scl_gpu_tile_fits(&t, device, s.C, s.K, scl_winograd_of(&s, m).frequencies);
}

/* By rows: no more work-items than give every core two. */
static layout rows_of(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    layout l = layout_of(n, device, tune);
    const int items = 2 * (int)device->compute_units, longest = least(l.piece, l.s.N * l.o.w.tiles) | 1;
    l.width = round_up(divide_up(l.s.C, divide_up(items, ROWS)), l.VEC);
    l.chunk = least(SCL_WINOGRAD_GROUP, l.s.N) * l.o.w.tiles;
    l.panel = longest;
    l.v_step = (least(l.width, l.CP) / l.VEC * longest | 1) * l.VEC;
    l.d_step = (l.vectors * longest | 1) * l.VEC;
    l.v = sizeof(float) * ROWS * (size_t)l.v_step;
    l.d = sizeof(float) * ROWS * (size_t)l.d_step;
    return l;
}

/* Of F(4 x 4), where the rows give every core work and a core's memory holds a leaf of one. */
bool scl_winograd_rows_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    if (scl_winograd_m(scl_attr_text(n, "algorithm")) != 4 || !scl_winograd_dw_fits(n, device, tune))
        return false;
    const layout l = rows_of(n, device, tune);
    return ROWS * divide_up(l.s.C, l.width) >= (int)device->compute_units && l.v + l.d <= device->local_bytes;
}

size_t scl_winograd_rows_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    return ALIGN + rows_of(n, device, tune).tree;
}

size_t scl_winograd_dw_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const layout l = layout_of(n, device, tune);
    return ALIGN + l.v + l.d + l.tree;
}

static scl_launch_arg cut_of(const layout *l) { return SCL_DEFINE(CUT, l->s.C % l->VEC || l->s.K % l->VEC); }

/* WINOGRAD_DW_BUILD: one program for all kernels. */
#define WINOGRAD_DW_BUILD(l) SCL_DEFINE(WM, (l)->o.w.m), SCL_DEFINE(DW, (l)->width ? 2 : 1), cut_of(l)
#define WINOGRAD_DW_GPU_BUILD(l)                                                                                               \
    SCL_GPU_TILE_DEFINES((l)->t, scl_launcher_device(q), 4, (l)->s.K), SCL_DEFINE(WM, (l)->o.w.m), SCL_DEFINE(DW, 1),          \
        SCL_DEFINE(VEC, 1), SCL_DEFINE(WG, ITEMS), SCL_DEFINE(CUT, 0)

static scl_grid items(long n) { return scl_groups(ITEMS, ((size_t)n + ITEMS - 1) / ITEMS, 1, 1); }

static scl_status panels_gpu(scl_launcher *q, const scl_node *n, const layout *l, int first, int end, scl_err *err)
{
    const scl_conv_shape *s = &l->s;
    const int rows = end - first;
    SCL_TRY(SCL_LAUNCH(q, n, err, "winograd_gpu_input", items((long)rows * l->CP), WINOGRAD_DW_GPU_BUILD(l),
                       SCL_BUF_AS(x, s->in), SCL_WORK(v, ALIGN, l->v), SCL_I32(H, s->H), SCL_I32(W, s->W), SCL_I32(C, s->C), SCL_I32(CP, l->CP),
                       SCL_I32(dilation, s->dilation), SCL_I32(down, l->o.w.down), SCL_I32(across, l->o.w.across),
                       SCL_I32(tiles, l->o.w.tiles), SCL_I32(first, first), SCL_I32(total, end), SCL_I32(rows, rows)));
    return SCL_LAUNCH(q, n, err, "winograd_dw_gpu_gradient", items((long)rows * l->KP), WINOGRAD_DW_GPU_BUILD(l),
                      SCL_BUF_AS(dy, s->weights), SCL_WORK(d, ALIGN + l->v, l->d), SCL_I32(H, s->H), SCL_I32(W, s->W),
                      SCL_I32(K, s->K), SCL_I32(KP, l->KP), SCL_I32(dilation, s->dilation), SCL_I32(down, l->o.w.down),
                      SCL_I32(across, l->o.w.across), SCL_I32(tiles, l->o.w.tiles), SCL_I32(first, first), SCL_I32(rows, rows));
}

static scl_status panels(scl_launcher *q, const scl_node *n, const layout *l, int first, int end, scl_err *err)
{
    const scl_conv_shape *s = &l->s;
    return SCL_LAUNCH(q, n, err, "winograd_dw_panels", scl_groups(1, (size_t)(end - first), 1, 2), WINOGRAD_DW_BUILD(l),
                      SCL_BUF_AS(x, s->in), SCL_BUF_AS(dy, s->weights), SCL_WORK(zero, 0, ALIGN),
                      SCL_WORK(v, ALIGN, l->v), SCL_WORK(d, ALIGN + l->v, l->d), SCL_I32(first, first),
                      SCL_I32(end, end), SCL_I32(panel, l->panel), SCL_I32(v_step, l->v_step), SCL_I32(d_step, l->d_step),
                      SCL_I32(H, s->H), SCL_I32(W, s->W), SCL_I32(C, s->C), SCL_I32(K, s->K), SCL_I32(dilation, s->dilation),
                      SCL_I32(down, l->o.w.down), SCL_I32(across, l->o.w.across), SCL_I32(tiles, l->o.w.tiles));
}

/* The tree: of the workspace, or behind the tree over groups in the stack. */
static scl_launch_arg tree_of(const layout *l)
{
    if (l->open)
        return SCL_BUF_AS(tree, l->s.out);
    return SCL_WORK(tree, l->width ? ALIGN : ALIGN + l->v + l->d, l->tree);
}

static int tree_at(const layout *l, const scl_node *n)
{
    return l->open ? (scl_dim(n, 'T') - l->o.rows) * 9 * l->s.C * l->s.K : 0;
}

static scl_status products_gpu(scl_launcher *q, const scl_node *n, const layout *l, int first, int end, int part,
                               scl_err *err)
{
    const size_t groups = (size_t)scl_gpu_tile_groups(&l->t, l->CP, l->KP);
    return SCL_LAUNCH(q, n, err, "winograd_dw_gpu",
                      scl_groups((size_t)l->t.items, groups, (size_t)l->o.w.frequencies, 1), WINOGRAD_DW_GPU_BUILD(l),
                      SCL_WORK(v, ALIGN, l->v), SCL_WORK(d, ALIGN + l->v, l->d), SCL_BUF(counters), tree_of(l),
                      SCL_I32(tree_at, tree_at(l, n)), SCL_I32(first, first), SCL_I32(end, end), SCL_I32(part, part),
                      SCL_I32(rows, end - first), SCL_I32(C, l->s.C), SCL_I32(K, l->s.K), SCL_I32(CP, l->CP),
                      SCL_I32(KP, l->KP), SCL_I32(tiles, l->o.w.tiles), SCL_I32(Q, l->o.Q), SCL_I32(G, l->o.G),
                      SCL_I32(level, l->o.level));
}

static scl_status rows(scl_launcher *q, const scl_node *n, const layout *l, int first, int end, int part, scl_err *err)
{
    const scl_conv_shape *s = &l->s;
    return SCL_LAUNCH(q, n, err, "winograd_dw_rows", scl_groups(1, (size_t)divide_up(s->C, l->width), ROWS, 1),
                      WINOGRAD_DW_BUILD(l), SCL_BUF_AS(x, s->in), SCL_BUF_AS(dy, s->weights), SCL_WORK(zero, 0, ALIGN),
                      SCL_BUF(counters), tree_of(l), SCL_I32(tree_at, tree_at(l, n)), SCL_I32(first, first), SCL_I32(end, end),
                      SCL_I32(part, part), SCL_I32(panel, l->panel), SCL_I32(v_step, l->v_step), SCL_I32(d_step, l->d_step),
                      SCL_I32(H, s->H), SCL_I32(W, s->W), SCL_I32(C, s->C), SCL_I32(K, s->K), SCL_I32(dilation, s->dilation),
                      SCL_I32(down, l->o.w.down), SCL_I32(across, l->o.w.across), SCL_I32(tiles, l->o.w.tiles),
                      SCL_I32(Q, l->o.Q), SCL_I32(G, l->o.G), SCL_I32(level, l->o.level), SCL_I32(width, l->width),
                      SCL_LOCAL(v, l->v), SCL_LOCAL(d, l->d));
}

static scl_status products(scl_launcher *q, const scl_node *n, const layout *l, int first, int end, int part,
                           scl_err *err)
{
    const scl_conv_shape *s = &l->s;
    const int blocks = divide_up(s->C, l->MR), items = blocks * divide_up(s->K, l->NR);
    return SCL_LAUNCH(q, n, err, "winograd_dw", scl_groups(1, (size_t)items, (size_t)l->o.w.frequencies, 1),
                      WINOGRAD_DW_BUILD(l), SCL_WORK(v, ALIGN, l->v), SCL_WORK(d, ALIGN + l->v, l->d),
                      SCL_BUF(counters), tree_of(l), SCL_I32(tree_at, tree_at(l, n)), SCL_I32(first, first),
                      SCL_I32(end, end), SCL_I32(part, part), SCL_I32(panel, l->panel),
                      SCL_I32(v_step, l->v_step), SCL_I32(d_step, l->d_step), SCL_I32(C, s->C),
                      SCL_I32(K, s->K), SCL_I32(tiles, l->o.w.tiles), SCL_I32(Q, l->o.Q), SCL_I32(G, l->o.G),
                      SCL_I32(level, l->o.level), SCL_I32(blocks, blocks));
}

#define ROOT_ARGS                                                                                                              \
    SCL_BUF(counters), tree_of(l), SCL_BUF_AS(stack, s->out), SCL_I32(tree_at, tree_at(l, n)), SCL_I32(first, first),          \
        SCL_I32(end, end), SCL_I32(part, part), SCL_I32(C, s->C), SCL_I32(K, s->K), SCL_I32(tiles, l->o.w.tiles),              \
        SCL_I32(Q, l->o.Q), SCL_I32(G, l->o.G), SCL_I32(vectors, l->vectors)

static scl_status root(scl_launcher *q, const scl_node *n, const layout *l, int first, int end, int part, scl_err *err)
{
    const scl_conv_shape *s = &l->s;
    const int vectors = s->C * l->vectors;
    if (l->gpu)
        return SCL_LAUNCH(q, n, err, "winograd_dw_root", items(vectors), WINOGRAD_DW_GPU_BUILD(l), ROOT_ARGS);
    return SCL_LAUNCH(q, n, err, "winograd_dw_root", scl_groups(1, (size_t)vectors, 1, 1),
                      WINOGRAD_DW_BUILD(l), ROOT_ARGS);
}

/* Where the chunk that begins at tile `first` ends: with whatever it holds a part of, and with a group. */
static int end_of(const layout *l, int first)
{
    const int total = l->s.N * l->o.w.tiles, group = SCL_WINOGRAD_GROUP * l->o.w.tiles;
    int end = least(least(first + l->chunk, total), (first / group + 1) * group);
    if (l->chunk < l->whole)
        end = least(end, (first / l->whole + 1) * l->whole);
    if (l->chunk < l->piece)
        end = least(end, first + l->piece - first % l->whole % l->piece);
    return end;
}

static scl_status launch(scl_launcher *q, const scl_node *n, const layout *l, scl_err *err)
{
    const int total = l->s.N * l->o.w.tiles, group = SCL_WINOGRAD_GROUP * l->o.w.tiles;
    if (!l->gpu)
        SCL_TRY(SCL_LAUNCH(q, n, err, "winograd_dw_zero", scl_groups(1, 1, 1, 1), WINOGRAD_DW_BUILD(l),
                           SCL_WORK(zero, 0, ALIGN)));
    for (int first = 0, end; first < total; first = end) {
        end = end_of(l, first);
        if (!l->width)
            SCL_TRY((l->gpu ? panels_gpu : panels)(q, n, l, first, end, err));
        for (int part = 0; part <= (int)l->open; part++) {
            SCL_TRY((l->width ? rows : l->gpu ? products_gpu : products)(q, n, l, first, end, part, err));
            if (l->open || end == total || end % group == 0)
                SCL_TRY(root(q, n, l, first, end, part, err));
        }
    }
    return SCL_OK;
}

scl_status scl_winograd_rows_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const layout l = rows_of(n, scl_launcher_device(q), scl_launcher_tune(q));
    return launch(q, n, &l, err);
}

scl_status scl_winograd_dw_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const layout l = layout_of(n, scl_launcher_device(q), scl_launcher_tune(q));
    return launch(q, n, &l, err);
}
