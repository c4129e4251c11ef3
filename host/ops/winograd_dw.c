/* Launches of the Winograd weight gradient: cl/lib/winograd_dw.cl; its definition: winograd_dw_ref.c.
 *
 * A chunk of tiles at a time: V and D of the chunk into the workspace, then the products, which go on with the tree of the
 * group of 32 samples, then, where a group ends, its root.  Chunks deal out the work and change no bit.  The tree lives in the
 * workspace when every run starts and ends with a group; else (attribute `open`) it is the last rows of the stack, and since
 * only the device knows where the groups begin, the tiles of a chunk before and after that are two launches. */
#include "ops/winograd.h"

/* On a CPU V and D of a chunk stay in the second caches where that takes no less than a leaf: to cut one costs a round trip of
 * its chains to memory, C K floats a frequency, more than its tiles' 128 (C + K) where those do not fit a cache.  A GPU wants
 * many work-items.  A work-item walks a chunk's tiles: not more rounds than llvmpipe runs before it gives up in silence. */
enum { CPU_CHUNK = 3 << 19, GPU_CHUNK = 64 << 20, MOST_CHUNK = 32 << 20, MOST_ROUNDS = 32768, ALIGN = 4096 };

static int round_up(int n, int to) { return (n + to - 1) / to * to; }
static int divide_up(int n, int by) { return (n + by - 1) / by; }
static size_t aligned(size_t bytes) { return (bytes + ALIGN - 1) / ALIGN * ALIGN; }
static int least(int a, int b) { return a < b ? a : b; }

typedef struct layout {
    scl_conv_shape s;
    scl_winograd_dw o;
    int WG, VEC, NR, MR, vectors;    /* vectors: of a row of K */
    bool open;
    int whole, piece, chunk;         /* tiles: of a leaf or a sample; of a leaf or a segment; of a launch */
    int panel, v_step, d_step;       /* room for tiles, and floats from frequency to frequency */
    size_t v, d, tree;               /* bytes */
} layout;

/* Tiles whose panels take so many bytes. */
static int tiles_in(const layout *l, size_t bytes)
{
    const size_t channels = (size_t)(round_up(l->s.C, l->VEC) + round_up(l->s.K, l->VEC));
    const size_t tiles = bytes / (sizeof(float) * (size_t)l->o.w.frequencies * channels);
    return tiles < 1 ? 1 : tiles > MOST_ROUNDS ? MOST_ROUNDS : (int)tiles;
}

/* Whole leaves or samples, whole segments of a sample, or equal parts of a leaf or segment. */
static void set_chunk(layout *l, bool gpu)
{
    const int T = l->o.w.tiles;
    const int fit = tiles_in(l, gpu ? GPU_CHUNK : CPU_CHUNK), most = tiles_in(l, gpu ? GPU_CHUNK : MOST_CHUNK);
    l->whole = l->o.G > 1 ? T : l->o.Q * T;
    l->piece = l->o.G > 1 ? SCL_WINOGRAD_SEGMENT : l->whole;
    l->chunk = fit >= l->whole    ? least(fit / l->whole * l->whole, SCL_WINOGRAD_GROUP * T)
               : most >= l->piece ? (fit < l->piece ? 1 : fit / l->piece) * l->piece
                                  : divide_up(l->piece, divide_up(l->piece, most));
    l->chunk = least(l->chunk, l->s.N * T);
}

static layout layout_of(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    layout l = { .s = scl_conv_shape_of(n), .WG = scl_tune_get(tune, "WG"), .VEC = scl_tune_get(tune, "VEC"),
                 .NR = scl_tune_get(tune, "NR"), .MR = scl_tune_get(tune, "MR"), .open = scl_attr_int(n, "open") != 0 };
    l.o = scl_winograd_dw_of(&l.s, scl_winograd_m(scl_attr_text(n, "algorithm")), l.open ? SCL_WINOGRAD_GROUP : l.s.N);
    l.vectors = divide_up(l.s.K, l.VEC);
    set_chunk(&l, device->klass == SCL_CLASS_GPU);
    /* Odd numbers of vectors, or the frequencies of a tile meet in a few sets of the cache. */
    l.panel = l.chunk | 1;
    l.v_step = (divide_up(l.s.C, l.VEC) * l.panel | 1) * l.VEC;
    l.d_step = (l.vectors * l.panel | 1) * l.VEC;
    l.v = aligned(sizeof(float) * (size_t)l.o.w.frequencies * (size_t)l.v_step);
    l.d = aligned(sizeof(float) * (size_t)l.o.w.frequencies * (size_t)l.d_step);
    l.tree = l.open ? 0 : sizeof(float) * l.o.level * (size_t)l.o.slots;
    return l;
}

/* As the direct one's (conv_direct.c): float16 tiles on CPUs, small ones on GPUs and where the driver takes vectors apart. */
bool scl_winograd_dw_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    if (!scl_winograd_m(scl_attr_text(n, "algorithm")))
        return false;
    const int WG = scl_tune_get(tune, "WG"), VEC = scl_tune_get(tune, "VEC"), NR = scl_tune_get(tune, "NR"),
              MR = scl_tune_get(tune, "MR"), K = scl_dim(n, 'K');
    if (WG > 1)
        return VEC == 4 && NR == 4 && MR == 4 && (size_t)WG <= device->max_work_group;
    if (device->klass == SCL_CLASS_GPU || device->vector_width == 1)
        return false;
    return VEC == (K > 8 ? 16 : K > 4 ? 8 : 4) && NR >= VEC && NR <= 4 * VEC && round_up(K, VEC) % NR == 0 && MR <= VEC &&
           (MR * (NR / VEC) >= 8 || VEC == 4) && MR * (NR / VEC) <= 24;
}

size_t scl_winograd_dw_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const layout l = layout_of(n, device, tune);
    return ALIGN + l.v + l.d + l.tree;
}

static scl_launch_arg cut_of(const layout *l) { return SCL_DEFINE(CUT, l->s.C % l->VEC || l->s.K % l->VEC); }

static scl_launch_arg rolled_of(const scl_launcher *q)
{
    if (scl_launcher_device(q)->vector_width == 1)
        return SCL_DEFINE(ROLLED, 1);
    return (scl_launch_arg){ .kind = SCL_ARG_NONE };
}

static scl_status panels(scl_launcher *q, const scl_node *n, const layout *l, int first, int end, scl_err *err)
{
    const scl_conv_shape *s = &l->s;
    const int most = divide_up(s->C > s->K ? s->C : s->K, l->VEC), per_item = l->WG > 1 ? 1 : most;
    const scl_grid grid =
        scl_groups((size_t)l->WG, (size_t)divide_up(end - first, l->WG), (size_t)divide_up(most, per_item), 2);
    return SCL_LAUNCH(q, n, err, "winograd_dw_panels", grid, SCL_DEFINE(WM, l->o.w.m), SCL_DEFINE(DW, 1),
                      cut_of(l), rolled_of(q), SCL_BUF_AS(x, s->in), SCL_BUF_AS(dy, s->weights), SCL_WORK(zero, 0, ALIGN),
                      SCL_WORK(v, ALIGN, l->v), SCL_WORK(d, ALIGN + l->v, l->d), SCL_I32(first, first),
                      SCL_I32(end, end), SCL_I32(panel, l->panel), SCL_I32(v_step, l->v_step), SCL_I32(d_step, l->d_step),
                      SCL_I32(H, s->H), SCL_I32(W, s->W), SCL_I32(C, s->C), SCL_I32(K, s->K), SCL_I32(dilation, s->dilation),
                      SCL_I32(down, l->o.w.down), SCL_I32(across, l->o.w.across), SCL_I32(tiles, l->o.w.tiles),
                      SCL_I32(per_item, per_item));
}

/* The tree: of the workspace, or behind the tree over groups in the stack. */
static scl_launch_arg tree_of(const layout *l)
{
    if (l->open)
        return SCL_BUF_AS(tree, l->s.out);
    return SCL_WORK(tree, ALIGN + l->v + l->d, l->tree);
}

static int tree_at(const layout *l, const scl_node *n)
{
    return l->open ? (scl_dim(n, 'T') - l->o.rows) * 9 * l->s.C * l->s.K : 0;
}

static scl_status products(scl_launcher *q, const scl_node *n, const layout *l, int first, int end, int part, scl_err *err)
{
    const scl_conv_shape *s = &l->s;
    const int blocks = divide_up(s->C, l->MR), items = blocks * divide_up(s->K, l->NR);
    const scl_grid grid =
        scl_groups((size_t)l->WG, (size_t)divide_up(items, l->WG), (size_t)l->o.w.frequencies, 1);
    return SCL_LAUNCH(q, n, err, "winograd_dw", grid, SCL_DEFINE(WM, l->o.w.m), SCL_DEFINE(DW, 1), cut_of(l), rolled_of(q),
                      SCL_WORK(v, ALIGN, l->v), SCL_WORK(d, ALIGN + l->v, l->d), SCL_BUF(counters), tree_of(l),
                      SCL_I32(tree_at, tree_at(l, n)), SCL_I32(first, first), SCL_I32(end, end), SCL_I32(part, part),
                      SCL_I32(panel, l->panel), SCL_I32(v_step, l->v_step), SCL_I32(d_step, l->d_step), SCL_I32(C, s->C),
                      SCL_I32(K, s->K),
                      SCL_I32(tiles, l->o.w.tiles), SCL_I32(Q, l->o.Q), SCL_I32(G, l->o.G), SCL_I32(level, l->o.level),
                      SCL_I32(blocks, blocks), SCL_I32(items, items));
}

static scl_status root(scl_launcher *q, const scl_node *n, const layout *l, int first, int end, int part, scl_err *err)
{
    const scl_conv_shape *s = &l->s;
    const scl_grid grid = scl_groups((size_t)l->WG, (size_t)divide_up(s->C * l->vectors, l->WG), 1, 1);
    return SCL_LAUNCH(q, n, err, "winograd_dw_root", grid, SCL_DEFINE(WM, l->o.w.m), SCL_DEFINE(DW, 1), cut_of(l), rolled_of(q),
                      SCL_BUF(counters), tree_of(l), SCL_BUF_AS(stack, s->out), SCL_I32(tree_at, tree_at(l, n)),
                      SCL_I32(first, first), SCL_I32(end, end), SCL_I32(part, part), SCL_I32(C, s->C), SCL_I32(K, s->K),
                      SCL_I32(tiles, l->o.w.tiles), SCL_I32(Q, l->o.Q), SCL_I32(G, l->o.G), SCL_I32(vectors, l->vectors));
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

scl_status scl_winograd_dw_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const layout l = layout_of(n, scl_launcher_device(q), scl_launcher_tune(q));
    const int total = l.s.N * l.o.w.tiles, group = SCL_WINOGRAD_GROUP * l.o.w.tiles;
    SCL_TRY(SCL_LAUNCH(q, n, err, "winograd_dw_zero", scl_groups((size_t)l.WG, 1, 1, 1), SCL_DEFINE(WM, l.o.w.m),
                       SCL_DEFINE(DW, 1), cut_of(&l), rolled_of(q), SCL_WORK(zero, 0, ALIGN)));
    for (int first = 0, end; first < total; first = end) {
        end = end_of(&l, first);
        SCL_TRY(panels(q, n, &l, first, end, err));
        for (int part = 0; part <= (int)l.open; part++) {
            SCL_TRY(products(q, n, &l, first, end, part, err));
            if (l.open || end == total || end % group == 0)
                SCL_TRY(root(q, n, &l, first, end, part, err));
        }
    }
    return SCL_OK;
}
