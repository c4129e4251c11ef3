// The functions of lib/math_body.h that the device probe compares with C: name, and which arguments are drawn for it
// (host/cl/probe_arith.c).  Read by cl/probe/arith.cl and by C.
#define PROBE_1(F)                                                                                                     \
    F(flush, SPECIAL) F(abs, SPECIAL) F(clamp01, SMALL) F(rcp, WIDE) F(rsqrt, POSITIVE) F(sqrt, POSITIVE) F(exp, EXPONENT)  \
    F(expm1_neg, NEGATIVE) F(log, POSITIVE) F(log1p, UNIT) F(sigmoid, SMALL) F(softplus, SMALL) F(relu, SPECIAL)       \
    F(relu_grad, SMALL) F(elu, SMALL) F(elu_grad, SMALL) F(elu_grad2, SMALL)
#define PROBE_2(F) F(div, WIDE) F(min, SMALL) F(max, SMALL)
