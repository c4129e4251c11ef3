// Philox4x32-10 (Salmon et al. 2011): the counter *x0 ... *x3 becomes four random words.  Vectors: one generator a lane.
// Included with uintT and FN(name) defined; no guard.
static inline void FN(philox)(uintT *x0, uintT *x1, uintT *x2, uintT *x3, const unsigned key0, const unsigned key1)
{
    unsigned k0 = key0, k1 = key1;
    for (int round = 0; round < 10; round++) {
        const uintT h0 = mul_hi(*x0, (uintT)(0xD2511F53u)), l0 = *x0 * 0xD2511F53u;
        const uintT h1 = mul_hi(*x2, (uintT)(0xCD9E8D57u)), l1 = *x2 * 0xCD9E8D57u;
        *x0 = h1 ^ *x1 ^ k0;
        *x2 = h0 ^ *x3 ^ k1;
        *x1 = l1;
        *x3 = l0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}
