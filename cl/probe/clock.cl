// A launch that takes a known time on the host's clock: is the device's the same?  One work-item, a chain of `rounds`
// dependent steps.
#pragma OPENCL FP_CONTRACT OFF

__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void tick(global float *restrict x, const int rounds)
{
    float a = x[0];
    for (int i = 0; i < rounds; i++)
        a = fma(a, 0.999f, 0.001f);
    x[0] = a;
}
