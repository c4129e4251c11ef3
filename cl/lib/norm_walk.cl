// The canonical walks of the normalisation families (cl/ops/norm.cl, cl/ops/norm_second.cl): over the channels of a sample as a
// flat row, by a group; over the leaves of all channels of an image, by a work-item.  Needs WG, VEC, lib/vec.cl, lib/sum.cl.
#ifndef LIB_NORM_WALK_CL
#define LIB_NORM_WALK_CL

// Flat sum over C channels; all work-items of the group call it.
static float flat_sum(global const float *u, const int C, local float *lane)
{
    sum_stream sum = sum_start();
    for (int b = 0; b < C; b += SUM_BLOCK) {
        for (int l = (int)get_local_id(0); l < SUM_LANES; l += WG) {
            float acc = 0.0f;
            for (int c = b + l; c < min(C, b + SUM_BLOCK); c += SUM_LANES)
                acc += u[c];
            lane[l] = acc;
        }
        sum_fold(lane, 1, &sum);
    }
    return sum_end(&sum);
}

// Of a[c] * (mean[c] - m), or of (mean[c] - m)^2 where a is 0.
static float flat_product(global const float *a, global const float *mean, const float m, const int C, local float *lane)
{
    sum_stream sum = sum_start();
    for (int b = 0; b < C; b += SUM_BLOCK) {
        for (int l = (int)get_local_id(0); l < SUM_LANES; l += WG) {
            float acc = 0.0f;
            for (int c = b + l; c < min(C, b + SUM_BLOCK); c += SUM_LANES) {
                const float d = mean[c] - m;
                acc = fma(a ? a[c] : d, d, acc);
            }
            lane[l] = acc;
        }
        sum_fold(lane, 1, &sum);
    }
    return sum_end(&sum);
}

#if WG == 1
// A stream of sums (lib/stream_body.h) for every channel: level k of channel c is level[k * C + c].
static inline void levels_clear(local float *level, const int C)
{
    for (int i = 0; i < SUM_LEVELS * C; i += VEC)
        vstoreV((floatV)(0.0f), level + i);
}

static inline void levels_join(local float *level, const int C, const int i, const floatV v)
{
    vstoreV(vloadV(level) + v, level);
    int full = i + 1;
    for (int k = 1; k < SUM_LEVELS && full % SUM_GROUP == 0; k++) {
        vstoreV(vloadV(level + k * C) + vloadV(level + (k - 1) * C), level + k * C);
        vstoreV((floatV)(0.0f), level + (k - 1) * C);
        full /= SUM_GROUP;
    }
}

static inline floatV levels_total(local const float *level, const int C)
{
    floatV sum = vloadV(level);
    for (int k = 1; k < SUM_LEVELS; k++)
        sum = vloadV(level + k * C) + sum;
    return sum;
}

// Leaves of 4x4 pixels in raster order: leaf, its corner's first channel p, and its size h x w.
#define EACH_LEAF                                                                                                              \
    for (int by = 0, leaf = 0; by < H; by += SUM_LEAF)                                                                         \
        for (int bx = 0; bx < W; bx += SUM_LEAF, leaf++)                                                                       \
            for (int c = 0, h = min(SUM_LEAF, H - by), w = min(SUM_LEAF, W - bx); c < C; c += VEC)
#define AT_LEAF(image) ((image) + (size_t)(by * W + bx) * C + c)
#endif

#endif
