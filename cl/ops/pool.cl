// pool - see host/ops/pool.c.  VEC: channels of a work-item; WG: work-items of a group; SIZE: side of the window.
// An item is a row of outputs; AT outputs side by side share what they read.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#ifndef VEC
#define VEC 1
#endif
#ifndef SIZE
#define SIZE 5
#endif
#include "lib/vec.cl"
#include "lib/math.cl"

#define AT 4
#define HALF (SIZE / 2)

// The weighted windows round (row, x0 ... x0+AT-1), each in raster order.  image: the sample at this item's channels.
static void window_sums(global const float *image, const int row, const int x0, const int H, const int W, const int C,
                        const float weight, floatV *sum)
{
    for (int j = 0; j < AT; j++)
        sum[j] = (floatV)(0.0f);
    for (int iy = max(0, row - HALF); iy <= min(H - 1, row + HALF); iy++) {
        global const float *line = image + (size_t)iy * W * C;
#pragma unroll
        for (int k = 0; k < AT + SIZE - 1; k++) {
            const int ix = x0 - HALF + k;
            if (ix < 0 || ix >= W)
                continue;
            const floatV v = vloadV(line + (size_t)ix * C);
#pragma unroll
            for (int j = 0; j < AT; j++)
                if (k >= j && k < j + SIZE)
                    sum[j] = fma((floatV)(weight), v, sum[j]);
        }
    }
}

// fma(1, v, sum) is the chain of + that avg_pool is; its weight comes last.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void avg_pool(global const float *restrict x, global float *restrict y, const int H, const int W, const int C,
                     const float weight, const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, row = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    global const float *image = x + (size_t)(row / H) * H * W * C + c;
    for (int x0 = 0; x0 < W; x0 += AT) {
        floatV sum[AT];
        window_sums(image, row % H, x0, H, W, C, 1.0f, sum);
#pragma unroll
        for (int j = 0; j < AT; j++)
            if (x0 + j < W)
                vstoreV(scl_flush_v(sum[j] * weight), y + ((size_t)row * W + x0 + j) * C + c);
    }
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void avg_pool_grad(global const float *restrict dy, global float *restrict dx, const int H, const int W, const int C,
                          const float weight, const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, row = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    global const float *image = dy + (size_t)(row / H) * H * W * C + c;
    for (int x0 = 0; x0 < W; x0 += AT) {
        floatV sum[AT];
        window_sums(image, row % H, x0, H, W, C, weight, sum);
#pragma unroll
        for (int j = 0; j < AT; j++)
            if (x0 + j < W)
                vstoreV(scl_flush_v(sum[j]), dx + ((size_t)row * W + x0 + j) * C + c);
    }
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void max_pool(global const float *restrict x, global float *restrict y, global int *restrict index, const int H,
                     const int W, const int C, const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, row = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    global const float *image = x + (size_t)(row / H) * H * W * C + c;
    const int y0 = max(0, row % H - HALF), y1 = min(H - 1, row % H + HALF);
    for (int px = 0; px < W; px++) {
        const int x0 = max(0, px - HALF), x1 = min(W - 1, px + HALF);
        floatV largest = vloadV(image + (size_t)(y0 * W + x0) * C);
        intV best = (intV)(y0 * W + x0);
        for (int iy = y0; iy <= y1; iy++)
            for (int ix = x0; ix <= x1; ix++) {
                const floatV v = vloadV(image + (size_t)(iy * W + ix) * C);
                const intV larger = v > largest;
                best = larger ? (intV)(iy * W + ix) : best;
                largest = larger ? v : largest;
            }
        const size_t at = ((size_t)row * W + px) * C + c;
        vstoreV(scl_flush_v(largest), y + at);
        vstoreV(best, index + at);
    }
}

// x + 0 = x, so an output with another index adds +0.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void max_pool_grad(global const float *restrict dy, global const int *restrict index, global float *restrict dx,
                          const int H, const int W, const int C, const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, row = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    const size_t image = (size_t)(row / H) * H * W * C + c;
    for (int px = 0; px < W; px++) {
        const intV here = (intV)(row % H * W + px);
        floatV sum = (floatV)(0.0f);
        for (int iy = max(0, row % H - HALF); iy <= min(H - 1, row % H + HALF); iy++)
            for (int ix = max(0, px - HALF); ix <= min(W - 1, px + HALF); ix++) {
                const size_t at = image + (size_t)(iy * W + ix) * C;
                const intV ours = vloadV(index + at) == here;
                sum += ours ? vloadV(dy + at) : (floatV)(0.0f);
            }
        vstoreV(scl_flush_v(sum), dx + ((size_t)row * W + px) * C + c);
    }
}

// A lane's index differs from its neighbour's: read one by one.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void max_pool_at(global const float *restrict x, global const int *restrict index, global float *restrict y, const int H,
                        const int W, const int C, const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, row = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    global const float *image = x + (size_t)(row / H) * H * W * C + c;
    for (int px = 0; px < W; px++) {
        const size_t at = ((size_t)row * W + px) * C + c;
        global const int *winner = index + at;         /* products in int: LLVM 18 stops at a gather of size_t ones */
        for (int k = 0; k < VEC; k++)
            y[at + k] = scl_flush(image[winner[k] * C + k]);
    }
}

// W: of the large image, H = 2 * rows of an item's image.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void mean_pool2(global const float *restrict x, global float *restrict y, const int W, const int C, const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, row = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    global const float *upper = x + (size_t)row * 2 * W * C + c, *lower = upper + (size_t)W * C;
    for (int px = 0; px < W / 2; px++) {
        const size_t left = (size_t)px * 2 * C, right = left + C;
        const floatV first = vloadV(upper + left) + vloadV(lower + left);
        const floatV second = vloadV(upper + right) + vloadV(lower + right);
        vstoreV(scl_flush_v((first + second) * 0.25f), y + ((size_t)row * (W / 2) + px) * C + c);
    }
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void mean_pool2_grad(global const float *restrict dy, global float *restrict dx, const int W, const int C,
                            const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, row = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    for (int px = 0; px < W / 2; px++) {
        const floatV v = vloadV(dy + ((size_t)(row / 2) * (W / 2) + px) * C + c) * 0.25f;
        global float *to = dx + ((size_t)row * W + 2 * px) * C + c;
        vstoreV(scl_flush_v(v), to);
        vstoreV(scl_flush_v(v), to + C);
    }
}
