// basis - see host/ops/basis.c.  WG: work-items of a group; it changes no bit.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void basis_vector(global float *restrict out, const int count, const int D, const int element)
{
    const int i = (int)get_global_id(0);
    if (i < count)
        out[i] = i % D == element ? 1.0f : 0.0f;
}
