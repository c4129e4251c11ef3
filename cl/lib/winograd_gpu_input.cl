// Transformed inputs for GPUs: of convolutions (lib/winograd_gpu.cl) and of their weight gradient (lib/winograd_dw_gpu.cl).
// Needs WM, VEC = 1, lib/fused.cl, lib/winograd.cl and what they need, UNROLL of lib/tile_gpu.cl.
#ifndef LIB_WINOGRAD_GPU_INPUT_CL
#define LIB_WINOGRAD_GPU_INPUT_CL

// V [frequency][rows][CP] of tiles first ...; rows beyond the last of `total` repeat it, channels beyond C are zero.
// A work-item per (row, c), neighbours neighbouring channels.
__attribute__((reqd_work_group_size(64, 1, 1)))
kernel void winograd_gpu_input(global const float *restrict x, global float *restrict v, PRE_ARGS POST_ARGS const int H,
                               const int W, const int C, const int CP, const int dilation, const int down, const int across,
                               const int tiles, const int first, const int total, const int rows)
{
    const int i = (int)get_global_id(0), row = i / CP, c = i - row * CP;
    if (row >= rows)
        return;
    WINOGRAD_TILE(min(first + row, total - 1))
    x += (size_t)n * H * W * C + c;
    PRE_HOIST(n, c, C - c)
    const size_t step = (size_t)rows * CP;
    float u[WT][WT];
    UNROLL
    for (int j = 0; j < WT; j++) {
        const int xx = x0 + (j - 1) * dilation;
        float d[WT], r[WT];
        UNROLL
        for (int l = 0; l < WT; l++) {
            const int yy = y0 + (l - 1) * dilation, inside = (yy >= 0) & (yy < H) & (xx >= 0) & (xx < W) & (c < C);
            const float value = inside ? x[(yy * W + xx) * C] : 0.0f;
            d[l] = PRE_INSIDE(value, inside);
        }
        WINOGRAD(bt)(r, d);
        UNROLL
        for (int l = 0; l < WT; l++)
            u[l][j] = r[l];
    }
    UNROLL
    for (int l = 0; l < WT; l++) {
        float r[WT];
        WINOGRAD(bt)(r, u[l]);
        UNROLL
        for (int j = 0; j < WT; j++)
            v[(l * WT + j) * step + i] = r[j];
    }
}

#endif
