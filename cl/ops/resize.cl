// resize - see host/ops/resize.c.  VEC: channels of a work-item; WG: work-items of a group.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#ifndef VEC
#define VEC 1
#endif
#include "lib/vec.cl"
#include "lib/math.cl"

// lo[i], t[i] of the I rows, then of the J columns.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void resize_places(global int *restrict lo, global float *restrict t, const int H, const int W, const int I, const int J)
{
    const int i = (int)get_global_id(0);
    if (i >= I + J)
        return;
    const int at = i < I ? i : i - I, from = i < I ? H : W, to = i < I ? I : J, steps = max(to - 1, 1);
    const int scaled = at * (from - 1);
    lo[i] = scaled / steps;
    t[i] = scl_div((float)(scaled % steps), (float)steps);
}

// An item is a row of outputs.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void resize_bilinear(global const float *restrict x, global float *restrict y, global const int *restrict lo,
                            global const float *restrict t, const int H, const int W, const int I, const int J, const int C,
                            const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, row = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    const int i = row % I, y0 = lo[i], y1 = min(y0 + 1, H - 1);
    global const float *image = x + (size_t)(row / I) * H * W * C + c;
    global const float *upper = image + (size_t)y0 * W * C, *lower = image + (size_t)y1 * W * C;
    const floatV ty = (floatV)(t[i]);
    for (int j = 0; j < J; j++) {
        const size_t left = (size_t)lo[I + j] * C, right = (size_t)min(lo[I + j] + 1, W - 1) * C;
        const floatV tx = (floatV)(t[I + j]), a = vloadV(upper + left), b = vloadV(lower + left);
        const floatV first = fma(tx, vloadV(upper + right) - a, a), second = fma(tx, vloadV(lower + right) - b, b);
        vstoreV(scl_flush_v(fma(ty, second - first, first)), y + ((size_t)row * J + j) * C + c);
    }
}

// The outputs [first, end) that may touch source p: those whose lo is p-1 or p.
static int first_touching(const int p, const int from, const int to)
{
    return p == 0 || from == 1 || to == 1 ? 0 : ((p - 1) * (to - 1) + from - 2) / (from - 1);
}

static int end_touching(const int p, const int from, const int to)
{
    return p == from - 1 || from == 1 || to == 1 ? to : ((p + 1) * (to - 1) + from - 2) / (from - 1);
}

static float weight_at(const int lo, const float t, const int p)
{
    return lo == p ? 1.0f - t : lo + 1 == p ? t : 0.0f;
}

// An item is a row of sources, which gathers.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void resize_bilinear_grad(global const float *restrict dy, global float *restrict dx, global const int *restrict lo,
                                 global const float *restrict t, const int H, const int W, const int I, const int J,
                                 const int C, const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, row = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    const int sy = row % H, i0 = first_touching(sy, H, I), i1 = end_touching(sy, H, I);
    global const float *image = dy + (size_t)(row / H) * I * J * C + c;
    for (int sx = 0; sx < W; sx++) {
        const int j0 = first_touching(sx, W, J), j1 = end_touching(sx, W, J);
        floatV sum = (floatV)(0.0f);
        for (int i = i0; i < i1; i++) {
            const float wy = weight_at(lo[i], t[i], sy);
            for (int j = j0; j < j1; j++) {
                const float weight = wy * weight_at(lo[I + j], t[I + j], sx);
                sum = fma((floatV)(weight), vloadV(image + (size_t)(i * J + j) * C), sum);
            }
        }
        vstoreV(scl_flush_v(sum), dx + ((size_t)row * W + sx) * C + c);
    }
}
